"""New runs: a run, or a pipeline's run with one run for each of its steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nbsched.core.instants import span_ms
from nbsched.core.model import EVENTS, State
from nbsched.core.policy import Policy
from nbsched.store.database import Db

INHERITED = frozenset({
    "retries", "backoff", "retry_on", "fatal", "rerun", "cell_timeout", "grace", "priority", "executor", "resources",
    "cache", "secrets",
})  # fmt: skip
"""The options of a pipeline that are its steps' defaults; the others speak of the pipeline itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What a step of an earlier run left, to be taken over by a retry."""

    run: int
    """The step's run, whose folder holds what is not in the store."""
    result: str | None
    named: str | None
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be made; JSON is text where it is only stored."""

    work: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    scheduled_ms: int
    previous_ms: int
    schedule: str | None = None
    occurrence: str | None = None
    place: str | None = None
    """Where every part may run that has no place of its own; None: on any host."""
    key: str | None = None
    not_before_ms: int | None = None
    event: str | None = None
    wait_for: int | None = None
    retry_of: int | None = None
    reused: Mapping[str, Reuse] = field(default_factory=dict)


_COLUMNS = (
    "id", "name", "kind", "state", "reason", "schedule", "occurrence", "scheduled_ms", "previous_ms", "pipeline",
    "step", "parent", "retry_of", "key", "lane", "priority", "seq", "place", "created_ms", "not_before_ms",
    "expires_ms", "ended_ms", "work", "params", "policy", "rule", "condition", "setup", "teardown", "event", "result",
    "named", "output", "root", "scope",
)  # fmt: skip
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def _text(value: Any) -> str:
    return _write(value) if value else "{}"


_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


NO_WORK = "{}"
"""The work of a row that says of instants that they were not run."""


def in_line(run: int) -> int:
    """A new run's place among equals, with room behind it for others that are moved there."""
    return run << 20


def next_id(db: Db) -> int:
    """The id of the next run."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'runs'").fetchone()
    return int(row[0]) + 1 if row else 1


def insert(db: Db, new: NewRun, now_ms: int) -> int:
    """The run is queued, or pending behind `wait_for`; a pipeline's steps are pending. Its id."""
    run = next_id(db)
    steps = new.work.get("steps") or []
    given = {**new.work.get("policy", {}), **new.policy}
    state = State.PENDING if new.wait_for else State.QUEUED
    work = {name: value for name, value in new.work.items() if name != "steps"} if steps else new.work
    rows = [_row(run, new, work, given, state, now_ms)]
    rows += _step_rows(run, new, steps, given, now_ms)
    db.executemany(_INSERT, rows)
    db.executemany("INSERT INTO needs (run, need) VALUES (?, ?)", _needs(run, new, steps))
    db.executemany(
        "INSERT INTO events (name, at_ms, run, attempt) VALUES (?, ?, ?, 0)",
        [(event, now_ms, row[0]) for row in rows for event in _AT_FIRST[row[3]]],
    )
    for at, step in enumerate(steps, run + 1):
        if step["name"] in new.reused:
            db.execute("UPDATE needs SET ended = 'succeeded' WHERE need = ?", (at,))
    return run


_AT_FIRST: Mapping[State, tuple[str, ...]] = {
    state: (EVENTS[State.PENDING], EVENTS[state]) if state.final else (EVENTS[state],) for state in State
}
"""What has happened to a run that begins in a state: a reused one has waited and succeeded."""

_IN_COLUMNS = frozenset({"name", "policy"})
"""What of a step's work has a column of its own, so that the rest is the same text for the same work."""


def _lane(work: Mapping[str, Any]) -> str:
    if work["kind"] == "pipeline":
        return "none"
    return "cell" if work["kind"] == "cell" and work.get("where", "kernel") == "kernel" else "slot"


