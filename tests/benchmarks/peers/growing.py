"""A runtime on a store that was filled: `growing.py STORE`; the median seconds of one of so many calls."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from typing import Any

from serve import serve, timed

import nbsched as nb
from nbsched.store.outlook import outlook

numbers = count(1)
made: list[Any] = []


def each(work: Callable[[], object]) -> Callable[[int], float]:
    once = timed(work)
    return lambda number: median(once() for _ in range(number))


def add_schedule() -> None:
    made.append(runtime.schedule(nb.shell("true"), "0 0 1 1 *", name=f"new {next(numbers)}"))


def remove_schedule() -> None:
    runtime.unschedule(made.pop().name)


def add_run() -> None:
    """One that waits, so that nothing but the call is measured."""
    made.append(runtime.run(nb.approve("Go?", name=f"new {next(numbers)}")))


def remove_run() -> None:
    runtime.cancel(made.pop())


def nothing() -> None: ...


def carry_out() -> None:
    runtime.run(nothing).wait(check=True)


def look_ahead() -> None:
    """What the loop asks before it does anything, once it has nothing more to do."""
    now_ms = int(time.time() * 1000)
    runtime.database.read(outlook, now_ms, runtime.host.id, (), True, ("slot",))


def list_newest() -> None:
    assert [run.state for run in runtime.runs(limit=50)]


if __name__ == "__main__":
    with nb.Runtime(sys.argv[1]) as runtime:
        serve({work.__name__: each(work) for work in
               (add_schedule, remove_schedule, add_run, remove_run, carry_out, look_ahead, list_newest)})  # fmt: skip
