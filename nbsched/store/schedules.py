"""Schedules and their ledger: every due instant is accounted for once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.core import plan
from nbsched.core.errors import UnknownName
from nbsched.core.instants import from_ms, to_ms
from nbsched.core.ledger import due_within, next_after
from nbsched.core.states import State
from nbsched.core.triggers import parse_trigger
from nbsched.store import runs, stopping
from nbsched.store.database import Db
from nbsched.store.events import last_seq, record
from nbsched.store.hosts import taken_from
from nbsched.store.insert import NO_WORK, NewRun, insert, insert_skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """A schedule as it is asked for; JSON as text."""

    name: str
    given: str
    """The trigger as written: what decides whether it has changed."""
    trigger: str
    tz: str | None
    work: str
    params: str
    overlap: str
    missed: str
    catchup_ms: int
    jitter_ms: int | None
    start_ms: int | None
    end_ms: int | None
    max_fires: int | None
    after_ms: int
    next_ms: int | None
    patterns: str
    place: str | None
    notebook: str | None


_DEFINED = (
    "given", "trigger", "tz", "work", "params", "overlap", "missed", "catchup_ms", "jitter_ms", "start_ms", "end_ms",
    "max_fires", "after_ms", "next_ms", "patterns", "place", "notebook",
)  # fmt: skip
_KEPT = frozenset({"trigger", "after_ms", "next_ms"})
"""What an unchanged trigger keeps."""
_PLACES = frozenset({"place", "notebook"})
"""Who may run it: no part of what was asked for."""


def is_given(db: Db, name: str, given: str, start_ms: int | None) -> bool:
    """The schedule is there, with this trigger and start."""
    row = db.execute(
        "SELECT 1 FROM schedules WHERE name = ? AND given = ? AND start_ms IS ?", (name, given, start_ms)
    )
    return row.fetchone() is not None


def define(db: Db, new: NewSchedule, now_ms: int) -> None:
    """The schedule is as asked; with an unchanged trigger and start it keeps its phase, next time and history."""
    old = db.execute("SELECT * FROM schedules WHERE name = ?", (new.name,)).fetchone()
    if old is None:
        enter(db, new.name, {name: getattr(new, name) for name in _DEFINED}, now_ms)
        record(db, "schedule.added", now_ms, {"name": new.name, "trigger": new.trigger})
        return
    same = (old["given"], old["start_ms"]) == (new.given, new.start_ms)
    if not same:
        _close_books(db, old, now_ms)
    changes = {name: getattr(new, name) for name in _DEFINED if not (same and name in _KEPT)}
    changed = any(old[name] != value for name, value in changes.items() if name not in _PLACES)
    anew = _still_due(old, new, now_ms) if same else {"after_seq": last_seq(db), "fired": 0}
    _update(db, new.name, changes | anew)
    if changed:
        record(db, "schedule.changed", now_ms, {"name": new.name, "trigger": new.trigger})
    if old["paused"] not in (None, BY_USER):
        _update(db, new.name, {"paused": None})
        record(db, "schedule.resumed", now_ms, {"name": new.name})


def enter(db: Db, name: str, values: Mapping[str, Any], now_ms: int) -> None:
    """The schedule is there, with these values in its columns."""
    row = {"name": name, **values, "after_seq": last_seq(db), "created_ms": now_ms}
    db.execute(
        f"INSERT INTO schedules ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
    )


def _update(db: Db, name: str, values: Mapping[str, Any]) -> None:
    columns = ", ".join(f"{column} = ?" for column in values)
    db.execute(f"UPDATE schedules SET {columns} WHERE name = ?", (*values.values(), name))


def _still_due(old: Mapping[str, Any], new: NewSchedule, now_ms: int) -> dict[str, Any]:
    """When it is due next under a new end or limit; one that was over goes on from now."""
    after_ms = old["after_ms"] if old["next_ms"] is not None else now_ms
    over = new.max_fires is not None and old["fired"] >= new.max_fires
    trigger, bounds = parse_trigger(old["trigger"]), (from_ms(new.start_ms), from_ms(new.end_ms))
    following = None if over else next_after(trigger, from_ms(after_ms), *bounds)
    return {"after_ms": max(after_ms, old["after_ms"]), "next_ms": to_ms(following)}


GONE = "kernel gone"
BY_USER = "by user"


def due(db: Db, now_ms: int, places: Sequence[str], any_place: bool) -> list[dict[str, Any]]:
    """The schedules of these places of which an instant is due."""
    rows = db.execute(
        "SELECT s.* FROM json_each(?) AS mine CROSS JOIN schedules s ON s.place IS mine.value "
        "WHERE s.paused IS NULL AND s.next_ms IS NOT NULL AND s.next_ms <= ? ORDER BY s.next_ms",
        (taken_from(places, any_place), now_ms),
    )
    return [dict(row) for row in rows]


def listening(db: Db, places: Sequence[str], any_place: bool) -> list[dict[str, Any]]:
    """The schedules of these places that wait for events."""
    rows = db.execute("SELECT * FROM schedules WHERE paused IS NULL AND patterns <> '[]'")
    return [dict(row) for row in rows if _mine(row, places, any_place)]


def _mine(row: Mapping[str, Any], places: Sequence[str], any_place: bool) -> bool:
    return any_place if row["place"] is None else row["place"] in places


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Decisions about a schedule's due instants, made from the state it had at `after_ms` and `after_seq`."""

    schedule: str
    after_ms: int
    after_seq: int
    decisions: Sequence[plan.Decision]
    until_ms: int
    until_seq: int
    next_ms: int | None
    resumed: bool = False


