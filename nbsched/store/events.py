"""The log of what happened, and who has read how far in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.core.instants import from_ms
from nbsched.core.model import Event
from nbsched.core.wire import decode
from nbsched.store.database import Db
from nbsched.store.nesting import PARTS

MOST_TRIES = 5


def record(
    db: Db, name: str, now_ms: int, data: dict[str, Any] | str | None = None, key: str | None = None
) -> int:
    """The event is in the log; its place there is given back. With a key it is a signal to the runs of that key."""
    text = data if isinstance(data, str) or data is None else json.dumps(data, ensure_ascii=False)
    row = db.execute(
        "INSERT INTO events (name, at_ms, data, key) VALUES (?, ?, ?, ?) RETURNING seq",
        (name, now_ms, text, key),
    )
    seq: int = row.fetchone()[0]
    return seq


def record_run(
    db: Db, verb_name: str, now_ms: int, run: int, attempt: int, reason: str | None = None
) -> None:
    """An event of the run is in the log; its data is put together when it is read."""
    db.execute(
        "INSERT INTO events (name, at_ms, run, attempt, reason) VALUES (?, ?, ?, ?, ?)",
        (verb_name, now_ms, run, attempt, reason),
    )


def record_runs(db: Db, verb_name: str, now_ms: int, runs: Sequence[int]) -> None:
    """The same event of each of these runs, none of which has begun, is in the log, in their order."""
    db.execute(
        "INSERT INTO events (name, at_ms, run, attempt) SELECT ?, ?, value, 0 FROM json_each(?)",
        (verb_name, now_ms, json.dumps(runs)),
    )


_SELECT = """
SELECT e.seq, e.name, e.at_ms, e.run, e.attempt, e.reason, e.data, r.name AS run_name, r.schedule, r.pipeline, r.step,
       r.idx, r.parent, r.scheduled_ms, r.started_ms, r.ended_ms, r.key, e.key AS signal
FROM events e LEFT JOIN runs r ON r.id = e.run
"""
_STATES = {
    "run.pending": "pending", "run.queued": "queued", "run.started": "running", "run.retrying": "queued",
    "run.succeeded": "succeeded", "run.failed": "failed", "run.cancelled": "cancelled", "run.skipped": "skipped",
}  # fmt: skip


_NOT_STARTED = frozenset({"run.pending", "run.queued"})
_ENDED = frozenset({"run.succeeded", "run.failed", "run.cancelled", "run.skipped"})


def _iso(ms: int | None) -> str | None:
    return None if ms is None else from_ms(ms).isoformat()


def _event(row: Any) -> Event:
    if row["run"] is None:
        data = decode(json.loads(row["data"])) if row["data"] else {}
    else:
        data = _run_data(row)
    at = from_ms(row["at_ms"])
    return Event(
        id=f"e{row['seq']}", name=row["name"], at=at, seq=row["seq"], data=data, key=row["signal"]
    )  # fmt: skip


def _run_data(row: Any) -> dict[str, Any]:
    data = {
        "id": row["run"], "name": row["run_name"], "state": _STATES.get(row["name"]) or _unchanged(row),
        "reason": row["reason"], "attempt": row["attempt"], "schedule": row["schedule"],
        "pipeline": row["pipeline"], "step": row["step"], "index": row["idx"], "parent": row["parent"],
        "scheduled_at": _iso(row["scheduled_ms"]), "key": row["key"],
        "started_at": None if row["name"] in _NOT_STARTED else _iso(row["started_ms"]),
        "ended_at": _iso(row["ended_ms"]) if row["name"] in _ENDED else None,
    }  # fmt: skip
    return data | (decode(json.loads(row["data"])) if row["data"] else {})


def _unchanged(row: Any) -> str:
    """The state of a run that the event does not change."""
    return "queued" if row["started_ms"] is None else "running"


def since(db: Db, seq: int, limit: int = 1000) -> list[Event]:
    """The events after `seq`, oldest first."""
    rows = db.execute(_SELECT + "WHERE e.seq > ? ORDER BY e.seq LIMIT ?", (seq, limit))
    return [_event(row) for row in rows]


def between(db: Db, seq: int, last: int, names: Sequence[str] | None) -> list[Event]:
    """The events after `seq`, up to `last`, oldest first: of these names, or all."""
    named = "" if names is None else "AND e.name IN (SELECT value FROM json_each(?)) "
    given = (seq, last) if names is None else (seq, last, json.dumps(names))
    rows = db.execute(f"{_SELECT} WHERE e.seq > ? AND e.seq <= ? {named}ORDER BY e.seq", given)
    return [_event(row) for row in rows]


def signals(db: Db, key: str, run: int) -> list[Event]:
    """The events with this key since the run was made, oldest first."""
    rows = db.execute(
        f"{_SELECT} WHERE e.key = ? AND e.seq > (SELECT ifnull(min(seq), 0) FROM events WHERE run = ?) ORDER BY e.seq",
        (key, run),
    )
    return [_event(row) for row in rows]


_ENDS = """
SELECT 0 AS seq, 'run.' || r.state AS name, r.ended_ms AS at_ms, r.id AS run, r.attempt, r.reason, NULL AS data,
       r.name AS run_name, r.schedule, r.pipeline, r.step, r.idx, r.parent, r.scheduled_ms, r.started_ms, r.ended_ms,
       r.key, NULL AS signal
