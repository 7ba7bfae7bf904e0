"""New runs: a run, or a pipeline's run with one run for each of its steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from nbsched.core.durations import duration
from nbsched.core.executors import goes_away
from nbsched.core.graph import descendants
from nbsched.core.instants import span_ms
from nbsched.core.policy import INHERITED, Policy
from nbsched.core.states import EVENTS, State
from nbsched.store import previous, waits
from nbsched.store.database import Db
from nbsched.store.events import record_runs

BOUNDS = "bounds"
"""In a run's policy: by the run that it is in, however deep, how many may run at once in that."""
UNCACHED = "uncached"
"""In a run's policy: nothing in it, however deep, is to be taken from the cache."""
ANEW = "anew"
"""In the policy of a mapped run that retries another: nothing of that one's items is taken over."""
_INHERITED = INHERITED | {BOUNDS, UNCACHED}
"""What in the policy of a run also goes for the runs in it, unless they have their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What a step of an earlier run left, to be taken over by a retry."""

    run: int
    """The step's run, whose folder holds what is not in the store."""
    result: str | None
    named: str | None
    output: str | None


Reused = Mapping[str, Reuse]
"""What is taken over, by step."""
Again = Mapping[str, int]
"""By step the run whose parts are taken over as far as they succeeded."""


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
    bound: str | None = None
    """It is pending until `bounds` admits it: of all with this label only as many go on as its policy's max_bound."""
    retry_of: int | None = None
    reused: Reused = field(default_factory=dict)
    again: Again = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the runs in a run have of it."""

    parent: int
    root: int
    scope: int | None
    pipeline: str | None
    schedule: str | None
    scheduled_ms: int
    previous_ms: int
    place: str | None
    priority: int
    policy: Mapping[str, Any]


_COLUMNS = (
    "id", "name", "kind", "state", "reason", "schedule", "occurrence", "scheduled_ms", "previous_ms", "pipeline",
    "step", "parent", "retry_of", "key", "lane", "priority", "seq", "place", "created_ms", "not_before_ms",
    "expires_ms", "ended_ms", "work", "params", "policy", "rule", "condition", "setup", "teardown", "event", "result",
    "named", "output", "root", "scope", "idx", "late_ms", "bound",
)  # fmt: skip


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
    """The run is queued, or pending behind `wait_for` or a bound; a pipeline's steps are pending. Its id."""
    run = next_id(db)
    steps = new.work.get("steps") or []
    given = run_policy(new)
    behind = not (new.wait_for or new.bound) and _waits_for_previous(db, run, new, given)
    held_back = bool(new.wait_for or new.bound or behind)
    state = State.PENDING if held_back or waits.lane(new.work) else State.QUEUED
    work = {name: value for name, value in new.work.items() if name != "steps"} if steps else new.work
    policy = Policy.of(given)
    _write_rows(db, [_row(run, new, work, given, policy, state, now_ms)], now_ms)
    if new.wait_for:
        db.execute("INSERT INTO needs (run, need) VALUES (?, ?)", (run, new.wait_for))
    if steps:
        frame = Frame(
            parent=run, root=run, scope=run, pipeline=work["name"], schedule=new.schedule,
            scheduled_ms=new.scheduled_ms, previous_ms=new.previous_ms, place=new.place, priority=policy.priority,
            policy=given,
        )  # fmt: skip
        insert_steps(db, frame, new.work, new.reused, new.again, now_ms)
    if behind:
        previous.wait(db, run)
    elif waits.lane(new.work) and not held_back:
        waits.begin(db, run, now_ms)
    return run


def run_policy(new: NewRun) -> dict[str, Any]:
    """The options of the run: its work's, and over them its own."""
    without = {UNCACHED: True} if new.policy.get("cache") is False else {}
    return {**new.work.get("policy", {}), **new.policy, **without}


def part_policy(own: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, Any]:
    """The options of what is in a run of these options, which has its own."""
    found = {**{name: value for name, value in around.items() if name in _INHERITED}, **own}
    return {**found, "cache": False} if found.get(UNCACHED) else found


