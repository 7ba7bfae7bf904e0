"""Runs started by hand: with a key only once, and again from what an ended one left."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.model import State
from nbsched.store.database import Db
from nbsched.store.hosts import VISITOR, Host, place_of
from nbsched.store.insert import NewRun, insert
from nbsched.store.records import by_key
from nbsched.store.recovery import NOWHERE, adopt
from nbsched.store.reusing import reusable, steps_left

__all__ = ["adopt", "retry", "start"]


def start(db: Db, new: NewRun, now_ms: int) -> int:
    """The run's id: a new one, or the one that was started with the same key."""
    known = by_key(db, new.key) if new.key is not None else None
    return known if known is not None else insert(db, new, now_ms)


def retry(db: Db, run: int, now_ms: int, *, from_failed: bool, host: Host) -> int:
    """A new run of the ended one's work and parameters; with `from_failed` what succeeded is not done again."""
    row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    if not State(row["state"]).final:
        raise InvalidState(
            f"run {run} of {row['name']!r} is still {row['state']}: cancel it or wait for its end"
        )
    if row["parent"] is not None:
        raise InvalidState(
            f"run {run} is the step {row['step']!r} of run {row['parent']}: retry run {row['parent']}"
        )
    if row["work"] == "{}":
        raise InvalidState(f"run {run} of {row['name']!r} was {row['reason']} and has no work of its own: "
                           f"trigger {row['schedule']!r} instead")  # fmt: skip
    work = json.loads(row["work"])
    steps = steps_left(db, run) if row["kind"] == "pipeline" else []
    if steps:
        work["steps"] = [left.step for left in steps]
    reused, again = reusable(steps) if from_failed else ({}, {})
    new = NewRun(
        work=work, params=json.loads(row["params"]), policy=json.loads(row["policy"]), scheduled_ms=row["scheduled_ms"],
        previous_ms=row["previous_ms"], schedule=row["schedule"], place=_place(row["place"], host),
        event=row["event"], retry_of=run, reused=reused, again=again,
    )  # fmt: skip
    return insert(db, replace(new, work=_here(work, host)), now_ms)


def _place(place: str | None, host: Host) -> str | None:
    """A kernel's cells stay with their notebook; the rest is begun by whoever asks."""
    return place if place is not None and place.startswith("notebook:") else place_of(host)


def _here(work: dict[str, Any], host: Host) -> dict[str, Any]:
    """Work that only one process can find is looked for in the one that asks, if that one works at all."""
    place = NOWHERE if host.kind == VISITOR else f"process:{host.id}"
    for part in (work, *(step["work"] for step in work.get("steps", ()))):
        if str(part.get("place", "")).startswith("process:"):
            part["place"] = place
    return work
