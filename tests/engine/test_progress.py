"""How far a run is, is told seldom enough, but the last of it always."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nbsched.core.usage import Usage
from nbsched.engine.clock import FakeClock
from nbsched.engine.progress import Progress
from nbsched.store import records
from nbsched.store.database import Database, Db

START = datetime(2026, 1, 5, tzinfo=UTC)
RUN = {"id": 7, "fence": 1, "name": "n", "kind": "notebook", "pipeline": None, "parent": None, "step": None,
       "idx": None}  # fmt: skip


def put(db: Db, run: int, state: str, ended_ms: int | None) -> None:
    db.execute(
        "INSERT INTO runs (id, name, kind, state, scheduled_ms, previous_ms, seq, created_ms, started_ms, ended_ms, "
        "work, fence, attempt) VALUES (?, 'n', 'notebook', ?, 0, 0, 0, 0, 0, ?, '{}', 1, 1)",
        (run, state, ended_ms),
    )


@dataclass
class Told:
    """A progress on a real store, what it told, and the seconds that go by when they are said to."""

    database: Database
    monkeypatch: pytest.MonkeyPatch
    events: list[Mapping[str, Any]] = field(default_factory=list)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.monkeypatch.setattr("nbsched.engine.progress.ticks", lambda: self.now)
        self.progress = Progress(
            self.database, RUN, lambda name, data: self.events.append(data), FakeClock(START),
            lambda seconds, call: self.later.append((self.now + seconds, call)),
        )  # fmt: skip

    def tell(self, done: int, total: int = 5, usage: Usage | None = None) -> None:
        self.progress.tell(done, total, f"cell {done}", usage)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = [call for at, call in self.later if at <= self.now]
        self.later = [(at, call) for at, call in self.later if at > self.now]
        for call in due:
            call()

    def stored(self) -> Any:
        self.database.write(lambda db: None)
        return self.database.read(records.run, 7).progress

    def cells(self) -> Any:
        self.database.write(lambda db: None)
        return self.database.read(records.cells, 7)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    database = Database(tmp_path / "store.db")
    database.write(put, 7, "running", None)
    yield Told(database, monkeypatch)
    database.close()


def test_what_comes_too_soon_is_told_a_little_later_and_only_the_last_of_it(told: Told) -> None:
    for done in range(4):
        told.tell(done)
    assert told.stored() == (0, 5, "cell 0")
    told.wait(0.25)
    assert told.stored() == (3, 5, "cell 3")
    assert [event["done"] for event in told.events] == [0, 3]
    told.wait(10)
    assert len(told.events) == 2


def test_nothing_is_told_of_a_run_that_is_over(told: Told) -> None:
    told.tell(0)
    told.tell(1)
    told.progress.end()
    told.wait(1)
    assert [event["done"] for event in told.events] == [0]


def test_the_last_is_told_at_once(told: Told) -> None:
    for done in (0, 1, 5):
        told.tell(done)
    assert [event["done"] for event in told.events] == [0, 5]
    told.wait(1)
    assert told.stored() == (5, 5, "cell 5")
    assert len(told.events) == 2


def test_every_cell_that_has_ended_is_told_of_and_kept_also_of_a_run_that_fails(told: Told) -> None:
    used = [Usage(wall_s=1.0 * cell, cpu_s=0.5, peak_memory_mb=60.0) for cell in range(3)]
    told.tell(0)
    for done, usage in enumerate(used, 1):
        told.tell(done, usage=usage)
    told.progress.end()
    assert [event["wall_s"] for event in told.events if "wall_s" in event] == [0, 1, 2]
    assert told.cells() == used


def test_what_is_left_is_told_by_the_runs_before_and_counted_from_each_cell(told: Told) -> None:
    told.database.write(put, 3, "succeeded", 9_000)
    cells = json.dumps([{"wall_s": wall} for wall in (1, 2, 3)])
    told.database.write(lambda db: db.execute("INSERT INTO usage VALUES (3, ?)", (cells,)).rowcount)
    told.tell(0, total=3)
    told.wait(1)
    told.tell(1, total=3)
    told.tell(3, total=3)
    assert [event.get("left_s") for event in told.events] == [6.0, 5.0, None]
    assert told.database.read(records.run, 7).estimate is None


def test_a_store_that_cannot_be_read_does_not_stop_the_work(told: Told) -> None:
    told.database.write(lambda db: db.execute("DROP TABLE usage").rowcount)
    told.tell(0)
    assert "left_s" not in told.events[0]