def insert_steps(
    db: Db, frame: Frame, pipeline: Mapping[str, Any], reused: Reused, again: Again, now_ms: int
) -> None:
    """The steps of the pipeline are pending runs in its run, or have succeeded where they are reused."""
    steps = pipeline["steps"]
    ids = {step["name"]: at for at, step in enumerate(steps, next_id(db))}
    defaults = _defaults(frame, pipeline.get("max_parallel"))
    _write_rows(db, [
        _step_row(ids[step["name"]], frame, step, defaults, reused.get(step["name"]), again.get(step["name"]), now_ms)
        for step in steps
    ], now_ms)  # fmt: skip
    edges = {step["name"]: step.get("needs", ()) for step in steps}
    needs = [(ids[name], ids[need]) for name, before in edges.items() for need in before]
    needs += [(ids[name], ids[setup]) for name, setup in _prepared_again(steps, edges, reused)]
    db.executemany("INSERT INTO needs (run, need) VALUES (?, ?)", dict.fromkeys(needs))
    db.executemany("UPDATE needs SET ended = 'succeeded' WHERE need = ?", [(ids[name],) for name in reused])


def _prepared_again(
    steps: Sequence[Mapping[str, Any]], edges: Mapping[str, Sequence[str]], reused: Reused
) -> Iterator[tuple[str, str]]:
    """What is done again waits for its setup, also where what stands between them is reused."""
    for step in steps if reused else ():
        if step.get("setup") and step["name"] not in reused:
            behind = descendants(edges, [step["name"]]) - {step["name"]}
            yield from ((name, step["name"]) for name in behind - reused.keys())


def insert_items(
    db: Db, frame: Frame, name: str, work: Mapping[str, Any], items: Sequence[str], reused: Mapping[int, Reuse],
    now_ms: int,
) -> None:  # fmt: skip
    """For each item, its JSON as text, the work is a pending run in the mapped step's, or reused by its place."""
    defaults = part_policy(work.get("policy", {}), _defaults(frame, None))
    rows = [
        _part(
            run, frame, name=name, step=name, index=index, work=work, params=item, policy=defaults,
            reuse=reused.get(index), now_ms=now_ms,
        )
        for index, (run, item) in enumerate(enumerate(items, next_id(db)))
    ]  # fmt: skip
    _write_rows(db, rows, now_ms)


@lru_cache(maxsize=256)
def _insertion(columns: tuple[str, ...]) -> str:
    return f"INSERT INTO runs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _write_rows(db: Db, rows: Sequence[tuple[Any, ...]], now_ms: int) -> None:
    """The rows are in the store, and the events of their beginning; what none of them has is left out.

    To bind a NULL takes longer than to bind a number.
    """
    if not rows:
        return
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
    given = {name: values for name, values in columns.items() if values.count(None) < len(rows)}
    db.executemany(_insertion(tuple(given)), zip(*given.values(), strict=True))
    first: dict[str, list[int]] = {}
    for run, state in zip(columns["id"], columns["state"], strict=True):
        for event in _AT_FIRST[state]:
            first.setdefault(event, []).append(run)
    for event, runs in first.items():
        record_runs(db, event, now_ms, runs)


def _waits_for_previous(db: Db, run: int, new: NewRun, policy: Mapping[str, Any]) -> bool:
    if not policy.get("depends_on_previous"):
        return False
    facts = {
        "id": run, "parent": None, "schedule": new.schedule, "occurrence": new.occurrence,
        "scheduled_ms": new.scheduled_ms, "step": None, "idx": None,
    }  # fmt: skip
    return previous.blocks(db, facts)


_AT_FIRST: Mapping[str, tuple[str, ...]] = {
    state.value: (EVENTS[State.PENDING], EVENTS[state]) if state.final else (EVENTS[state],)
    for state in State
}
"""What has happened to a run that begins in a state: a reused one has waited and succeeded."""

_PENDING, _SUCCEEDED = State.PENDING.value, State.SUCCEEDED.value
_IN_COLUMNS = frozenset({"name", "policy"})
"""What of a step's work has a column of its own, so that the rest is the same text for the same work."""


CONTAINERS = frozenset({"pipeline", "map"})
"""The kinds of work that other runs are made for."""


