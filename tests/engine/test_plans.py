"""No statement of the loop, and of no list, reads a table from end to end: a million rows are no more work."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.engine.runtime import Runtime
from nbsched.panel.source import StoreSource
from nbsched.store import claiming, database, records, recovery, showing

FEW = {
    "hosts": "those that live",
    "notices": "what is still to be told",
    "n": "what is still to be told",
    "dead_letters": "what a handler has failed on",
    "runs USING INDEX runs_running": "what runs now",
    "runs USING INDEX runs_parent": "what has not ended, when a host is gone",
    "runs USING INDEX runs_rated": "what waits for its rate",
    "schedules USING INDEX schedules_listening": "what waits for events",
    "s USING COVERING INDEX schedules_order": "in order, as many as are asked for",
    "s USING INDEX schedules_order": "in order, as many as are asked for",
    "e": "in order, as many as are asked for",
}
"""What may be read as a whole, and what that is."""
OTHERWISE = re.compile(
    r".* VIRTUAL TABLE .*|\(.*|CONSTANT.*|part|happened|touched|looked|[th]|sqlite_sequence"
)
"""What is no table, but parameters and what was found before; and the table of two rows that counts ids."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every statement that is executed, with parameters it was given."""
    found: dict[str, Any] = {}

    class Listening(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            found.setdefault(sql, given[0] if given else ())
            return super().execute(sql, *given)

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            all_ = list(rows)
            if all_:
                found.setdefault(sql, all_[0])
            return super().executemany(sql, all_)

    connect: Callable[..., Any] = sqlite3.connect
    monkeypatch.setattr(
        database.sqlite3, "connect", lambda *args, **given: connect(*args, factory=Listening, **given)
    )
    return found


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each statement is executed."""
    found: Counter[str] = Counter()

    class Counting(sqlite3.Connection):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            found[" ".join(sql.split())] += 1
            return super().execute(sql, *given)

    connect: Callable[..., Any] = sqlite3.connect
    monkeypatch.setattr(
        database.sqlite3, "connect", lambda *args, **given: connect(*args, factory=Counting, **given)
    )
    return found


def test_mapped_items_are_admitted_once_and_look_up_what_they_share_once(
    tmp_path: Path, works: ModuleType, times: Counter[str]
) -> None:
    with nb.pipeline("p") as p:
        nb.task(works.inverse).map(list(range(1, 601)))
    with Runtime(tmp_path / "store.db", slots=2) as rt:
        assert rt.run(p).wait(30).state == "succeeded"
    assert (
        sum(n for sql, n in times.items() if sql.startswith("SELECT id, state, lane, policy FROM runs")) == 1
    )
    assert times["SELECT * FROM runs WHERE id = ?"] < 10


def scans(db: sqlite3.Connection, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is read as a whole, and the statement that does it."""
    for sql, given in tuple(said.items()):
        if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE|INSERT)", sql) and "IN ()" not in sql:
            for _, _, _, step in db.execute(f"EXPLAIN QUERY PLAN {sql}", given):
                if step.startswith("SCAN "):
                    yield step.removeprefix("SCAN "), " ".join(sql.split())


def refused(db: sqlite3.Connection, said: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(what, sql) for what, sql in scans(db, said) if what not in FEW and not OTHERWISE.fullmatch(what)]


def opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    db.execute(claiming._REFUSED)
    return db


def test_the_loop_reads_no_table_from_end_to_end(
    tmp_path: Path, works: ModuleType, until: Callable[..., None], said: dict[str, Any]
) -> None:
    path = tmp_path / "store.db"
    with Runtime(path, slots=2, ageing="1h") as rt:
        _do_all_kinds_of_things(rt, works, until)
        rt.database.write(recovery.give_up, rt.host.id, rt.now_ms())
    left = refused(opened(path), said)
    assert not left, "\n".join(map(str, left))


def _do_all_kinds_of_things(rt: nb.Runtime, works: ModuleType, until: Callable[..., None]) -> None:
    task = nb.task(works.ok)
    with nb.pipeline("p", max_parallel=2, deadline="1h", on_failure="failed.p") as p:
        first = task()
        mapped = nb.task(works.inverse).map([1, 2, 4])
        first >> mapped
        nb.wait_for(nb.on("x"), timeout="1m", name="sensor") >> mapped
        task.options(rate="100/s", retries=1, timeout="20s")()
    run = rt.run(p)
    rt.schedule(task, nb.every("1h"), name="hourly")
    rt.schedule(task, nb.on("x"), name="on x")
    rt.schedule(task, nb.every("200ms"), name="often", overlap="queue_one", limit=2)
    rt.subscribe("*", lambda event: None)
    rt.subscribe("*", lambda event: None, name="durable", durable=True)
    until(rt, lambda: run.steps["sensor"].started_at)
    rt.publish("x", {"a": 1})
    assert run.wait(20).state == "succeeded"
    assert rt.run(works.bad).wait(20).state == "failed"
    assert rt.run(p, key="k").id
    second = rt.run(p, key="k")
    until(rt, lambda: second.steps["sensor"].started_at)
    rt.publish("x", {"a": 2})
    second.wait(20)
    rt.pause("hourly")
    rt.resume("hourly")
    assert rt.trigger("hourly").wait(20).state == "succeeded"
    rt.cancel(rt.run(nb.approve("go?")))
    rt.unschedule("on x")


ASKED: list[dict[str, Any]] = [
    {}, {"state": "failed"}, {"state": "running"}, {"state": "queued"}, {"state": "succeeded", "name": "ok"},
    {"name": "ok"}, {"schedule": "hourly"}, {"schedule": "hourly", "state": "failed"}, {"pipeline": "p"}, {"parent": 1},
]  # fmt: skip


def test_no_list_reads_a_table_from_end_to_end(
    tmp_path: Path, works: ModuleType, until: Callable[..., None], said: dict[str, Any]
) -> None:
    path = tmp_path / "store.db"
    with Runtime(path, slots=2) as rt:
        _do_all_kinds_of_things(rt, works, until)
        said.clear()
        for asked in ASKED:
            assert all(one.record for one in rt.runs(**asked))
        assert [schedule.record.name for schedule in rt.schedules(limit=2)]
        whole = rt.runs(pipeline="p")[0]
        assert rt.events(limit=5)
        assert rt.events(after=3)
        assert rt.events(run=whole.id)
        read, source = rt.database.read, StoreSource(rt)
        assert source.snapshot()["rows"]
        assert source.pipeline(whole.id)
        assert source.details(whole.id)
        assert source.changed((0, {}), [whole.id])[0]
        read(showing.lines, whole.id)
        read(records.schedules_of, "notebook.ipynb")
    left = refused(opened(path), said)
    assert not left, "\n".join(map(str, left))


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_runs_are_listed_in_the_order_of_an_index(asked: dict[str, Any], said: dict[str, Any]) -> None:
    db = database.in_memory()
    said.clear()
    records.runs(db, **asked)
    ((sql, given),) = said.items()
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", given)]
    sorts = any("TEMP B-TREE" in step for step in plan)
    assert sorts == ("parent" in asked or asked == {"state": "running"}), plan
    assert "SEARCH" in plan[0] or "runs_running" in plan[0]
