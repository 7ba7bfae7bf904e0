"""How earlier runs of the same work ended, and how long they took."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.core.estimate import Past
from nbsched.core.states import State
from nbsched.core.usage import Usage
from nbsched.store.database import Db

MOST_LOOKED_AT = 200
"""So many of the newest runs are looked at, whatever became of them."""

_RUNS = """
SELECT id, state, reason, schedule, ended_ms, ended_ms - started_ms AS took FROM (
  SELECT * FROM runs WHERE parent IS NULL AND name = :name AND id <> :id ORDER BY id DESC LIMIT :most)
"""
_STEPS = """
SELECT c.id, c.state, c.reason, c.schedule, c.ended_ms, c.ended_ms - c.started_ms AS took FROM (
  SELECT id FROM runs WHERE parent IS NULL AND name = :pipeline AND id <> :parent
  ORDER BY id DESC LIMIT :most) p
JOIN runs c ON c.parent = p.id AND c.step = :step
"""
_ITEMS = """
SELECT id, state, reason, schedule, ended_ms, ended_ms - started_ms AS took FROM runs
WHERE parent = :parent AND step IS :step AND id <> :id ORDER BY ended_ms DESC LIMIT :most
"""
_SUCCEEDED = "state = 'succeeded' AND took IS NOT NULL AND reason IS NOT 'cached'"


def durations_ms(db: Db, row: Mapping[str, Any], most: int) -> Sequence[int]:
    """How long the last succeeded runs of the same name took, or of the same step of its pipeline."""
    rows = _like(db, row, _SUCCEEDED, None)
    return [row["took"] for row in rows[:most]]


def past(db: Db, row: Mapping[str, Any], most: int) -> list[Past]:
    """The last succeeded runs of the same work with their cells; of an item those of the others."""
    rows = _like(db, row, _SUCCEEDED, None, among=None if row["idx"] is None else _ITEMS)[:most]
    cells = db.execute(
        "SELECT run, cells FROM usage WHERE run IN (SELECT value FROM json_each(?))",
        (json.dumps([row["id"] for row in rows]),),
    )
    used = {run: json.loads(text) for run, text in cells}
    return [Past(row["took"], [_wall_ms(cell) for cell in used.get(row["id"], ())]) for row in rows]


def _wall_ms(cell: Usage) -> int:
    return round(cell.get("wall_s", 0) * 1000)


def has_recovered(db: Db, row: Mapping[str, Any]) -> bool:
    """The last run of the same name (and schedule) before it that succeeded or failed has failed."""
    rows = _like(db, row, "state IN ('succeeded', 'failed') AND ended_ms IS NOT NULL", row["schedule"])
    return bool(rows) and max(rows, key=lambda one: one["ended_ms"])["state"] == State.FAILED


def _like(
    db: Db, row: Mapping[str, Any], which: str, schedule: str | None, among: str | None = None
) -> list[Any]:
    """The ended runs of the same work, newest first."""
    of = among or (_RUNS if row["parent"] is None else _STEPS)
    same = "" if schedule is None else "AND schedule = :schedule"
    given = {
        "id": row["id"], "name": row["name"], "pipeline": row["pipeline"], "parent": row["parent"],
        "step": row["step"], "schedule": schedule, "most": MOST_LOOKED_AT,
    }  # fmt: skip
    return db.execute(f"SELECT id, state, ended_ms, took FROM ({of}) WHERE {which} {same}", given).fetchall()
