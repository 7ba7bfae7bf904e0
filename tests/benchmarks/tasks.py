"""Functions that do next to nothing, durably, beside huey with fsync and DBOS, both on SQLite."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbsched as nb
from tests.benchmarks import works
from tests.benchmarks.environments import NotInstalled, python_of
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns, spent
from tests.benchmarks.results import Report, Row
from tests.benchmarks.workers import worker

SLOTS = 2
MAPPED, DBOS, OFTEN = f"{OURS}, mapped", "DBOS", "huey, its result asked for each ms"


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


def mapped(number: int) -> Callable[[nb.Runtime], None]:
    """One for each item of a list."""

    def work(opened: nb.Runtime) -> None:
        with nb.pipeline("mapped") as many:
            nb.task(works.same).map(list(range(number)))
        opened.run(many).wait(check=True)

    return work


@contextmanager
def dbos(verb: str, number: int) -> Iterator[dict[str, Callable[[], Spent]]]:
    """DBOS as a contestant; none where it cannot be installed."""
    try:
        python = python_of("dbos")
    except NotInstalled:
        yield {}
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        worker("dbos_tasks.py", Path(folder, "dbos.db"), python=python) as opened,
    ):
        yield {DBOS: lambda: opened.took(verb, number, units=number)}


def report(
    number: int = 10_000, of_huey: int = 1_000, of_dbos: int = 500, in_a_row: int = 200, rounds: int = 3
) -> Report:
    return report_together(number, of_huey, of_dbos, rounds) + report_one_by_one(in_a_row, rounds)


def report_together(number: int, of_huey: int, of_dbos: int, rounds: int) -> Report:
    def ours(carry: Callable[[nb.Runtime], None]) -> Spent:
        with runtime() as opened:
            return spent(lambda: carry(opened), number)

    def hueys() -> Spent:
        with consumer(works.nothing) as (task, until, start):
            over = until(of_huey)

            def work() -> None:
                for _ in range(of_huey):
                    task()
                start()
                over.wait()

            return spent(work, of_huey)

    contestants = {OURS: lambda: ours(together(number)), MAPPED: lambda: ours(mapped(number)), "huey": hueys}
    with dbos("together", of_dbos) as peer:
        found = in_turns(contestants | peer, rounds)
    target = {"huey": 0.1, DBOS: 0.05}
    title = f"{number:,} tasks together, each (huey: {of_huey:,}, DBOS: {of_dbos:,})"
    text = comparison(title, found, target).text
    return Report(text, (*rows(f"{number:,} tasks together, each", found, OURS, target),
                         *rows(f"{number:,} tasks mapped, each", found, MAPPED, target)))  # fmt: skip


def report_one_by_one(number: int, rounds: int) -> Report:
    def ours() -> Spent:
        with runtime() as opened:
            task = nb.task(works.one)
            return spent(lambda: [opened.run(task).wait() for _ in range(number)], number)

    def hueys(**polling: float) -> Spent:
        with consumer(works.one) as (task, _, start):
            start()
            return spent(lambda: [task().get(blocking=True, **polling) for _ in range(number)], number)

    contestants = {OURS: ours, "huey": hueys, OFTEN: lambda: hueys(max_delay=0.001)}
    with dbos("one by one", number) as peer:
        found = in_turns(contestants | peer, rounds)
    title, target = "Tasks one after the other, each", {"huey": 1, OFTEN: 1, DBOS: 1}
    return Report(comparison(title, found, target).text, rows(title, found, OURS, target))


def rows(what: str, found: Mapping[str, Spent], ours: str, target: Mapping[str, float]) -> tuple[Row, ...]:
    """One beside each peer; a peer that could not be installed is named."""
    took = found[ours].wall * 1e6
    return tuple(
        Row(what, took, "µs", peer, found[peer].wall * 1e6, most=most) if peer in found
        else Row(what, took, "µs", f"{peer}, not installed", most=most)
        for peer, most in target.items()
    )  # fmt: skip
