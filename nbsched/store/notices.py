"""Who is still to be told what has become of a run: written with the change itself, so that no crash loses it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.core.states import State
from nbsched.store.database import Db
from nbsched.store.history import has_recovered

_HOOKS: Mapping[str, tuple[str, ...]] = {
    State.SUCCEEDED: ("on_success", "on_recovery"),
    State.FAILED: ("on_failure",),
    State.QUEUED: ("on_retry",),
    "late": ("on_late",),
}
"""The hooks that what has become of a run belongs to."""

FACTS = "id, name, schedule, pipeline, step, parent, policy"
"""Of the run, to find out who wants to hear of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A hook that is to be told of a run."""

    id: int
    run: int
    hook: str
    given: Any
    """An event's name, a notification URL, or a function as `{"call": reference}`."""


def note(db: Db, row: Mapping[str, Any], what: str) -> None:
    """The run's hooks for what has become of it are to be told; `row` has the FACTS."""
    if '"on_' not in row["policy"]:
        return
    policy = json.loads(row["policy"])
    for hook in _HOOKS.get(what, ()):
        if policy.get(hook) is not None and (hook != "on_recovery" or has_recovered(db, row)):
            db.execute("INSERT INTO notices (run, hook) VALUES (?, ?)", (row["id"], hook))


def take(db: Db, host: str) -> list[Notice]:
    """The notices that nobody tells yet and this host can tell; they are its own now."""
    rows = db.execute(
        "SELECT n.id, n.run, n.hook, r.policy FROM notices n JOIN runs r ON r.id = n.run WHERE n.host IS NULL "
        "ORDER BY n.id"
    ).fetchall()
    found = [_notice(row) for row in rows]
    mine = [one for one in found if _is_for(db, one.given, host)]
    db.executemany("UPDATE notices SET host = ? WHERE id = ?", [(host, one.id) for one in mine])
    return mine


def _notice(row: Mapping[str, Any]) -> Notice:
    given = json.loads(row["policy"])[row["hook"]]
    return Notice(id=row["id"], run=row["run"], hook=row["hook"], given=given)


def _is_for(db: Db, given: Any, host: str) -> bool:
    """A function that only one process can find is that one's to call while it lives."""
    place = given.get("place") if isinstance(given, Mapping) else None
    if place is None or place == host:
        return True
    return db.execute("SELECT 1 FROM hosts WHERE id = ?", (place,)).fetchone() is None


def told(db: Db, ids: Sequence[int]) -> None:
    """The notices have been told."""
    db.executemany("DELETE FROM notices WHERE id = ?", [(one,) for one in ids])


def hand_over(db: Db, host: str) -> None:
    """What the host has not told to the end is for others to tell."""
    db.execute("UPDATE notices SET host = NULL WHERE host = ?", (host,))
