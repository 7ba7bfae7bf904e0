"""Many kernels at once and one after the other: what fails, and what is left behind."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.benchmarks.measure import OURS
from tests.benchmarks.notebooks import opened, trivial, written
from tests.benchmarks.processes import below, descriptors
from tests.benchmarks.results import Report, Row, table
from tests.benchmarks.workers import FOLDERS, Worker

SLOTS = 4
PATIENCE_S = 10
"""What is still there so long after the last notebook has ended is left behind."""


@dataclass(frozen=True)
class Held:
    """What a worker and those below it have."""

    processes: int
    files: int
    descriptors: int


@dataclass(frozen=True)
class Kept:
    """How it went: `left` is what there was more afterwards than before."""

    per_second: float
    failures: int
    left: Held

    @property
    def faults(self) -> int:
        return self.failures + sum(max(0, value) for value in astuple(self.left))


def report(at_once: int = 200, in_a_row: int = 1_000) -> Report:
    with (
        tempfile.TemporaryDirectory() as folder,
        opened({OURS: "nbsched"}, [OURS], Path(folder), None, SLOTS) as workers,
    ):
        worker, source = workers[OURS], written(Path(folder, "one.ipynb"), trivial(1))
        worker.ask("together", source, 2 * SLOTS)  # whatever is made only once is there
        found = {
            f"{at_once:,} notebooks, {SLOTS} at a time": _kept(worker, "together", source, at_once),
            f"{in_a_row:,} notebooks in a row": _kept(worker, "in a row", source, in_a_row),
        }
    lines = [[name, f"{kept.per_second:.1f}", str(kept.failures), *map(str, astuple(kept.left))]
             for name, kept in found.items()]  # fmt: skip
    columns = ["", "per second", "failed", "processes left", "files left", "descriptors left"]
    return Report(table("Many notebooks", columns, lines), tuple(rows(found)))


def rows(found: dict[str, Kept]) -> Iterator[Row]:
    for name, kept in found.items():
        yield Row(f"{name}: failures, and processes, files and descriptors left", kept.faults, "", most=0)
        yield Row(f"{name}: how many", kept.per_second, "per second")


def _kept(worker: Worker, verb: str, source: str, number: int) -> Kept:
    before, began = held(worker), time.perf_counter()
    failures = worker.ask(verb, source, number)
    took = time.perf_counter() - began
    return Kept(number / took, failures, _left(worker, before))


def _left(worker: Worker, before: Held) -> Held:
    """What there is more, once those that have ended are gone."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = Held(*(now - then for now, then in zip(astuple(held(worker)), astuple(before), strict=True)))
        if max(astuple(left)) <= 0 or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def held(worker: Worker) -> Held:
    """Orphans count as well while they live, since this process gathers them; it waits for none that has ended."""
    me = os.getpid()
    pids = {process.pid for process in below(me) if not (process.ended and process.parent == me)}
    files = sum(len(files) for name in FOLDERS.values() for _, _, files in os.walk(worker.home / name))
    return Held(len(pids), files, sum(map(_descriptors, pids)))


def _descriptors(pid: int) -> int:
    try:
        return descriptors(pid)
    except OSError:  # it has ended
        return 0
