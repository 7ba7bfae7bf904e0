"""Runs that wait until the run of the occurrence before has succeeded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbsched.core import plan
from nbsched.core.states import State
from nbsched.store.database import Db

REASON = "previous"
"""The reason of a pending run that waits for the one before it."""

_MARK = '"depends_on_previous":true'
FACTS = "id, parent, schedule, occurrence, scheduled_ms, step, idx"
"""Of a run, to find the one before it."""


def depends(policy: str) -> bool:
    """Whether a run of this policy, JSON as it is stored, waits for the one before it."""
    return _MARK in policy


def blocks(db: Db, row: Mapping[str, Any]) -> bool:
    """The run before has not ended well, and was not retried with success; `row` has the FACTS."""
    before = json.dumps(_before(db, row))
    ends = db.execute(
        "SELECT state, reason FROM runs WHERE id IN (SELECT value FROM json_each(?))", (before,)
    ).fetchall()
    return bool(ends) and not any(plan.lets_the_next_begin(State(state), reason) for state, reason in ends)


def _before(db: Db, row: Mapping[str, Any]) -> list[int]:
    """The run of the occurrence before and its retries; of a step, the same step of each of these."""
    if row["parent"] is None:
        return _occurrence_before(db, row)
    above = db.execute(f"SELECT {FACTS} FROM runs WHERE id = ?", (row["parent"],)).fetchone()
    found = db.execute(
        "SELECT id FROM runs WHERE parent IN (SELECT value FROM json_each(?)) AND step IS ? AND idx IS ?",
        (json.dumps(_before(db, above)), row["step"], row["idx"]),
    )
    return [run for (run,) in found]


def _occurrence_before(db: Db, row: Mapping[str, Any]) -> list[int]:
    """None for what was started by hand, and for the first occurrence; instants that were not run do not count."""
    if row["occurrence"] is None:
        return []
    before = db.execute(
        "SELECT id, scheduled_ms FROM runs WHERE parent IS NULL AND schedule = ? AND occurrence IS NOT NULL "
        "AND scheduled_ms <= ?2 AND (scheduled_ms, id) < (?2, ?) AND work <> '{}' "
        "AND NOT (state = 'skipped' AND reason = 'expired') ORDER BY scheduled_ms DESC, id DESC LIMIT 1",
        (row["schedule"], row["scheduled_ms"], row["id"]),
    ).fetchone()
    if before is None:
        return []
    found = db.execute(
        "WITH RECURSIVE same (id) AS (VALUES (?) UNION SELECT r.id FROM runs r JOIN same ON r.retry_of = same.id "
        "WHERE r.schedule = ? AND r.scheduled_ms = ? AND r.parent IS NULL) SELECT id FROM same",
        (before["id"], row["schedule"], before["scheduled_ms"]),
    )
    return [run for (run,) in found]


def holds_back(db: Db, row: Mapping[str, Any]) -> bool:
    """Whether the pending run must wait for the one before it; then it does. `row` has the FACTS and the policy."""
    if not depends(row["policy"]):
        return False
    waits = blocks(db, row)
    (wait if waits else forget)(db, row["id"])
    return waits


def wait(db: Db, run: int) -> None:
    """The pending run waits for the one before it."""
    db.execute(
        "INSERT INTO waits (run, kind) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET kind = excluded.kind",
        (run, REASON),
    )
    db.execute("UPDATE runs SET reason = ? WHERE id = ?", (REASON, run))


def forget(db: Db, run: int) -> None:
    """The run waits for that no longer; an answer that it was given early is kept."""
    db.execute(
        "UPDATE waits SET kind = 'answer' WHERE run = ? AND kind = ? AND answer IS NOT NULL", (run, REASON)
    )
    db.execute("DELETE FROM waits WHERE run = ? AND kind = ?", (run, REASON))


def next_in_turn(db: Db, ended: Iterable[int], columns: str) -> Sequence[Mapping[str, Any]]:
    """The runs that may wait for one of these, which have ended: of each the first that waits behind it."""
    if db.execute("SELECT 1 FROM waits WHERE kind = ? LIMIT 1", (REASON,)).fetchone() is None:
        return []
    rows = [db.execute(f"SELECT {columns} {_NEXT}", {"run": run}).fetchone() for run in ended]
    return list({row["id"]: row for row in rows if row is not None}.values())


_NEXT = f"""
FROM runs WHERE id = (
  SELECT later.id FROM waits w JOIN runs later ON later.id = w.run JOIN runs e ON e.id = :run
  WHERE w.kind = '{REASON}' AND later.state = 'pending' AND later.schedule = e.schedule
    AND later.scheduled_ms >= e.scheduled_ms AND later.step IS e.step AND later.idx IS e.idx
  ORDER BY later.scheduled_ms, later.id LIMIT 1)
"""
