"""How late one-shot schedules fire."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import nbsched as nb
from tests.benchmarks import works
from tests.benchmarks.measure import OURS
from tests.benchmarks.results import Report, Row, table

BEFORE_THE_FIRST_S = 4
PEER = "APScheduler 3, SQLite"


def report(number: int = 200, seconds: float = 4, rounds: int = 3) -> Report:
    found: dict[str, list[float]] = {OURS: [], PEER: []}
    for _ in range(rounds):
        found[OURS] += _ours(_instants(number, seconds))
        found[PEER] += _apschedulers(_instants(number, seconds))
    rows = [[who, *(f"{value * 1e3:.2f}" for value in _told(late))] for who, late in found.items()]
    title = f"Lateness of {number} one-shot schedules within {seconds:g} s"
    (_, ours, _, earliest), (_, theirs, _, _) = _told(found[OURS]), _told(found[PEER])
    return Report(table(f"{title}, ms", ["", "p50", "p99", "max", "min"], rows), (
        Row(f"{title}, p99", ours * 1e3, "ms", PEER, theirs * 1e3, most=1),
        Row(f"{title}, the earliest", earliest * 1e3, "ms", least=0),
    ))  # fmt: skip


def _told(late: Sequence[float]) -> tuple[float, float, float, float]:
    cuts = quantiles(late, n=100)
    return cuts[49], cuts[98], max(late), min(late)


def _instants(number: int, seconds: float) -> list[datetime]:
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1 + BEFORE_THE_FIRST_S)
    return [first + timedelta(milliseconds=int(at * seconds / number * 1000)) for at in range(number)]


def _ours(instants: Sequence[datetime]) -> list[float]:
    works.late.clear()
    with tempfile.TemporaryDirectory() as folder, nb.Runtime(Path(folder) / "store.db") as runtime:
        task = nb.task(works.note_lateness)
        for at, instant in enumerate(instants):
            runtime.schedule(task, nb.at(instant), name=f"at {at}")
        _wait_for(len(instants))
    return list(works.late)


def _apschedulers(instants: Sequence[datetime]) -> list[float]:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    works.late.clear()
    with tempfile.TemporaryDirectory() as folder:
        store = SQLAlchemyJobStore(url=f"sqlite:///{folder}/jobs.db")
        late_is_fine = {"misfire_grace_time": None}
        scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC, job_defaults=late_is_fine)
        scheduler.start()
        for instant in instants:
            scheduler.add_job(works.note_lateness_of, "date", run_date=instant, args=[instant.timestamp()])
        _wait_for(len(instants))
        scheduler.shutdown()
    return list(works.late)


def _wait_for(number: int) -> None:
    while len(works.late) < number:
        time.sleep(0.05)
