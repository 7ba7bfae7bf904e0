"""What is remembered of runs, so that the same need not be done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsched.core.wire import located
from nbsched.store.database import Db
from nbsched.store.insert import CONTAINERS
from nbsched.store.nesting import PARTS
from nbsched.store.reusing import ORIGIN

_LOOKED_AT = 5
"""So many runs of one fingerprint are looked at, newest first, for one whose files are still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a succeeded run is known by, or which run's result it has."""

    fingerprint: str = ""
    """Empty where the run is not to stand for another: only its files are known."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    origin: int | None = None


def remember(db: Db, run: int, memory: Memory) -> None:
    """The succeeded run is found by its fingerprint, or points to the run whose files are its own."""
    if memory.origin is not None:
        db.execute("UPDATE runs SET retry_of = ? WHERE id = ?", (memory.origin, run))
        return
    db.execute("UPDATE runs SET fingerprint = ? WHERE id = ?", (memory.fingerprint, run))
    db.execute(
        "INSERT OR REPLACE INTO fingerprints (run, parts) VALUES (?, ?)",
        (run, json.dumps(memory.parts, ensure_ascii=False)),
    )


_REMEMBERED = (
    "SELECT r.id, r.id AS origin, r.kind, r.step, r.state, r.result, r.named, r.output, r.ended_ms, r.setup, r.policy, "
    "r.work, r.fingerprint, f.parts FROM runs r JOIN fingerprints f ON f.run = r.id "
)


def same(db: Db, fingerprint: str) -> Sequence[Mapping[str, Any]]:
    """The newest succeeded runs of this fingerprint, newest first."""
    found: Sequence[Mapping[str, Any]] = db.execute(
        f"{_REMEMBERED} WHERE r.fingerprint = ? AND r.state = 'succeeded' ORDER BY r.id DESC LIMIT ?",
        (fingerprint, _LOOKED_AT),
    ).fetchall()
    return found


def last(db: Db, pipeline: str | None, name: str) -> Mapping[str, Any] | None:
    """The last run of the step, or of the work, that is remembered."""
    found: Mapping[str, Any] | None = db.execute(
        f"{_REMEMBERED} WHERE r.pipeline IS ? AND r.name = ? AND r.fingerprint IS NOT NULL "
        "AND r.state = 'succeeded' ORDER BY r.id DESC LIMIT 1",
        (pipeline, name),
    ).fetchone()
    return found


def last_of_steps(db: Db, pipeline: str) -> Sequence[Mapping[str, Any]]:
    """The last run that is remembered of each step of the pipeline."""
    found: Sequence[Mapping[str, Any]] = db.execute(
        "SELECT r.id, r.step, r.work, f.parts FROM runs r JOIN fingerprints f ON f.run = r.id WHERE r.id IN "
        "(SELECT max(id) FROM runs WHERE pipeline = ? AND fingerprint IS NOT NULL AND step IS NOT NULL GROUP BY name)",
        (pipeline,),
    ).fetchall()
    return found


def needed(db: Db, run: int) -> Sequence[Mapping[str, Any]]:
    """The steps that the run needs."""
    found: Sequence[Mapping[str, Any]] = db.execute(
        "SELECT r.id, r.kind, r.step, r.state, r.setup, r.policy FROM needs n JOIN runs r ON r.id = n.need "
        "WHERE n.run = ? AND r.step IS NOT NULL ORDER BY r.id",
        (run,),
    ).fetchall()
    return found


def work_of(db: Db, run: int) -> str:
    """The run's work, as it is kept."""
    return str(db.execute("SELECT work FROM runs WHERE id = ?", (run,)).fetchone()[0])


def named_of(db: Db, run: int) -> str:
    """The run's named values as JSON, whose files say where they are."""
    named, origin = db.execute(f"SELECT named, {ORIGIN} FROM runs WHERE id = ?", (run,)).fetchone()
    return json.dumps(located(json.loads(named), origin)) if named else "{}"


def makers(db: Db, run: int) -> list[int]:
    """The runs that did what is done in this one: itself, or what it holds, or those that these were taken from."""
    row = db.execute(f"SELECT kind, {ORIGIN} AS origin FROM runs WHERE id = ?", (run,)).fetchone()
    if row["kind"] not in CONTAINERS:
        return [row["origin"]]
    found = db.execute(
        f"SELECT {ORIGIN} FROM runs WHERE kind NOT IN ('map', 'pipeline') AND id IN {PARTS} ORDER BY id",
        {"run": row["origin"]},
    )
    return [origin for (origin,) in found]
