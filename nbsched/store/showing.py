"""What only panels ask of the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbsched.core.model import RunRecord
from nbsched.store import records
from nbsched.store.database import Db


def failed_since(db: Db, since_ms: int) -> int:
    """How many top-level runs have failed since then."""
    row = db.execute(
        "SELECT count(*) FROM events e JOIN runs r ON r.id = e.run "
        "WHERE e.seq > (SELECT ifnull(max(seq), 0) FROM events WHERE at_ms < ?) "
        "AND e.name = 'run.failed' AND r.parent IS NULL",
        (since_ms,),
    ).fetchone()
    return int(row[0])


def changed_since(db: Db, seq: int) -> tuple[int, list[int]]:
    """The log's end, and the runs that something was logged of behind `seq`, with those that tell of progress."""
    last = db.execute("SELECT ifnull(max(seq), ?) FROM events WHERE seq > ?", (seq, seq)).fetchone()[0]
    rows = db.execute(
        "SELECT DISTINCT run FROM events WHERE seq > ? AND run IS NOT NULL "
        "UNION SELECT id FROM runs WHERE state = 'running' AND progress IS NOT NULL",
        (seq,),
    )
    return last, [run for (run,) in rows]


def triggers(db: Db) -> dict[str, str]:
    """Each schedule's trigger as it was written."""
    return dict(db.execute("SELECT name, given FROM schedules").fetchall())


def unmet_needs(db: Db, ids: Sequence[int]) -> dict[int, list[str]]:
    """What each of the runs still waits for, by name."""
    marks = ",".join("?" * len(ids))
    found: dict[int, list[str]] = {}
    for run, name in db.execute(
        f"SELECT n.run, r.name FROM needs n JOIN runs r ON r.id = n.need WHERE n.ended IS NULL AND n.run IN ({marks})",
        list(ids),
    ):
        found.setdefault(run, []).append(name)
    return found


def before(db: Db, name: str, run: int, limit: int) -> list[RunRecord]:
    """The pipeline's runs before this one, newest first."""
    rows = db.execute(
        "SELECT id FROM runs WHERE name = ? AND kind = 'pipeline' AND parent IS NULL AND id < ? AND attempt > 0 "
        "ORDER BY id DESC LIMIT ?",
        (name, run, limit),
    )
    ids = [found for (found,) in rows]
    by_id = {one.id: one for one in records.some(db, ids)}
    return [by_id[found] for found in ids]


def hooked(db: Db, ids: Sequence[int]) -> list[tuple[int, str, dict[str, Any]]]:
    """Those of the runs that someone wants to hear of: id, state and policy."""
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        f"SELECT id, state, policy FROM runs WHERE id IN ({marks}) AND policy LIKE '%\"on_%'", list(ids)
    )
    return [(run, state, json.loads(policy)) for run, state, policy in rows]
