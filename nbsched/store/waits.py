"""How a run begins to wait: for an event, an instant, an answer, or the next look at what a sensor looks at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.core.definitions import work_of
from nbsched.core.instants import from_ms, span_ms, to_ms
from nbsched.core.model import Event, Wait
from nbsched.core.policy import Policy
from nbsched.core.triggers import After, trigger_of
from nbsched.core.waiting import first_instant, meets
from nbsched.core.wire import encode
from nbsched.store import events
from nbsched.store.database import Db

LANES = frozenset({"wait", "poke"})
"""Where sensors and approvals stand: they wait for what they are told, or are looked at again and again."""

_BEGUN = """
SELECT r.id, r.kind, r.lane, r.work, r.policy, r.attempt, r.scheduled_ms, ifnull(r.root, r.id) AS root, top.key
FROM runs r LEFT JOIN runs top ON top.id = ifnull(r.root, r.id) WHERE r.id = ?
"""


def lane(work: Mapping[str, Any]) -> str | None:
    """Where the work stands if it waits: what is looked at is taken by a host, the rest by none."""
    if work["kind"] == "approval" or (work["kind"] == "wait" and work.get("trigger")):
        return "wait"
    return "poke" if work["kind"] == "wait" else None


def begin(db: Db, run: int, now_ms: int) -> None:
    """The pending run waits from now on, for its timeout at most; what is there already ends it at the next look."""
    row = db.execute(_BEGUN, (run,)).fetchone()
    timeout = Policy.of(json.loads(row["policy"])).timeout
    db.execute(
        "UPDATE runs SET state = ?, reason = NULL, started_ms = ?, deadline_ms = ?, expires_ms = NULL WHERE id = ?",
        ("queued" if row["lane"] == "poke" else "pending", now_ms,
         None if timeout is None else now_ms + span_ms(timeout), run),
    )  # fmt: skip
    events.record_run(db, "run.started", now_ms, run, row["attempt"])
    work = work_of(row["work"])
    if isinstance(work, Wait):
        _listen(db, row, work, now_ms)
    else:
        db.execute(
            "INSERT INTO waits (run, kind) VALUES (?, 'answer') ON CONFLICT (run) DO UPDATE SET kind = 'answer', "
            "wake_ms = ?",
            (run, now_ms),
        )


def begin_those_that_wait(db: Db, rows: Sequence[Mapping[str, Any]], now_ms: int) -> list[Mapping[str, Any]]:
    """Sensors and approvals among the runs wait from now on; the others are given back."""
    for row in rows:
        if row["lane"] in LANES:
            begin(db, row["id"], now_ms)
    return [row for row in rows if row["lane"] not in LANES]


def _listen(db: Db, row: Mapping[str, Any], work: Wait, now_ms: int) -> None:
    if work.trigger is None:
        patterns = [] if work.files is None else [work.files]
        db.execute(
            "INSERT INTO waits (run, kind, patterns) VALUES (?, 'poke', ?)", (row["id"], json.dumps(patterns))
        )
        return
    trigger = trigger_of(work.trigger)
    before = _already(db, row, work)
    wake_ms = to_ms(first_instant(trigger, from_ms(now_ms))) if before is None else now_ms
    db.execute(
        "INSERT INTO waits (run, kind, patterns, seq, wake_ms, answer) VALUES (?, 'event', ?, ?, ?, ?)",
        (row["id"], json.dumps(trigger.event_patterns), events.last_seq(db), wake_ms,
         None if before is None else given(work, before)),
    )  # fmt: skip


def _already(db: Db, row: Mapping[str, Any], work: Wait) -> Event | None:
    """What it waits for, if that has happened: a signal to its run, or the end of another that counts as well."""
    found = events.signals(db, row["key"], row["root"]) if row["key"] is not None else []
    trigger = trigger_of(work.trigger or "")
    if work.match != "next" and isinstance(trigger, After):
        found += events.last_end(
            db, trigger.name, row["scheduled_ms"] if work.match == "same_interval" else None
        )
    return first_met(work, row, found)


def first_met(work: Wait, row: Mapping[str, Any], found: Sequence[Event]) -> Event | None:
    """The first of the events that the sensor waits for; `row` has the key of its whole run and its instant."""
    at = from_ms(row["scheduled_ms"]).isoformat()
    return next((event for event in found if meets(work, event, key=row["key"], scheduled_at=at)), None)


def given(work: Wait, event: Event) -> str:
    """What the sensor's run gives: the event's data, or what the run gave whose end it waited for."""
    if isinstance(trigger_of(work.trigger or ""), After):
        return json.dumps({"run": event.data["id"]})
    data = encode(event.data)
    return json.dumps({"result": data, "named": data}, ensure_ascii=False)


def over(db: Db, runs: Sequence[int]) -> None:
    """The runs wait no longer."""
    if runs:
        db.executemany("DELETE FROM waits WHERE run = ?", [(run,) for run in runs])


def look_later(db: Db, run: int, attempt: int, not_before_ms: int | None) -> None:
    """Nothing was there: the look leaves no trace, and the next is due at that instant."""
    db.execute("DELETE FROM attempts WHERE run = ? AND number = ?", (run, attempt))
    db.execute(
        "UPDATE runs SET state = 'queued', reason = NULL, not_before_ms = ?, host = NULL, progress = NULL, "
        "attempt = attempt - 1 WHERE id = ?",
        (not_before_ms, run),
    )


def look_sooner(db: Db, run: int, at_ms: int) -> None:
    """Something has changed: the next look is due by that instant."""
    db.execute(
        "UPDATE runs SET not_before_ms = ? WHERE id = ? AND state = 'queued' AND not_before_ms > ?",
        (at_ms, run, at_ms),
    )


def files(db: Db) -> list[tuple[int, Wait]]:
    """The runs that wait for files, and for which."""
    rows = db.execute(
        "SELECT r.id, r.work FROM waits w JOIN runs r ON r.id = w.run WHERE w.kind = 'poke' AND w.patterns <> '[]'"
    )
    return [(run, work) for run, text in rows if isinstance(work := work_of(text), Wait)]
