"""How waiting ends: by an event, an instant, an answer, or because its time is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.core import waiting
from nbsched.core.definitions import work_of
from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.instants import from_ms
from nbsched.core.model import Approval, Event, Wait
from nbsched.core.policy import Policy
from nbsched.core.states import State
from nbsched.core.wire import encode, located
from nbsched.store import events, results, runs, waits
from nbsched.store.database import Db

Met = tuple[int, Event]
"""A run, and the event that it waited for."""

_LISTENING = """
SELECT w.run, w.seq, w.patterns, r.work, r.scheduled_ms, top.key
FROM waits w JOIN runs r ON r.id = w.run LEFT JOIN runs top ON top.id = ifnull(r.root, r.id)
WHERE w.kind = 'event' AND w.patterns <> '[]'
"""


def heard(db: Db, seen: int) -> tuple[int, list[Met]]:
    """How far the log goes, and the runs that wait for an event behind `seen`, each with the first such."""
    last = events.last_seq(db)  # read first: what begins to wait after this has seen all up to here itself
    if last <= seen:
        return last, []
    rows = db.execute(_LISTENING).fetchall()
    since = max(seen, min((row["seq"] for row in rows), default=last))
    log = events.between(db, since, last, _names(rows)) if since < last else []
    found = ((row["run"], _first(row, log)) for row in rows)
    return last, [(run, event) for run, event in found if event is not None]


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """The names of the events that are listened to; None when patterns stand for others too."""
    names = {name for row in rows for name in json.loads(row["patterns"])}
    return None if any("*" in name for name in names) else sorted(names)


def _first(row: Mapping[str, Any], log: Sequence[Event]) -> Event | None:
    work = work_of(row["work"])
    assert isinstance(work, Wait)
    return waits.first_met(work, row, [event for event in log if event.seq > row["seq"]])


def conclude(db: Db, met: Sequence[Met], now_ms: int) -> int:
    """Waiting is over for these, for those whose instant or answer is there, and for those whose time is up."""
    for run, event in met:
        work = _waiting(db, run)
        if isinstance(work, Wait):
            db.execute(
                "UPDATE waits SET answer = ?, wake_ms = ? WHERE run = ? AND answer IS NULL",
                (waits.given(work, event), now_ms, run),
            )
    return _wake(db, now_ms) + _give_up(db, now_ms)


def _waiting(db: Db, run: int) -> Wait | Approval | None:
    row = db.execute(
        "SELECT work FROM runs JOIN waits ON run = id WHERE id = ? AND state = 'pending'", (run,)
    )
    found = row.fetchone()
    work = work_of(found[0]) if found else None
    return work if isinstance(work, (Wait, Approval)) else None


def _wake(db: Db, now_ms: int) -> int:
    rows = db.execute(
        "SELECT run, wake_ms, answer FROM waits WHERE wake_ms <= ? ORDER BY wake_ms, run", (now_ms,)
    )
    found = rows.fetchall()
    for row in found:
        _succeed(db, row, now_ms)
    return len(found)


def _succeed(db: Db, row: Mapping[str, Any], now_ms: int) -> None:
    """The run gives what was kept for it, else the instant that it waited for."""
    found = json.loads(row["answer"]) if row["answer"] else {"result": encode(from_ms(row["wake_ms"]))}
    if "run" in found:
        found = _gave(db, found["run"])
    parts = (found.get(name) for name in ("result", "named"))
    texts = [None if part is None else json.dumps(part, ensure_ascii=False) for part in parts]
    db.execute("UPDATE runs SET result = ?, named = ? WHERE id = ?", (*texts, row["run"]))
    runs.end(db, row["run"], State.SUCCEEDED, None, now_ms)


def _gave(db: Db, run: int) -> dict[str, Any]:
    """What the run gave, its files where they are; nothing of one that is no longer there."""
    row = db.execute("SELECT named FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        return {}
    named = located(json.loads(row["named"]), run) if row["named"] else None
    return {"result": results.result(db, run), "named": named}


def _give_up(db: Db, now_ms: int) -> int:
    """Those past their deadline have failed; one that is being looked at is asked to stop first."""
    rows = db.execute(
        f"SELECT id, state, work, policy FROM runs WHERE {runs.ACTIVE} AND deadline_ms <= ? "
        "AND lane IN ('wait', 'poke')",
        (now_ms,),
    ).fetchall()
    for row in rows:
        db.execute(
            "UPDATE runs SET deadline_ms = NULL, error = ?, "
            "cancel = CASE state WHEN 'running' THEN 'timeout' ELSE cancel END WHERE id = ?",
            (_too_long(row), row["id"]),
        )
    for row in rows:
        if row["state"] != "running":
            runs.end(db, row["id"], State.FAILED, "timeout", now_ms)
    return len(rows)


def _too_long(row: Mapping[str, Any]) -> str:
    work, policy = work_of(row["work"]), Policy.of(json.loads(row["policy"]))
    assert isinstance(work, (Wait, Approval))
    return json.dumps(waiting.too_long(work, policy.timeout).to_json())


# Answers ----------------------------------------------------------------------------------------------


def answer(db: Db, run: int, value: Any, by: str | None, now_ms: int) -> int:
    """The approval, or the one that waits in this pipeline's run, has its answer; its run.

    One that does not wait yet keeps it until it does. InvalidState when nothing asks, ParameterError for a value
    that is no answer.
    """
    row = _asking(db, run)
    asked = work_of(row["work"])
    assert isinstance(asked, Approval)
    if row["answer"] is not None:
        raise InvalidState(f"run {row['id']} of {row['name']!r} has its answer already: one is enough")
    found = encode(waiting.answer(asked, value))
    text = json.dumps({"result": found, "named": {"answer": found, "by": by}}, ensure_ascii=False)
    db.execute(
        "INSERT INTO waits (run, kind, answer) VALUES (?1, 'answer', ?2) ON CONFLICT (run) "
        "DO UPDATE SET answer = ?2",
        (row["id"], text),
    )
    if row["started_ms"] is not None:
        _succeed(db, {"run": row["id"], "answer": text}, now_ms)
    return int(row["id"])


_ASKING = """
WITH RECURSIVE inside (id) AS (SELECT ?1 UNION SELECT r.id FROM runs r JOIN inside i ON r.parent = i.id)
SELECT r.id, r.name, r.work, r.started_ms, w.answer FROM inside i JOIN runs r ON r.id = i.id
LEFT JOIN waits w ON w.run = r.id WHERE r.kind = 'approval' AND r.ended_ms IS NULL ORDER BY r.id
"""


def _asking(db: Db, run: int) -> Mapping[str, Any]:
    row = db.execute("SELECT id, name, state FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    found = db.execute(_ASKING, (run,)).fetchall()
    waits_now = [one for one in found if one["started_ms"] is not None and one["answer"] is None] or found
    if not waits_now:
        raise InvalidState(f"run {run} of {row['name']!r} is {row['state']} and waits for nobody's answer")
    if len(waits_now) > 1:
        those = " and ".join(f"{one['id']} ({one['name']})" for one in waits_now)
        raise InvalidState(
            f"several approvals of run {run} of {row['name']!r} wait: give the run of one, {those}"
        )
    return dict(waits_now[0])
