"""Runs for instants of a schedule that it has not run itself: each instant once, however often it is asked for.

The ledger stays as it is: a row that says of an instant why it was not run is true for ever, and the backfill's run
of that instant is beside it, under an occurrence of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nbsched.core import plan
from nbsched.core.errors import InvalidState
from nbsched.core.grid import GridRow
from nbsched.core.instants import from_ms, to_ms
from nbsched.core.occurrences import Account
from nbsched.core.policy import PRIORITIES
from nbsched.core.states import State
from nbsched.store import bounds, retrying, runs, stopping
from nbsched.store.database import Db
from nbsched.store.hosts import Host
from nbsched.store.insert import NO_WORK, NewRun, insert
from nbsched.store.schedules import backfilled, find, occurrence

AT_ONCE = 200
"""So many instants are written in one transaction, so that other writers wait for milliseconds only."""
NOT_DONE = frozenset({State.FAILED, State.CANCELLED})
"""How runs ended that are run again when asked for."""


def widen(db: Db, name: str, most: int) -> None:
    """So many of all the schedule's backfill runs go on at once from now on."""
    bounds.widen(db, _label(name), most)


def _label(name: str) -> str:
    return f"backfill:{name}"


def fill(
    db: Db,
    name: str,
    wanted: Sequence[plan.Occurrence],
    now_ms: int,
    *,
    most: int,
    rerun_failed: bool,
    host: Host,
) -> list[int]:
    """The instants' runs, in their order: those there are and new ones; `most` of all the backfill's go on at once."""
    schedule, label = find(db, name), _label(name)
    known = there(db, name, wanted)
    fresh = _new(schedule, label, most)
    found: list[int] = []
    for item in wanted:
        run = known.get(to_ms(item.at))
        if run is None:
            found.append(insert(db, _of_instant(fresh, item), now_ms))
        elif rerun_failed and run.state in NOT_DONE:
            new = retrying.redone(db, run.run, retrying.Redo(), host=host)
            aside = replace(new, policy={**new.policy, **fresh.policy}, place=fresh.place, bound=label)
            found.append(insert(db, aside, now_ms))
        else:
            found.append(run.run)
    runs.admit_bound(db, label, now_ms)
    return found


def _new(schedule: Mapping[str, Any], label: str, most: int) -> NewRun:
    """A run of the schedule's work without its instant; it gives way to the schedule's own and may wait for long."""
    work = json.loads(schedule["work"])
    behind = work.get("policy", {}).get("priority", 0) + PRIORITIES["low"]
    policy = {"priority": behind, "expires": None, "deadline": None, "max_bound": most}
    return NewRun(
        work=work, params=json.loads(schedule["params"]), policy=policy, schedule=schedule["name"],
        place=schedule["place"], bound=label, scheduled_ms=0, previous_ms=0,
    )  # fmt: skip


def _of_instant(fresh: NewRun, item: plan.Occurrence) -> NewRun:
    at_ms = to_ms(item.at)
    return replace(
        fresh,
        scheduled_ms=at_ms,
        previous_ms=to_ms(item.previous),
        occurrence=backfilled(occurrence(fresh.schedule or "", at_ms)),
    )


def there(db: Db, name: str, wanted: Sequence[plan.Occurrence]) -> dict[int, Account]:
    """The runs of the instants, by millisecond: the schedule's own, a backfill's, or the last that tries it again.

    A run that was skipped before it began is none, so that its instant can still be run.
    """
    if not wanted:
        return {}
    rows = db.execute(
        "SELECT id, scheduled_ms, state, reason, attempt, occurrence, retry_of FROM runs WHERE schedule = ? "
        "AND parent IS NULL AND scheduled_ms BETWEEN ? AND ? AND work <> ? "
        "AND (occurrence IS NOT NULL OR retry_of IS NOT NULL) ORDER BY id",
        (name, to_ms(wanted[0].at), to_ms(wanted[-1].at), NO_WORK),
    )
    found: dict[int, Account] = {}
    lines: set[int] = set()
    for run, at_ms, state, reason, attempt, key, retry_of in rows:
        own = occurrence(name, at_ms)
        began = key == own and (state != State.SKIPPED or attempt > 0)
        if began or key == backfilled(own) or retry_of in lines:
            lines.add(run)
            found[at_ms] = Account(run=run, state=State(state), reason=reason, since_ms=at_ms, until_ms=at_ms)
    return found


def not_run(db: Db, name: str, start_ms: int, end_ms: int) -> list[Account]:
    """The rows that say of instants in the span why they were not run, the earliest first."""
    rows = db.execute(
        f"SELECT id, state, reason, scheduled_ms, coalesce(until_ms, scheduled_ms) FROM runs WHERE {_NOT_RUN} "
        f"AND scheduled_ms BETWEEN coalesce((SELECT scheduled_ms FROM runs WHERE {_NOT_RUN} AND scheduled_ms < :start "
        "ORDER BY scheduled_ms DESC LIMIT 1), :start) AND :end ORDER BY scheduled_ms, id",
        {"name": name, "start": start_ms, "end": end_ms},
    )
    return [
        Account(run=run, state=State(state), reason=reason, since_ms=since_ms, until_ms=until_ms)
        for run, state, reason, since_ms, until_ms in rows
    ]


_NOT_RUN = (
    "schedule = :name AND parent IS NULL AND occurrence IS NOT NULL AND state = 'skipped' AND attempt = 0 "
    "AND bound IS NULL"
)


def states(db: Db, ids: Sequence[int]) -> dict[State, int]:
    """How many of the runs there are in each state."""
    rows = db.execute(
        "SELECT state, count(*) FROM runs WHERE id IN (SELECT value FROM json_each(?)) GROUP BY state",
        (json.dumps(ids),),
    )
    return {State(state): count for state, count in rows}


def grid_rows(db: Db, ids: Sequence[int]) -> list[GridRow]:
    """The runs with their steps as they stand, in the order of `ids`."""
    given = (json.dumps(ids),)
    steps: dict[int, dict[str, tuple[State, int]]] = {run: {} for run in ids}
    for parent, step, state, attempt in db.execute(
        "SELECT parent, step, state, attempt FROM runs WHERE parent IN (SELECT value FROM json_each(?)) "
        "AND idx IS NULL ORDER BY id",
        given,
    ):
        steps[parent][step] = State(state), attempt
    rows = db.execute(
        "SELECT runs.id, scheduled_ms, state, attempt FROM json_each(?) AS given CROSS JOIN runs "
        "ON runs.id = given.value ORDER BY given.key",
        given,
    )
    return [
        GridRow(run=run, at=from_ms(at_ms), state=State(state), attempt=attempt, steps=steps[run])
        for run, at_ms, state, attempt in rows
    ]


def cancel(db: Db, ids: Sequence[int], now_ms: int) -> None:
    """None of the runs goes on: the last first, so that none takes the place of one before it."""
    for run in _active(db, ids):
        with suppress(InvalidState):  # it ended with one before it
            stopping.cancel(db, run, now_ms)


def _active(db: Db, ids: Sequence[int]) -> Iterator[int]:
    rows = db.execute(
        f"SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?)) AND {runs.ACTIVE} ORDER BY id DESC",
        (json.dumps(ids),),
    )
    return (run for (run,) in rows.fetchall())
