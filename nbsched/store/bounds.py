"""Runs that bear a label, of which only so many go on at once: the others are pending, and take their turn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.store.database import Db

_WAITING = "bound = ? AND ended_ms IS NULL AND state = 'pending' AND started_ms IS NULL"


def admissible(db: Db, ended: Sequence[int], columns: str) -> list[Mapping[str, Any]]:
    """The pending runs that may go on now that these have ended."""
    if not db.execute(
        "SELECT 1 FROM runs WHERE bound IS NOT NULL AND ended_ms IS NULL AND state = 'pending' LIMIT 1"
    ).fetchone():
        return []
    labels = db.execute(
        "SELECT DISTINCT bound FROM runs WHERE id IN (SELECT value FROM json_each(?)) AND bound IS NOT NULL",
        (json.dumps(ended),),
    ).fetchall()
    return [row for (label,) in labels for row in first_in_line(db, label, columns)]


def first_in_line(db: Db, label: str, columns: str) -> list[Mapping[str, Any]]:
    """The pending runs of the label for which there is room now, those of the earliest instants."""
    first = db.execute(
        f"SELECT json_extract(policy, '$.max_bound') FROM runs WHERE {_WAITING} "
        "ORDER BY priority, scheduled_ms, id LIMIT 1",
        (label,),
    ).fetchone()
    if first is None:
        return []
    going_on = db.execute(
        "SELECT (SELECT count(*) FROM runs WHERE bound = ?1 AND ended_ms IS NULL AND state IN ('queued', 'running')) "
        "+ (SELECT count(*) FROM waits w CROSS JOIN runs r ON r.id = w.run "
        "WHERE r.bound = ?1 AND r.state = 'pending' AND r.started_ms IS NOT NULL)",  # sensors that have begun
        (label,),
    ).fetchone()[0]
    return db.execute(
        f"SELECT {columns} FROM runs WHERE {_WAITING} ORDER BY priority, scheduled_ms, id LIMIT ?",
        (label, max(0, first[0] - going_on)),
    ).fetchall()


def widen(db: Db, label: str, most: int) -> None:
    """So many of the label's runs go on at once from now on."""
    db.execute(
        "UPDATE runs SET policy = json_set(policy, '$.max_bound', ?1) WHERE bound = ?2 AND ended_ms IS NULL "
        "AND state = 'pending' AND json_extract(policy, '$.max_bound') <> ?1",
        (most, label),
    )