FROM runs r
"""


def last_end(db: Db, name: str, scheduled_ms: int | None) -> list[Event]:
    """The end of the last run of that name or schedule, if it has; with an instant, the ends of all that have it."""
    mine = "r.parent IS NULL AND r.work <> '{}' AND (r.name = ?1 OR r.schedule = ?1)"
    if scheduled_ms is None:
        rows = db.execute(f"SELECT * FROM ({_ENDS} WHERE {mine} ORDER BY r.id DESC LIMIT 1) WHERE ended_ms IS NOT NULL",
                          (name,))  # fmt: skip
    else:
        rows = db.execute(f"{_ENDS} WHERE {mine} AND r.scheduled_ms = ?2 AND r.ended_ms IS NOT NULL ORDER BY r.id",
                          (name, scheduled_ms))  # fmt: skip
    return [_event(row) for row in rows]


def of_run(db: Db, run: int) -> list[Event]:
    """The events of the run and its steps, oldest first."""
    rows = db.execute(
        _SELECT + f"WHERE e.run = :run OR e.run IN {PARTS} ORDER BY e.seq",
        {"run": run},
    )
    return [_event(row) for row in rows]


def latest(db: Db, limit: int) -> list[Event]:
    """The newest events, oldest first."""
    rows = db.execute(_SELECT + "ORDER BY e.seq DESC LIMIT ?", (limit,)).fetchall()
    return [_event(row) for row in reversed(rows)]


def last_seq(db: Db) -> int:
    """The place of the newest event there ever was, or 0."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return row[0] if row else 0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a durable subscription has read, its tries of the next event, and who reads."""

    seq: int
    tries: int
    holder: str | None


def subscribe(db: Db, name: str, pattern: str, holder: str) -> None:
    """The durable subscription exists and is this holder's; a new one begins with the next event."""
    db.execute(
        "INSERT INTO subscriptions (name, pattern, seq, host) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, host = excluded.host",
        (name, pattern, last_seq(db), holder),
    )


def subscription(db: Db, name: str) -> Place | None:
    """Where the subscription stands; None when there is none."""
    row = db.execute("SELECT seq, tries, host FROM subscriptions WHERE name = ?", (name,)).fetchone()
    return Place(*row) if row else None


def unsubscribe(db: Db, name: str, holder: str) -> None:
    """The subscription is gone, unless another holds it now."""
    db.execute("DELETE FROM subscriptions WHERE name = ? AND host = ?", (name, holder))


def handled(db: Db, name: str, holder: str, seq: int) -> None:
    """The subscription has read up to `seq`, unless another holds it now."""
    db.execute(
        "UPDATE subscriptions SET seq = ?, tries = 0 WHERE name = ? AND host = ? AND seq < ?",
        (seq, name, holder, seq),
    )


def tried(db: Db, name: str, holder: str) -> int | None:
    """One more try of the next event is about to begin; how many that makes, None if another holds it now."""
    row = db.execute(
        "UPDATE subscriptions SET tries = tries + 1 WHERE name = ? AND host = ? RETURNING tries",
        (name, holder),
    ).fetchone()
    return row[0] if row else None


def bury(db: Db, name: str, holder: str, seq: int, now_ms: int, error: str) -> None:
    """The event is a dead letter of the subscription, which goes on behind it."""
    db.execute("INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?)", (name, seq, now_ms, error))
    handled(db, name, holder, seq)


def dead_letters(db: Db) -> list[dict[str, Any]]:
    """Every dead letter: subscription, event and the error of its last try."""
    rows = db.execute(
        "SELECT subscription, seq, at_ms, error FROM dead_letters ORDER BY at_ms, seq"
    ).fetchall()
    found = {event.seq: event for event in _by_seq(db, [row["seq"] for row in rows])}
    return [{"subscription": row["subscription"], "at": _iso(row["at_ms"]), "error": row["error"],
             "seq": row["seq"], "event": found.get(row["seq"])} for row in rows]  # fmt: skip


def _by_seq(db: Db, seqs: Sequence[int]) -> list[Event]:
    marks = ",".join("?" * len(seqs))
    return [_event(row) for row in db.execute(f"{_SELECT} WHERE e.seq IN ({marks})", list(seqs))]
