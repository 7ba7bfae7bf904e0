"""Runs started by hand: with a key only once, and again from what an ended one left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.graph import descendants
from nbsched.core.model import State
from nbsched.store.database import Db
from nbsched.store.hosts import VISITOR, Host, place_of
from nbsched.store.insert import NO_WORK, NewRun, Reuse, insert
from nbsched.store.records import by_key
from nbsched.store.recovery import NOWHERE, adopt

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
    steps = _steps(db, run)
    if steps:
        work["steps"] = [step for step, _ in steps]
    reused = _reused(steps) if from_failed else {}
    new = NewRun(
        work=work, params=json.loads(row["params"]), policy=json.loads(row["policy"]), scheduled_ms=row["scheduled_ms"],
        previous_ms=row["previous_ms"], schedule=row["schedule"], place=_place(row["place"], host),
        event=row["event"], retry_of=run, reused=reused,
    )  # fmt: skip
    return insert(db, replace(new, work=_here(work, host)), now_ms)


def definition(db: Db, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The work and the parameters, as JSON, of the last run of that name; None when there was none.

    What its steps had from the pipeline is the pipeline's alone.
    """
    row = db.execute(
        "SELECT * FROM runs WHERE name = ? AND parent IS NULL AND work <> ? ORDER BY id DESC LIMIT 1",
        (name, NO_WORK),
    ).fetchone()
    if row is None:
        return None
    work, policy = json.loads(row["work"]), json.loads(row["policy"])
    steps = [step for step, _ in _steps(db, row["id"])]
    for step in steps:
        own = step["work"].pop("policy")
        step["work"]["policy"] = {
            key: value for key, value in own.items() if policy.get(key, NO_WORK) != value
        }
    return work | {"policy": policy} | ({"steps": steps} if steps else {}), json.loads(row["params"])


def _place(place: str | None, host: Host) -> str | None:
    """A kernel's cells stay with their notebook; the rest is begun by whoever asks."""
    return place if place is not None and place.startswith("notebook:") else place_of(host)


def _steps(db: Db, parent: int) -> list[tuple[dict[str, Any], Reuse | None]]:
    rows = db.execute("SELECT * FROM runs WHERE parent = ? ORDER BY id", (parent,)).fetchall()
    names = {row["id"]: row["step"] for row in rows}
    needs: dict[int, list[str]] = {row["id"]: [] for row in rows}
    for run, need in db.execute(
        "SELECT n.run, n.need FROM needs n JOIN runs r ON r.id = n.run WHERE r.parent = ? ORDER BY n.need",
        (parent,),
    ):
        needs[run].append(names[need])
    return [(_step(row, needs[row["id"]]), _reuse(row)) for row in rows]


def _reused(steps: Sequence[tuple[Mapping[str, Any], Reuse | None]]) -> dict[str, Reuse]:
    """What is taken over by name: of steps that succeeded, unless one they need is done again."""
    needs = {step["name"]: step["needs"] for step, _ in steps}
    again = descendants(needs, [step["name"] for step, reuse in steps if reuse is None])
    return {step["name"]: reuse for step, reuse in steps if reuse and step["name"] not in again}


def _step(row: Mapping[str, Any], needs: list[str]) -> dict[str, Any]:
    policy = {name: value for name, value in json.loads(row["policy"]).items() if name != "max_parallel"}
    return {
        "name": row["step"], "work": {"name": row["name"], "policy": policy, **json.loads(row["work"])},
        "needs": needs, "when": row["condition"],
        "setup": bool(row["setup"]), "teardown": bool(row["teardown"]),
    }  # fmt: skip


def _reuse(row: Mapping[str, Any]) -> Reuse | None:
    if row["state"] != State.SUCCEEDED:
        return None
    origin = row["retry_of"] or row["id"]
    return Reuse(run=origin, result=row["result"], named=row["named"], output=row["output"])


def _here(work: dict[str, Any], host: Host) -> dict[str, Any]:
    """Work that only one process can find is looked for in the one that asks, if that one works at all."""
    place = NOWHERE if host.kind == VISITOR else f"process:{host.id}"
    for part in (work, *(step["work"] for step in work.get("steps", ()))):
        if str(part.get("place", "")).startswith("process:"):
            part["place"] = place
    return work