def account(db: Db, told: Accounting, now_ms: int) -> list[int]:
    """The instants are in the ledger: runs started, or rows that say why not; the new runs' ids.

    Nothing happens when another host has accounted for them meanwhile.
    """
    row = db.execute("SELECT * FROM schedules WHERE name = ?", (told.schedule,)).fetchone()
    if row is None or (row["after_ms"], row["after_seq"]) != (told.after_ms, told.after_seq):
        return []
    if row["paused"] is not None and not told.resumed:
        return []
    left = None if row["max_fires"] is None else row["max_fires"] - row["fired"]
    started = _record_all(db, dict(row), told.decisions, left, now_ms)
    over = left is not None and len(started) >= left
    db.execute(
        "UPDATE schedules SET after_ms = ?, after_seq = ?, next_ms = ?, fired = fired + ? WHERE name = ?",
        (told.until_ms, told.until_seq, None if over else told.next_ms, len(started), told.schedule),
    )
    if told.resumed:
        db.execute("UPDATE schedules SET paused = NULL WHERE name = ?", (told.schedule,))
        record(db, "schedule.resumed", now_ms, {"name": told.schedule})
    return started


def _record_all(
    db: Db, schedule: Mapping[str, Any], decisions: Sequence[plan.Decision], left: int | None, now_ms: int
) -> list[int]:
    """The runs started, at most `left`; behind the last that is allowed nothing is due."""
    started: list[int] = []
    for decision in decisions:
        if left is not None and len(started) >= left:
            break
        if not _is_recorded(db, schedule["name"], decision):
            started += _record(db, schedule, decision, now_ms)
    return started


def _is_recorded(db: Db, schedule: str, decision: plan.Decision) -> bool:
    """The instant is accounted for: by a schedule of this name that was removed or had another trigger.

    One that would run now may also have been run by a backfill.
    """
    at = decision.since if isinstance(decision, plan.NotRun) else decision.at
    key = occurrence(schedule, to_ms(at), decision.seq)
    or_key = backfilled(key) if isinstance(decision, plan.Occurrence) else key
    return db.execute("SELECT 1 FROM runs WHERE occurrence IN (?, ?)", (key, or_key)).fetchone() is not None


def _record(db: Db, schedule: Mapping[str, Any], decision: plan.Decision, now_ms: int) -> list[int]:
    if isinstance(decision, plan.NotRun):
        _record_not_run(db, schedule, decision, now_ms)
        return []
    others = active(db, schedule["name"])
    overlap = plan.overlap(schedule["overlap"], others, in_turn=decision.in_turn)
    if overlap.skip:
        _record_not_run(db, schedule, _not_run(decision, "overlap"), now_ms)
        return []
    for run in overlap.cancel:
        stopping.cancel(db, run, now_ms, "kill" if overlap.kill else "cancel")
    left = active(db, schedule["name"]) if overlap.cancel else others
    waits = overlap.wait_for is not None and left
    return [_fire(db, schedule, decision, left[-1][0] if waits else None, now_ms)]


def _not_run(item: plan.Occurrence, reason: str) -> plan.NotRun:
    return plan.NotRun(
        since=item.at, until=item.at, count=1, reason=reason, previous=item.previous, seq=item.seq
    )


_GOING_ON = "runs INDEXED BY runs_scheduled_active"
"""In SQL: so that a schedule's runs of before are not looked at, however many there are."""


def active(db: Db, schedule: str) -> list[tuple[int, State]]:
    """The schedule's own runs that have not ended, oldest first: a backfill's are beside them."""
    rows = db.execute(
        f"SELECT id, state FROM {_GOING_ON} WHERE schedule = ? AND parent IS NULL AND {runs.ACTIVE} AND bound IS NULL "
        "ORDER BY id",
        (schedule,),
    )
    return [(run, State(state)) for run, state in rows]


def _fire(
    db: Db, schedule: Mapping[str, Any], item: plan.Occurrence, wait_for: int | None, now_ms: int
) -> int:
    at_ms = to_ms(item.at)
    not_before = plan.jittered_ms(at_ms, schedule["jitter_ms"], schedule["name"])
    new = NewRun(
        work=json.loads(schedule["work"]),
        params=json.loads(schedule["params"]),
        scheduled_ms=at_ms,
        previous_ms=to_ms(item.previous),
        schedule=schedule["name"],
        occurrence=occurrence(schedule["name"], at_ms, item.seq),
        place=schedule["place"],
        not_before_ms=not_before if not_before > now_ms else None,
        event=json.dumps(item.event) if item.event is not None else None,
        wait_for=wait_for,
    )
    run = insert(db, new, now_ms)
    record(db, "schedule.fired", now_ms, {"name": schedule["name"], "run": run, "at": item.at.isoformat()})
    return run


