"""What happens to runs: one function is one verb, carried out whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbsched.core import plan
from nbsched.core.durations import duration
from nbsched.core.instants import span_ms, to_ms
from nbsched.core.policy import Policy
from nbsched.core.states import ENDINGS, EVENTS, RETRYING, State, Verb, states_before
from nbsched.store import bounds, notices, previous, rates, waits
from nbsched.store.cache import Memory, remember
from nbsched.store.conditions import holds, join
from nbsched.store.database import Db
from nbsched.store.events import record_run, record_runs
from nbsched.store.unfolding import Parts, unfold

_MAY_END = {state: f"state IN {tuple(map(str, (*states_before(state), '')))}" for state in ENDINGS.values()}
"""In SQL: whether a run may go to that state from where it stands."""
ACTIVE = "ended_ms IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run that has just ended."""

    run: int
    parent: int | None
    state: State
    reason: str | None


def begin_pipeline(db: Db, run: int, now_ms: int) -> list[Ended]:
    """The steps that need nothing are admitted or skipped, and with them what follows; all that ended by it."""
    policy = Policy.of(json.loads(db.execute("SELECT policy FROM runs WHERE id = ?", (run,)).fetchone()[0]))
    if policy.timeout is not None:
        deadline = now_ms + int(policy.timeout.total_seconds() * 1000)
        db.execute("UPDATE runs SET deadline_ms = ? WHERE id = ?", (deadline, run))
    ready = db.execute(
        f"SELECT {_PENDING}, EXISTS (SELECT 1 FROM needs WHERE run = runs.id) AS needy "
        "FROM runs WHERE parent = ? AND state = 'pending' AND (rule = 'always' "
        "OR NOT EXISTS (SELECT 1 FROM needs WHERE run = runs.id AND ended IS NULL) "
        "OR EXISTS (SELECT 1 FROM needs WHERE run = runs.id AND ended IS NOT NULL))",
        (run,),
    ).fetchall()
    plain = [row for row in ready if _is_plain(row)]
    ended = _admit(plain, db, now_ms)
    for row in ready:
        if not _is_plain(row):
            ended += _decide(db, row, now_ms)
    return follow(db, ended, now_ms) + roll_up(db, {run}, now_ms)


def _begin(db: Db, run: int, parts: Parts, now_ms: int) -> list[Ended]:
    """The runs in this run are there and those that may begin are admitted."""
    unfold(db, run, parts, now_ms)
    if parts.items is None:
        return begin_pipeline(db, run, now_ms)
    _admit_items(db, run, parts.width, now_ms)
    return roll_up(db, {run}, now_ms)


def _admit_next_items(db: Db, parent: int, now_ms: int) -> None:
    """Of the items that only so many of are admitted at a time, the next are; others were all admitted at once."""
    row = db.execute(
        "SELECT width FROM runs WHERE id = ? AND kind = 'map' AND width IS NOT NULL", (parent,)
    ).fetchone()
    if row is not None:
        _admit_items(db, parent, row["width"], now_ms)


def _admit_items(db: Db, parent: int, width: int | None, now_ms: int) -> None:
    """Of the items that have not ended, the first in line are admitted, as many as may be at a time."""
    first = db.execute(
        f"SELECT id, state, lane, policy FROM runs WHERE parent = ? AND {ACTIVE} ORDER BY id LIMIT ?",
        (parent, -1 if width is None else width),
    ).fetchall()
    _admit([row for row in first if row["state"] == State.PENDING], db, now_ms)


_PENDING = f"{previous.FACTS}, scope, lane, rule, condition, policy"
"""Of a pending run, to decide what becomes of it."""


def _is_plain(row: Mapping[str, Any]) -> bool:
    """Nothing has to be looked at before the step may begin."""
    return row["condition"] is None and not row["needy"] and not previous.depends(row["policy"])


