"""Who no longer holds a run, or whose lease was taken, changes nothing by what it says late."""

from __future__ import annotations

from typing import Any

import pytest

from nbsched.core import plan
from nbsched.core.states import Verb
from nbsched.store import attempts, claiming, hosts, insert, recovery, runs
from nbsched.store.database import Db
from nbsched.store.hosts import Host

WORK = {"kind": "function", "name": "f", "ref": "m:f"}


def join(db: Db, name: str) -> None:
    hosts.register(db, Host(
        id=name, kind="script", pid=1, birth="?", port=None, slots=1, resources={}, notebook=None, started_ms=0,
        seen_ms=0, until_ms=100,
    ))  # fmt: skip


@pytest.fixture
def held(db: Db) -> dict[str, Any]:
    """A run that host `a` carries out, beside host `b`."""
    for name in ("a", "b"):
        join(db, name)
    insert.insert(db, insert.NewRun(work=WORK, scheduled_ms=0, previous_ms=0), 0)
    return take(db, "a")


def take(db: Db, host: str) -> dict[str, Any]:
    room = claiming.Capacity(places=(), any_place=True, slots=1, cells=0)
    claimed = claiming.claim(db, host, "birth", 0, room)
    assert claimed is not None
    (row,) = claimed
    return row


def end(db: Db, host: str, row: dict[str, Any], verb: Verb = Verb.SUCCEED) -> list[runs.Ended]:
    told = runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=plan.Verdict(verb), outcome="x", ended_ms=9
    )
    return runs.settle(db, host, [told], 9)


def whole(db: Db) -> list[Any]:
    return [
        tuple(row)
        for table in ("runs", "attempts", "events", "usage")
        for row in db.execute(f"SELECT * FROM {table}")
    ]


def test_a_result_is_taken_once(db: Db, held: dict[str, Any]) -> None:
    assert [ended.state for ended in end(db, "a", held)] == ["succeeded"]
    before = whole(db)
    assert end(db, "a", held) == []
    assert end(db, "a", held, Verb.FAIL) == []
    assert whole(db) == before


def test_a_result_is_refused_from_who_was_given_up(db: Db, held: dict[str, Any]) -> None:
    assert recovery.give_up(db, "a", 5)
    again = take(db, "b")
    assert (again["id"], again["attempt"], again["fence"]) == (held["id"], 2, 2)
    before = whole(db)
    assert end(db, "a", held) == []
    assert end(db, "b", held) == []
    assert whole(db) == before
    assert [ended.state for ended in end(db, "b", again)] == ["succeeded"]


def test_what_a_run_tells_after_its_end_or_loss_is_not_in_its_row(db: Db, held: dict[str, Any]) -> None:
    attempts.tell(db, held["id"], held["fence"], progress='[1, 2, ""]', pid=7, birth="x")
    assert recovery.processes_of(db, "a") == [(7, "x")]
    end(db, "a", held)
    before = whole(db)
    attempts.tell(
        db,
        held["id"],
        held["fence"],
        progress='[2, 2, ""]',
        output="late.ipynb",
        pid=8,
        birth="y",
        cells="[]",
    )
    assert whole(db) == before


def test_a_lease_that_was_taken_is_not_renewed_and_claims_nothing(db: Db) -> None:
    join(db, "a")
    assert hosts.renew(db, "a", 50, 100)
    assert recovery.give_up(db, "a", 200)
    assert not recovery.give_up(db, "a", 200)
    assert not hosts.renew(db, "a", 210, 100)
    room = claiming.Capacity(places=(), any_place=True, slots=1, cells=0)
    assert claiming.claim(db, "a", "birth", 210, room) is None