def occurrence(schedule: str, at_ms: int, seq: int = 0) -> str:
    """What the schedule's own row for the instant, or for the event, is known by."""
    return f"{schedule}@{at_ms}" + (f"#{seq}" if seq else "")


def backfilled(occurrence: str) -> str:
    """What a backfill's run for the same instant is known by."""
    return f"{occurrence}#backfill"


def _record_not_run(db: Db, schedule: Mapping[str, Any], item: plan.NotRun, now_ms: int) -> None:
    last = db.execute(
        "SELECT id, work, reason FROM runs WHERE schedule = ? AND parent IS NULL AND occurrence IS NOT NULL "
        "AND bound IS NULL ORDER BY scheduled_ms DESC, id DESC LIMIT 1",
        (schedule["name"],),
    ).fetchone()
    if item.reason == "missed":
        record(db, "schedule.missed", now_ms, {"name": schedule["name"], "since": item.since.isoformat(),
               "until": item.until.isoformat(), "count": item.count})  # fmt: skip
    if last is not None and last["work"] == NO_WORK and last["reason"] == item.reason:
        db.execute("UPDATE runs SET until_ms = ?, count = count + ?, ended_ms = ? WHERE id = ?",
                   (to_ms(item.until), item.count, now_ms, last["id"]))  # fmt: skip
        return
    work = json.loads(schedule["work"])
    since_ms = to_ms(item.since)
    insert_skipped(
        db, name=work["name"], kind=work["kind"], schedule=schedule["name"],
        occurrence=occurrence(schedule["name"], since_ms, item.seq), since_ms=since_ms, until_ms=to_ms(item.until),
        previous_ms=to_ms(item.previous), count=item.count, reason=item.reason, now_ms=now_ms,
    )  # fmt: skip


def _close_books(db: Db, schedule: Mapping[str, Any], now_ms: int) -> None:
    """What was due by now and had not been accounted for will never run: the ledger says so."""
    if schedule["next_ms"] is None or schedule["next_ms"] > now_ms:
        return
    now, bounds = from_ms(now_ms), (from_ms(schedule["start_ms"]), from_ms(schedule["end_ms"]))
    trigger = parse_trigger(schedule["trigger"])
    older, due = due_within(trigger, from_ms(schedule["after_ms"]), now, *bounds)
    reason = "paused" if schedule["paused"] == BY_USER else "missed"
    decisions = plan.account(due, policy="none", reason=reason, not_before=now)
    _record_all(db, schedule, plan.merged(older, reason, decisions) if older else decisions, None, now_ms)


def all_rows(db: Db) -> list[dict[str, Any]]:
    """Every schedule's row, by name."""
    return [dict(row) for row in db.execute("SELECT * FROM schedules ORDER BY name")]


def find(db: Db, name: str) -> dict[str, Any]:
    """The schedule's row; UnknownName names the nearest when there is none."""
    row = db.execute("SELECT * FROM schedules WHERE name = ?", (name,)).fetchone()
    if row is None:
        known = [found for (found,) in db.execute("SELECT name FROM schedules ORDER BY name")]
        raise UnknownName("schedule", name, known)
    return dict(row)


def pause(db: Db, name: str, now_ms: int, reason: str = BY_USER) -> None:
    """Nothing of the schedule fires, and nothing is recorded, until it is resumed."""
    if find(db, name)["paused"] in (None, *((GONE,) if reason == BY_USER else ())):
        db.execute("UPDATE schedules SET paused = ? WHERE name = ?", (reason, name))
        record(db, "schedule.paused", now_ms, {"name": name, "reason": reason})


def remove(db: Db, name: str, now_ms: int, *, cancel_running: bool) -> None:
    """The schedule is gone, its history stays; its active runs go on unless they are cancelled."""
    _close_books(db, find(db, name), now_ms)
    db.execute("DELETE FROM schedules WHERE name = ?", (name,))
    if cancel_running:
        rows = db.execute(
            f"SELECT id FROM {_GOING_ON} WHERE schedule = ? AND parent IS NULL AND {runs.ACTIVE} ORDER BY id DESC",
            (name,),
        )
        for (run,) in rows.fetchall():
            stopping.cancel(db, run, now_ms)
    record(db, "schedule.removed", now_ms, {"name": name})


def trigger(db: Db, name: str, now_ms: int, place: str | None) -> int:
    """A run of the schedule's work by hand, beside its instants."""
    row = find(db, name)
    new = NewRun(
        work=json.loads(row["work"]), params=json.loads(row["params"]), scheduled_ms=now_ms, previous_ms=now_ms,
        schedule=name, place=row["place"] or place,
    )  # fmt: skip
    return insert(db, new, now_ms)


def retime(db: Db, name: str, change: Mapping[str, Any], now_ms: int) -> None:
    """The schedule starts anew under another trigger."""
    _close_books(db, find(db, name), now_ms)
    _update(db, name, {**change, "after_seq": last_seq(db), "fired": 0})
    record(db, "schedule.changed", now_ms, {"name": name, "trigger": change["trigger"]})