def _admit(rows: Sequence[Mapping[str, Any]], db: Db, now_ms: int) -> list[Ended]:
    expiries: dict[int | None, list[int]] = {}
    for row in waits.begin_those_that_wait(db, rows, now_ms):
        expiries.setdefault(_expiry(row["policy"], now_ms), []).append(row["id"])
    for expires_ms, runs in expiries.items():
        db.execute(
            "UPDATE runs SET state = 'queued', reason = NULL, expires_ms = coalesce(expires_ms, ?) "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (expires_ms, json.dumps(runs)),
        )
        record_runs(db, "run.queued", now_ms, runs)
    return []


def _expiry(policy: str, now_ms: int) -> int | None:
    """When a step expires that is admitted now."""
    expires = json.loads(policy).get("expires") if '"expires"' in policy else None
    return None if expires is None else now_ms + span_ms(duration(expires))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one attempt ended: what is to be written, JSON as text."""

    run: int
    fence: int
    verdict: plan.Verdict
    outcome: str
    result: str | None = None
    named: str | None = None
    error: str | None = None
    output: str | None = None
    ended_ms: int
    memory: Memory | None = None
    parts: Parts | None = None
    """What the run turned out to hold, which goes on instead of an end."""


def settle(db: Db, host: str, settlements: Sequence[Settlement], now_ms: int) -> list[Ended]:
    """The attempts have ended as their verdicts say, and what waited for them goes on; all runs that ended by it.

    The results of a host that no longer holds the run are refused (they change nothing).
    """
    held = _held(db, host, settlements)
    given = [item for item in settlements if item.run in held and held[item.run]["fence"] == item.fence]
    valid = [item for item in given if item.parts is None]
    begun = [found for item in given if item.parts for found in _begin(db, item.run, item.parts, now_ms)]
    ended = _write_down(db, valid, held)
    for item in valid:
        if item.verdict.verb is Verb.RETRY:
            ended += _retry(db, item, held[item.run])
        elif item.memory is not None:
            remember(db, item.run, item.memory)
    done = follow(db, ended, now_ms)
    return begun + done + roll_up(db, {item.parent for item in done if item.parent is not None}, now_ms)


def _held(db: Db, host: str, settlements: Sequence[Settlement]) -> dict[int, Any]:
    """Those of the runs that are still the host's, by id."""
    rows = db.execute(
        f"SELECT {notices.FACTS}, fence, attempt, cancel, lane FROM runs WHERE id IN (SELECT value FROM json_each(?)) "
        "AND host = ? AND state = 'running'",
        (json.dumps([item.run for item in settlements]), host),
    )
    return {row["id"]: row for row in rows}


_FACTS = (
    "run", "attempt", "outcome", "state", "event", "reason", "ended_ms", "result", "named", "error", "output", "failed",
    "lost",
)  # fmt: skip


