"""How long earlier runs of the same work took, as a whole and cell by cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbsched.core.estimate import Past
from nbsched.store import history, records
from nbsched.store.database import Db


def ended(db: Db, run: int, took_ms: int, walls: list[float] | None = None, **facts: Any) -> None:
    row = {
        "id": run, "name": "n", "kind": "notebook", "state": "succeeded", "scheduled_ms": 0, "previous_ms": 0,
        "seq": run, "created_ms": 0, "started_ms": 1_000, "ended_ms": 1_000 + took_ms, "work": "{}", **facts,
    }  # fmt: skip
    db.execute(
        f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
    )
    if walls is not None:
        cells = json.dumps([{"wall_s": wall} for wall in walls])
        db.execute("INSERT INTO usage (run, cells) VALUES (?, ?)", (run, cells))


def asked(**facts: Any) -> dict[str, Any]:
    plainest = {
        "id": 99,
        "name": "n",
        "pipeline": None,
        "parent": None,
        "step": None,
        "idx": None,
        "schedule": None,
    }
    return plainest | facts


def test_the_last_successful_runs_come_first_with_their_cells(db: Db) -> None:
    ended(db, 1, 5_000, [1, 2.5])
    ended(db, 2, 6_000)
    ended(db, 3, 7_000, [9], state="failed")
    ended(db, 4, 10, reason="cached")
    ended(db, 5, 8_000, [3, 4], name="other")
    assert history.past(db, asked(), 10) == [Past(6_000, []), Past(5_000, [1_000, 2_500])]
    assert history.past(db, asked(), 1) == [Past(6_000, [])]


def test_a_step_is_compared_with_the_step_and_an_item_with_the_other_items(db: Db) -> None:
    for pipeline in (1, 10):
        ended(db, pipeline, 9_000, name="p", kind="pipeline", pipeline="p")
        ended(db, pipeline + 1, 100 * pipeline, [pipeline], parent=pipeline, pipeline="p", step="s")
    ended(db, 20, 70_000, parent=10, pipeline="p", step="m", kind="map")
    ended(db, 21, 30, [0.03], parent=20, pipeline="p", step="m", idx=0)
    step = asked(name="s", parent=98, pipeline="p", step="s")
    assert history.past(db, step, 10) == [Past(1_000, [10_000]), Past(100, [1_000])]
    item = asked(name="m", parent=20, pipeline="p", step="m", idx=1)
    assert history.past(db, item, 10) == [Past(30, [30])]


@pytest.mark.parametrize("gone", [True, False])
def test_what_the_cells_used_goes_with_their_run(db: Db, gone: bool) -> None:
    ended(db, 1, 5_000, [1])
    if gone:
        db.execute("DELETE FROM runs")
    assert records.cells(db, 1) == ([] if gone else [{"wall_s": 1}])
    assert db.execute("SELECT count(*) FROM usage").fetchone()[0] == (0 if gone else 1)
