"""What changes while a page is watched: `python changing.py after|flood|pipeline|waiting NUMBER`; prints the ids."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time

import nbsched as nb

PER_SECOND = 34
"""Runs a second: each is queued, runs and ends, so that a hundred changes a second are told of."""


@nb.task
async def quick(number: int) -> int:
    await asyncio.sleep(0.05)
    return 1 // (number % 5)


def pause() -> None:
    threading.Event().wait(0.4 + random.random() / 5)


def after(number: int) -> None:
    """One run after the other has ended."""
    for at in range(number):
        print(nb.run(nb.shell("true", name=f"change {at}")).wait().id, flush=True)
        pause()


def waiting(number: int) -> None:
    """Runs that wait for a person."""
    for at in range(number):
        print(nb.run(nb.approve("Well?", name=f"question {at}")).id, flush=True)


def flood(seconds: int) -> None:
    """Many short runs, a fifth of which fail; the last ones are the last of all."""
    began = time.perf_counter()
    for at in range(seconds * PER_SECOND):
        ahead = began + at / PER_SECOND - time.perf_counter()
        threading.Event().wait(max(0.0, ahead))
        run = nb.run(quick.options(name="quick"), {"number": at})
    run.wait()


def pipeline(steps: int) -> None:
    """A pipeline of so many steps in a hundred columns, which wait for a person, and then as many run a second."""
    with nb.pipeline("wide", max_parallel=3) as wide:
        before = [nb.approve("Begin?", name="begin")]
        for column in range(100):
            here = [quick.options(name=f"s{column}_{row}")(1) for row in range(steps // 100)]
            for one, need in zip(here, before * len(here), strict=False):
                need >> one
            before = here
    run = wide.run()
    print(run.id, run.steps["begin"].id, flush=True)
    run.wait()


if __name__ == "__main__":
    with nb.Runtime(slots=8):
        {"after": after, "waiting": waiting, "flood": flood, "pipeline": pipeline}[sys.argv[1]](
            int(sys.argv[2])
        )
