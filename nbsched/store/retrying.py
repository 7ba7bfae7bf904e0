"""Runs started by hand: with a key only once, and again from what an ended one left."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from nbsched.core.checks import read, taken
from nbsched.core.definitions import work_from_json
from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.model import Step
from nbsched.core.policy import Policy
from nbsched.core.states import State
from nbsched.store.database import Db
from nbsched.store.hosts import VISITOR, Host, place_of
from nbsched.store.insert import ANEW, NO_WORK, NewRun, insert
from nbsched.store.records import by_key
from nbsched.store.recovery import NOWHERE, adopt
from nbsched.store.reusing import Left, reusable, steps_left

__all__ = ["adopt", "redone", "retry", "start"]


def start(db: Db, new: NewRun, now_ms: int) -> int:
    """The run's id: a new one, or the one that was started with the same key."""
    known = by_key(db, new.key) if new.key is not None else None
    return known if known is not None else insert(db, new, now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redo:
    """What of an ended run is done again, besides what did not succeed."""

    from_failed: bool = True
    """Not everything."""
    from_steps: Sequence[str] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    """JSON, over those that the run had; the steps that take one of them are done again too."""


def retry(db: Db, run: int, now_ms: int, redo: Redo, *, host: Host) -> int:
    """A new run of the ended one's work; what it has to do again says `redo`."""
    return insert(db, redone(db, run, redo, host=host), now_ms)


def redone(db: Db, run: int, redo: Redo, *, host: Host) -> NewRun:
    """The run as it is to be made for `retry`; InvalidState says why it cannot be."""
    row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    if not State(row["state"]).final:
        raise InvalidState(
            f"run {run} of {row['name']!r} is still {row['state']}: cancel it or wait for its end"
        )
    if row["parent"] is not None:
        raise InvalidState(
            f"run {run} of {row['name']!r} is a part of run {row['root']}: retry run {row['root']}"
        )
    if row["work"] == "{}":
        raise InvalidState(f"run {run} of {row['name']!r} was {row['reason']} and has no work of its own: "
                           f"trigger {row['schedule']!r} instead")  # fmt: skip
    work = json.loads(row["work"])
    steps = steps_left(db, run) if row["kind"] == "pipeline" else []
    if steps:
        work["steps"] = [left.step for left in steps]
    takers = _takers(steps, work.get("declared", {}), redo.params)
    changed = {*_chosen(run, steps, redo.from_steps), *takers}
    reused, again = reusable(steps, changed) if redo.from_failed else ({}, {})
    new = NewRun(
        work=work, params={**json.loads(row["params"]), **redo.params}, policy=_policy_of(row, redo),
        scheduled_ms=row["scheduled_ms"], previous_ms=row["previous_ms"], schedule=row["schedule"],
        place=_place(row["place"], host),
        event=row["event"], retry_of=run, reused=reused, again=again,
    )  # fmt: skip
    return replace(new, work=_here(work, host))


def _policy_of(row: Mapping[str, Any], redo: Redo) -> dict[str, Any]:
    policy = {name: value for name, value in json.loads(row["policy"]).items() if name != ANEW}
    return policy | ({} if redo.from_failed or row["kind"] != "map" else {ANEW: True})


def defined(db: Db, name: str) -> NewRun | None:
    """The last run of that name as it would be begun again; None when there is none."""
    row = _last(db, name)
    if row is None:
        return None
    work = {"name": name, **json.loads(row["work"])}
    if row["kind"] == "pipeline":
        work["steps"] = [left.step for left in steps_left(db, row["id"])]
    return NewRun(
        work=work, params=json.loads(row["params"]), policy=json.loads(row["policy"]),
        scheduled_ms=row["scheduled_ms"], previous_ms=row["previous_ms"], schedule=row["schedule"],
        place=row["place"], event=row["event"],
    )  # fmt: skip


def definition(db: Db, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The work and the parameters, as JSON, of the last run of that name; None when there was none.

    What its steps had from the pipeline is the pipeline's alone.
    """
    row = _last(db, name)
    if row is None:
        return None
    work, policy = json.loads(row["work"]), _known(json.loads(row["policy"]))
    steps = [dict(left.step) for left in steps_left(db, row["id"])]
    for step in steps:
        own = _known(step["work"].pop("policy"))
        step["work"]["policy"] = {
            key: value for key, value in own.items() if policy.get(key, NO_WORK) != value
        }
    return work | {"policy": policy} | ({"steps": steps} if steps else {}), json.loads(row["params"])


def _last(db: Db, name: str) -> Any:
    return db.execute(
        "SELECT * FROM runs WHERE name = ? AND parent IS NULL AND work <> ? ORDER BY id DESC LIMIT 1",
        (name, NO_WORK),
    ).fetchone()


def _known(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is kept with a run the options that people give."""
    return {item.name: policy[item.name] for item in fields(Policy) if item.name in policy}


def _chosen(run: int, steps: Sequence[Left], names: Sequence[str]) -> Sequence[str]:
    known = [left.step["name"] for left in steps]
    for name in names:
        if name not in known:
            raise UnknownName(
                f"step of run {run}", name, known, "" if known else "it has no steps: retry the whole run"
            )
    return names


def _takers(steps: Sequence[Left], declared: Mapping[str, Any], changed: Collection[str]) -> Iterator[str]:
    """The steps that take one of the changed parameters of their pipeline."""
    names = {left.step["name"] for left in steps}
    for left in steps if changed else ():
        step = Step(name=left.step["name"], work=work_from_json(left.step["work"]), when=left.step["when"])
        references = (*taken(step), *read(step, names, declared))
        if any(found.kind == "param" and found.path[0] in changed for found in references):
            yield step.name


def given_to(db: Db, run: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run's work and parameters as JSON; UnknownName when there is no such run."""
    row = db.execute("SELECT name, work, params FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    return {"name": row["name"], **json.loads(row["work"])}, json.loads(row["params"])


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
