"""A store of a million schedules and runs is as quick as one of a thousand, and its host no larger."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import nbsched as nb
from nbsched.store import schedules
from nbsched.store.database import Database, Db
from nbsched.store.outlook import outlook

MOST_TIMES = 5
MOST_BYTES = 30_000_000
NOT_COPIED = {"id": "NULL", "name": "name || ' ' || value", "occurrence": "NULL", "key": "NULL"}


def fill(db: Db, number: int) -> None:
    """So many copies of the schedule, of its run, and of the run's end."""
    names = {row["name"]: row["name"] for row in db.execute("PRAGMA table_info(schedules)")}
    names |= {"name": NOT_COPIED["name"], "next_ms": "next_ms + value"}
    db.execute(
        f"INSERT INTO schedules SELECT {', '.join(names.values())} FROM schedules CROSS JOIN ({NUMBERS}) "
        "WHERE name = 'first'",
        (number,),
    )
    columns = {row["name"]: row["name"] for row in db.execute("PRAGMA table_info(runs)")} | NOT_COPIED
    columns["name"] = "name"
    db.execute(
        f"INSERT INTO runs SELECT {', '.join(columns.values())} FROM runs CROSS JOIN ({NUMBERS}) WHERE id = 1",
        (number,),
    )
    db.execute(
        "INSERT INTO events (name, at_ms, run, attempt) SELECT 'run.succeeded', ended_ms, id, 1 FROM runs "
        "WHERE id > 1"
    )


NUMBERS = "WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n"


def store_of(path: Path, works: ModuleType, number: int) -> Path:
    with nb.Runtime(path) as rt:
        rt.schedule(nb.task(works.ok), nb.every("365d", start="2099-01-01T00:00+00:00"), name="first")
        assert rt.trigger("first").wait(20).state == "succeeded"
        rt.database.write(fill, number)
    return path


def cpu_of(work: Callable[[], object]) -> float:
    """What it takes of this process, at best."""
    found = []
    for _ in range(15):
        before = time.process_time()
        work()
        found.append(time.process_time() - before)
    return min(found)


def figures(path: Path, works: ModuleType) -> dict[str, float]:
    """The CPU seconds of what people and the loop do."""
    task = nb.task(works.ok)
    with nb.Runtime(path) as rt:

        def add_and_remove() -> None:
            rt.schedule(task, nb.every("1d"), name="new")
            rt.unschedule("new")

        def look_out(database: Database) -> None:
            places = (f"host:{rt.host.id}", f"process:{rt.host.id}")
            for any_place in (True, False):
                database.read(outlook, rt.now_ms(), rt.host.id, places, any_place, ["none", "slot", "cell"])

        return {
            "add and remove a schedule": cpu_of(add_and_remove),
            "next": cpu_of(lambda: look_out(rt.database)),
            "run": cpu_of(lambda: rt.run(task).wait(20)),
            "trigger": cpu_of(lambda: rt.trigger("first").wait(20)),
            "what goes on": cpu_of(lambda: rt.database.read(schedules.active, "first")),
            "runs": cpu_of(lambda: rt.runs(limit=20)),
            "failed runs": cpu_of(lambda: rt.runs(state="failed", limit=20)),
            "running runs": cpu_of(lambda: rt.runs(state="running", limit=20)),
            "runs of a schedule": cpu_of(lambda: rt.runs(schedule="first", limit=20)),
            "runs of a name": cpu_of(lambda: rt.runs(name="ok", limit=20)),
            "schedules": cpu_of(lambda: [one.record for one in rt.schedules(limit=20)]),
            "events": cpu_of(lambda: rt.events(limit=20)),
        }  # fmt: skip


def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_million_of_them_take_no_longer_than_a_thousand(tmp_path: Path, works: ModuleType) -> None:
    few = figures(store_of(tmp_path / "few.db", works, 1_000), works)
    large = store_of(tmp_path / "many.db", works, 1_000_000)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    before = peak()
    many = figures(large, works)
    assert peak() - before < MOST_BYTES
    assert {what: many[what] / few[what] for what in few if many[what] > MOST_TIMES * few[what]} == {}
