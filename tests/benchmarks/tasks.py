"""Functions that do next to nothing, durably, beside huey on SQLite with fsync."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbsched as nb
from tests.benchmarks import works
from tests.benchmarks.measure import OURS, comparison, in_turns, spent

SLOTS = 2


@contextmanager
def runtime() -> Iterator[nb.Runtime]:
    """A warm one: it has carried out a function before."""
    with (
        tempfile.TemporaryDirectory() as folder,
        nb.Runtime(Path(folder) / "store.db", slots=SLOTS) as opened,
    ):
        opened.run(works.one).wait(check=True)
        yield opened


@contextmanager
def consumer(
    work: Callable[[], object],
) -> Iterator[tuple[Callable[[], Any], Callable[[int], threading.Event], Callable[[], None]]]:
    """huey's task; what tells when so many have ended; and what starts the consumer, stopped at the end."""
    from huey import SqliteHuey
    from huey.signals import SIGNAL_COMPLETE

    with tempfile.TemporaryDirectory() as folder:
        huey = SqliteHuey(filename=str(Path(folder) / "huey.db"), fsync=True)
        task = huey.task()(work)
        workers = huey.create_consumer(workers=SLOTS, periodic=False, initial_delay=0.001, backoff=1.0)
        count, over = threading.Semaphore(0), threading.Event()

        @huey.signal(SIGNAL_COMPLETE)
        def ended(*_: object) -> None:
            count.release()

        def until(number: int) -> threading.Event:
            threading.Thread(target=lambda: ([count.acquire() for _ in range(number)], over.set())).start()
            return over

        try:
            yield task, until, workers.start
        finally:
            workers.stop(graceful=True)


def together(number: int) -> Callable[[nb.Runtime], None]:
    """So many in one pipeline, defined, run and waited for."""

    def work(opened: nb.Runtime) -> None:
        task = nb.task(works.nothing)
        with nb.pipeline("many") as many:
            nb.group(task() for _ in range(number))
        opened.run(many).wait(check=True)

    return work


def report_together(number: int = 10_000, of_huey: int = 1_000, rounds: int = 3) -> str:
    def ours() -> Any:
        with runtime() as opened:
            return spent(lambda: together(number)(opened), number)

    def hueys() -> Any:
        with consumer(works.nothing) as (task, until, start):
            over = until(of_huey)

            def work() -> None:
                for _ in range(of_huey):
                    task()
                start()
                over.wait()

            return spent(work, of_huey)

    found = in_turns({OURS: ours, "huey": hueys}, rounds)
    return comparison(f"{number:,} tasks together, each (huey: {of_huey:,})", found, {"huey": 0.1})


def report_one_by_one(number: int = 200, rounds: int = 3) -> str:
    def ours() -> Any:
        with runtime() as opened:
            task = nb.task(works.one)
            return spent(lambda: [opened.run(task).wait() for _ in range(number)], number)

    def hueys(**polling: float) -> Any:
        with consumer(works.one) as (task, _, start):
            start()
            return spent(lambda: [task().get(blocking=True, **polling) for _ in range(number)], number)

    often = "huey, its result asked for each ms"
    contestants = {OURS: ours, "huey": hueys, often: lambda: hueys(max_delay=0.001)}
    return comparison("Tasks one after the other, each", in_turns(contestants, rounds), {"huey": 1, often: 1})