def _given(rows: Sequence[tuple[Any, ...]]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of the facts in which the rows differ, and the parameters of the `_writes` of these.

    What all rows have in common is one parameter, for to look into JSON is what takes long.
    """
    columns = dict(zip(_FACTS, zip(*rows, strict=True), strict=True))
    common = {name: found[0] for name, found in columns.items() if found.count(found[0]) == len(rows)}
    own = tuple(name for name in columns if name not in common)
    each = list(zip(*(columns[name] for name in own), strict=True)) or [()]
    return own, {**common, "rows": json.dumps(each, ensure_ascii=False)}


@lru_cache(maxsize=256)
def _writes(own: tuple[str, ...]) -> tuple[str, str, str]:
    """How ends are written down, all in one statement each, by the facts in which they differ.

    Other threads go on while SQLite works through it, as they do not between rows.
    """
    facts = [f":{name} AS {name}" for name in _FACTS if name not in own]
    facts += [f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(own)]
    given = f"(SELECT {', '.join(facts)} FROM json_each(:rows)) AS given"
    return (
        f"{_ATTEMPTS_END} FROM {given} {_OF_ATTEMPTS}",
        f"{_RUNS_END} FROM {given} {_OF_RUNS}",
        f"{_ENDS_ARE_LOGGED} FROM {given} WHERE state IS NOT NULL",
    )


_ATTEMPTS_END = (
    "UPDATE attempts SET ended_ms = given.ended_ms, outcome = given.outcome, error = given.error, "
    "output = coalesce(given.output, attempts.output)"
)
_OF_ATTEMPTS = "WHERE attempts.run = given.run AND attempts.number = given.attempt"
_RUNS_END = (
    "UPDATE runs SET state = given.state, reason = given.reason, ended_ms = given.ended_ms, result = given.result, "
    "named = given.named, error = given.error, output = coalesce(given.output, runs.output), "
    "failures = failures + given.failed, losses = losses + given.lost, host = NULL, progress = NULL"
)
_OF_RUNS = "WHERE runs.id = given.run AND given.state IS NOT NULL"
_ENDS_ARE_LOGGED = (
    "INSERT INTO events (name, at_ms, run, attempt, reason) SELECT event, ended_ms, run, attempt, reason"
)


def _write_down(db: Db, settlements: Sequence[Settlement], held: Mapping[int, Any]) -> list[Ended]:
    """The attempts have ended, and but for retries so have the runs."""
    if not settlements:
        return []
    own, facts = _given([_facts(item, held[item.run]["attempt"]) for item in settlements])
    for sql in _writes(own):
        db.execute(sql, facts)
    ended = [
        Ended(
            run=at.run,
            parent=held[at.run]["parent"],
            state=ENDINGS[at.verdict.verb],
            reason=at.verdict.reason,
        )
        for at in settlements
        if at.verdict.verb is not Verb.RETRY
    ]
    waits.over(db, [item.run for item in ended if held[item.run]["lane"] in waits.LANES])
    for item in ended:
        notices.note(db, held[item.run], item.state)
    return ended


def _facts(item: Settlement, attempt: int) -> tuple[Any, ...]:
    verdict = item.verdict
    state = ENDINGS.get(verdict.verb)
    event = None if state is None else EVENTS[state]
    return (item.run, attempt, item.outcome, state, event, verdict.reason, item.ended_ms, item.result, item.named,
            item.error, item.output, verdict.failed, verdict.lost)  # fmt: skip


def _retry(db: Db, settlement: Settlement, row: Mapping[str, Any]) -> list[Ended]:
    verdict = settlement.verdict
    if verdict.quiet and row["cancel"] is None:
        waits.look_later(db, settlement.run, row["attempt"], to_ms(verdict.not_before))
        return []
    db.execute(
        "UPDATE runs SET state = 'queued', reason = ?, not_before_ms = ?, error = ?, output = coalesce(?, output), "
        "failures = failures + ?, losses = losses + ?, host = NULL, progress = NULL WHERE id = ?",
        (verdict.reason or "retry", to_ms(verdict.not_before), settlement.error, settlement.output, verdict.failed,
         verdict.lost, settlement.run),
    )  # fmt: skip
    if row["cancel"] is None:
        record_run(db, RETRYING, settlement.ended_ms, settlement.run, row["attempt"], verdict.reason)
        if not verdict.handed_over:
            notices.note(db, row, State.QUEUED)
        return []
    late = row["cancel"] == "timeout" and row["lane"] == "poke"
    state, reason = (State.FAILED, "timeout") if late else (State.CANCELLED, None)
    found = end_one(db, settlement.run, state, reason, settlement.ended_ms)
    return [found] if found else []


def end(db: Db, run: int, state: State, reason: str | None, now_ms: int) -> list[Ended]:
    """The run that waits has ended so, unless it had before, and what waited for it goes on; all that has ended."""
    found = end_one(db, run, state, reason, now_ms)
    done = follow(db, [found] if found else [], now_ms)
    return done + roll_up(db, {item.parent for item in done if item.parent is not None}, now_ms)


def end_one(db: Db, run: int, state: State, reason: str | None, now_ms: int) -> Ended | None:
    row = db.execute(
        f"UPDATE runs SET state = ?, reason = ?, ended_ms = ?, host = NULL, progress = NULL "
        f"WHERE id = ? AND {ACTIVE} AND {_MAY_END[state]} RETURNING {notices.FACTS}, attempt, not_before_ms, lane",
        (state, reason, now_ms, run),
    ).fetchone()
    if row is None:
        return None
    if row["lane"] in waits.LANES:
        waits.over(db, [run])
    record_run(db, EVENTS[state], now_ms, run, row["attempt"], reason)
    notices.note(db, row, state)
    if row["not_before_ms"] is not None:
        rates.move_up(db, row["name"], row["not_before_ms"])
    if previous.depends(row["policy"]):
        previous.forget(db, run)
    return Ended(run=run, parent=row["parent"], state=state, reason=reason)


def follow(db: Db, ended: Sequence[Ended], now_ms: int) -> list[Ended]:
    """Everything that waited for these is admitted, skipped, or waits on; all that has ended, these included."""
    done: list[Ended] = []
    wave = list(ended)
    while wave:
        done += wave
        behind = previous.next_in_turn(db, (item.run for item in wave), _PENDING)
        bound = bounds.admissible(db, [item.run for item in wave], _PENDING)
        each = {row["id"]: row for row in (*_followers(db, wave), *behind, *bound)}
        wave = [found for row in each.values() for found in _decide(db, row, now_ms)]
    return done


def _followers(db: Db, ended: Sequence[Ended]) -> list[Mapping[str, Any]]:
    """The pending runs that need any of these, each once; their needs know how these ended."""
    runs = json.dumps([item.run for item in ended])
    if not db.execute(
        "SELECT 1 FROM needs WHERE need IN (SELECT value FROM json_each(?)) LIMIT 1", (runs,)
    ).fetchone():
        return []
    db.executemany(
        "UPDATE needs SET ended = ? WHERE need = ?",
        [(plan.ended_as(item.state, item.reason), item.run) for item in ended],
    )
    return db.execute(
        f"SELECT {_PENDING} FROM runs WHERE state = 'pending' AND started_ms IS NULL AND id IN "
        "(SELECT run FROM needs WHERE need IN (SELECT value FROM json_each(?))) ORDER BY id",
        (runs,),
    ).fetchall()


def admit_bound(db: Db, label: str, now_ms: int) -> None:
    """Of the pending runs that bear the label as many go on as may."""
    for row in bounds.first_in_line(db, label, _PENDING):
        _decide(db, row, now_ms)


def _decide(db: Db, row: Mapping[str, Any], now_ms: int) -> list[Ended]:
    answer = join(db, row["id"], row["rule"])
    if answer == plan.WAIT:
        return []
    if answer == plan.ADMIT:
        if holds(db, row):
            return [] if previous.holds_back(db, row) else _admit([row], db, now_ms)
        answer = "condition"
    found = end_one(db, row["id"], State.SKIPPED, answer, now_ms)
    return [found] if found else []


def roll_up(db: Db, parents: set[int], now_ms: int) -> list[Ended]:
    """Pipelines whose steps have all ended have ended too, and what waited for them goes on."""
    done: list[Ended] = []
    for parent in parents:
        if db.execute(f"SELECT 1 FROM runs WHERE parent = ? AND {ACTIVE} LIMIT 1", (parent,)).fetchone():
            _admit_next_items(db, parent, now_ms)
            continue
        found = _end_pipeline(db, parent, now_ms)
        if found is not None:
            more = follow(db, [found], now_ms)
            above = {item.parent for item in more if item.parent is not None}
            done += more + roll_up(db, above, now_ms)
    return done


def _end_pipeline(db: Db, run: int, now_ms: int) -> Ended | None:
    row = db.execute("SELECT cancel FROM runs WHERE id = ? AND state = 'running'", (run,)).fetchone()
    if row is None:
        return None
    children = [
        (State(state), reason, bool(teardown))
        for state, reason, teardown in db.execute(
            "SELECT DISTINCT state, NULL, teardown FROM runs WHERE parent = ?", (run,)
        )
    ]
    verb, reason = plan.rollup(children, cancelled=row["cancel"] in ("cancel", "kill"))
    if row["cancel"] == "timeout":
        verb, reason = Verb.FAIL, "timeout"
    if verb is Verb.FAIL:
        db.execute(
            "UPDATE runs SET error = (SELECT error FROM runs c WHERE c.parent = ?1 AND c.error IS NOT NULL "
            "AND c.state = 'failed' ORDER BY c.ended_ms, c.id LIMIT 1) WHERE id = ?1",
            (run,),
        )
    return end_one(db, run, ENDINGS[verb], reason, now_ms)