def _row(
    run: int, new: NewRun, work: Mapping[str, Any], given: Mapping[str, Any], state: State, now_ms: int
) -> tuple[Any, ...]:
    kind = work["kind"]
    policy = Policy.of(given)
    return (
        run, work["name"], kind, state, None, new.schedule, new.occurrence, new.scheduled_ms, new.previous_ms,
        work["name"] if kind == "pipeline" else None, None, None, new.retry_of, new.key, _lane(work),
        policy.priority, in_line(run),
        work.get("place") or new.place, now_ms, new.not_before_ms, _expiry(policy.expires, new, now_ms), None,
        _text(work), _text(new.params), _text(given), "all_done", None, 0, 0, new.event, None, None, None,
        None, None,
    )  # fmt: skip


def _expiry(expires: timedelta | None, new: NewRun, now_ms: int) -> int | None:
    return (
        None
        if expires is None
        else max(new.scheduled_ms, now_ms if new.schedule is None else 0) + span_ms(expires)
    )


def _step_rows(
    parent: int, new: NewRun, steps: Sequence[Mapping[str, Any]], given: Mapping[str, Any], now_ms: int
) -> list[tuple[Any, ...]]:
    most = {name: new.work[name] for name in ("max_parallel",) if new.work.get(name)}
    rows = []
    for run, step in enumerate(steps, parent + 1):
        work = {name: value for name, value in step["work"].items() if name not in _IN_COLUMNS}
        policy = {**most, **step_policy(step["work"].get("policy", {}), given, new.policy)}
        reuse = new.reused.get(step["name"])
        state, reason = (State.SUCCEEDED, "reused") if reuse else (State.PENDING, None)
        priority, rule = policy.get("priority", 0), policy.get("rule", _own_rule(step))
        origin = reuse.run if reuse else None
        rows.append((
            run, step["name"], work["kind"], state, reason, new.schedule, None, new.scheduled_ms, new.previous_ms,
            new.work["name"], step["name"], parent, origin, None, _lane(work), priority, in_line(run),
            work.get("place") or new.place, now_ms, None, None, now_ms if reuse else None, _text(work), "{}",
            _text(policy), rule, step.get("when"), int(step.get("setup", False)), int(step.get("teardown", False)),
            None, reuse.result if reuse else None, reuse.named if reuse else None, reuse.output if reuse else None,
            parent, parent,
        ))  # fmt: skip
    return rows


def step_policy(own: Mapping[str, Any], given: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """A step's own options over those that it inherits; what one run is to do without, its steps do without."""
    without = {"cache": False} if run.get("cache") is False else {}
    return {**{name: value for name, value in given.items() if name in INHERITED}, **own, **without}


def _own_rule(step: Mapping[str, Any]) -> str:
    return "all_done" if step.get("teardown") else "all_success"


def _needs(run: int, new: NewRun, steps: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    ids = {step["name"]: at for at, step in enumerate(steps, run + 1)}
    found = [(ids[step["name"]], ids[need]) for step in steps for need in step.get("needs", ())]
    return [*found, (run, new.wait_for)] if new.wait_for else found


def insert_skipped(
    db: Db, *, name: str, kind: str, schedule: str, occurrence: str, since_ms: int, until_ms: int, previous_ms: int,
    count: int, reason: str, now_ms: int,
) -> int:  # fmt: skip
    """A row of the ledger says that these instants were not run, and why."""
    run = next_id(db)
    db.execute(
        "INSERT INTO runs (id, name, kind, state, reason, schedule, occurrence, scheduled_ms, previous_ms, until_ms, "
        "count, seq, created_ms, ended_ms, work) VALUES (?, ?, ?, 'skipped', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            name,
            kind,
            reason,
            schedule,
            occurrence,
            since_ms,
            previous_ms,
            until_ms,
            count,
            in_line(run),
            now_ms,
            now_ms,
            NO_WORK,
        ),
    )
    db.execute(
        "INSERT INTO events (name, at_ms, run, attempt, reason) VALUES ('run.skipped', ?, ?, 0, ?)",
        (now_ms, run, reason),
    )
    return run