def _lane(work: Mapping[str, Any], policy: Mapping[str, Any], *, inside: bool = False) -> str:
    """What its host needs room for: a slot, the kernel, or nothing; `unfold`: to see first what is in it.

    `away`: another engine's workers carry it out, and the host only sees to it.
    """
    if work["kind"] in CONTAINERS:
        return "unfold" if inside or work["kind"] == "map" else "none"
    if work["kind"] == "cell" and work.get("where", "kernel") == "kernel":
        return "cell"
    if goes_away(work["kind"], work.get("where"), policy):
        return "away"
    return waits.lane(work) or "slot"


def _row(
    run: int, new: NewRun, work: Mapping[str, Any], given: Mapping[str, Any], policy: Policy, state: State,
    now_ms: int,
) -> tuple[Any, ...]:  # fmt: skip
    kind = work["kind"]
    return (
        run, work["name"], kind, state.value, None, new.schedule, new.occurrence, new.scheduled_ms, new.previous_ms,
        work["name"] if kind == "pipeline" else None, None, None, new.retry_of, new.key,
        _lane(work, given), policy.priority, in_line(run),
        work.get("place") or new.place, now_ms, new.not_before_ms, _after(policy.expires, new, now_ms), None,
        _text(work), _text(new.params), _text(given), "all_done", None, 0, 0, new.event, None, None, None,
        None, None, None, _after(policy.deadline, new, now_ms), new.bound,
    )  # fmt: skip


def _after(span: timedelta | None, new: NewRun, now_ms: int) -> int | None:
    """So long after the run's instant, or after now when it is asked for by hand."""
    by_hand = new.schedule is None or new.retry_of is not None
    return None if span is None else max(new.scheduled_ms, now_ms if by_hand else 0) + span_ms(span)


def _defaults(frame: Frame, max_parallel: int | None) -> dict[str, Any]:
    """The options that everything in the run has unless it has its own, and how much of it may run at once."""
    defaults = {name: value for name, value in frame.policy.items() if name in _INHERITED}
    if max_parallel:
        defaults[BOUNDS] = {**defaults.get(BOUNDS, {}), str(frame.parent): max_parallel}
    return defaults


def _step_row(
    run: int, frame: Frame, step: Mapping[str, Any], defaults: Mapping[str, Any], reuse: Reuse | None,
    again: int | None, now_ms: int,
) -> tuple[Any, ...]:  # fmt: skip
    work = step["work"]
    policy = part_policy(work.get("policy", {}), defaults)
    return _part(
        run, frame, name=step["name"], step=step["name"], work=work, policy=policy, condition=step.get("when"),
        rule=policy.get("rule", "all_done" if step.get("teardown") else "all_success"),
        setup=step.get("setup", False), teardown=step.get("teardown", False), reuse=reuse, again=again, now_ms=now_ms,
    )  # fmt: skip


def _part(
    run: int, frame: Frame, *, name: str, step: str, work: Mapping[str, Any], policy: Mapping[str, Any],
    index: int | None = None, params: str = "{}", rule: str = "all_success", condition: str | None = None,
    setup: bool = False, teardown: bool = False, reuse: Reuse | None = None, again: int | None = None, now_ms: int,
) -> tuple[Any, ...]:  # fmt: skip
    state, reason, ended_ms = (_SUCCEEDED, "reused", now_ms) if reuse else (_PENDING, None, None)
    kept = {name: value for name, value in work.items() if name not in _IN_COLUMNS}
    return (
        run, name, work["kind"], state, reason, frame.schedule, None, frame.scheduled_ms, frame.previous_ms,
        frame.pipeline, step, frame.parent, reuse.run if reuse else again, None,
        _lane(work, policy, inside=True),
        policy.get("priority", frame.priority), in_line(run), work.get("place") or frame.place, now_ms, None, None,
        ended_ms, _text(kept), params, _text(policy), rule, condition, int(setup), int(teardown), None,
        reuse.result if reuse else None, reuse.named if reuse else None, reuse.output if reuse else None, frame.root,
        frame.scope, index, None if reuse else _late_ms(policy, frame, now_ms), None,
    )  # fmt: skip


def _late_ms(policy: Mapping[str, Any], frame: Frame, now_ms: int) -> int | None:
    deadline = policy.get("deadline")
    return None if deadline is None else max(frame.scheduled_ms, now_ms) + span_ms(duration(deadline))


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
