"""Which runs take longer than they should, found while they still run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.core import limits
from nbsched.store.database import Db
from nbsched.store.events import record_run
from nbsched.store.history import durations_ms
from nbsched.store.notices import FACTS, note


def watch(db: Db, rows: Sequence[Mapping[str, Any]], now_ms: int) -> None:
    """The runs, which begin now, are late once they take longer than such runs hardly ever do."""
    for row in rows:
        if row["started_ms"] is None and is_watched(row["policy"]):
            most = limits.usual_most(durations_ms(db, row, limits.MOST_HISTORY))
            if most is not None:
                db.execute(
                    "UPDATE runs SET late_ms = min(ifnull(late_ms, ?1), ?1) WHERE id = ?2 AND late = 0",
                    (now_ms + most, row["id"]),
                )


def is_watched(policy: str) -> bool:
    """Whether someone wants to know when a run of this policy, JSON as it is stored, is late."""
    if '"on_late"' not in policy and '"deadline"' not in policy:
        return False
    given = json.loads(policy)
    return given.get("on_late") is not None or given.get("deadline") is not None


def notice(db: Db, now_ms: int) -> int:
    """Those that are late by now have been noted as such, each once; how many."""
    rows = db.execute(
        "UPDATE runs SET late = 1, late_ms = NULL WHERE ended_ms IS NULL AND late_ms IS NOT NULL AND late_ms <= ? "
        f"RETURNING {FACTS}, attempt",
        (now_ms,),
    ).fetchall()
    for row in rows:
        record_run(db, "run.late", now_ms, row["id"], row["attempt"])
        note(db, row, "late")
    return len(rows)
