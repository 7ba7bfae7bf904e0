"""Runs that end before their work does: cancelled, out of time, or never begun in time."""

from __future__ import annotations

from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.states import State
from nbsched.store.database import Db
from nbsched.store.insert import CONTAINERS
from nbsched.store.runs import ACTIVE, Ended, end, end_one, follow, roll_up


def cancel(db: Db, run: int, now_ms: int, how: str = "cancel") -> State:
    """The run is cancelled, or asked to stop if it runs; its state afterwards. InvalidState when it has ended."""
    row = db.execute("SELECT state, kind, name, cancel FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    state = State(row["state"])
    if state.final:
        raise InvalidState(
            f"run {run} of {row['name']!r} has already {past(state)}: there is nothing left to cancel"
        )
    if state is State.RUNNING:
        _stop(db, run, row["kind"], now_ms, how, tidy=row["cancel"] is None)
    else:
        _cancel_steps(db, run, now_ms, how, tidy=False)
        end(db, run, State.CANCELLED, None, now_ms)
    return State(db.execute("SELECT state FROM runs WHERE id = ?", (run,)).fetchone()[0])


def _stop(db: Db, run: int, kind: str, now_ms: int, how: str, *, tidy: bool) -> None:
    """The running run is asked to stop; one that others are in ends with the last of them."""
    db.execute("UPDATE runs SET cancel = ? WHERE id = ?", (how, run))
    if kind in CONTAINERS:
        _cancel_steps(db, run, now_ms, how, tidy=tidy)
        roll_up(db, {run}, now_ms)


def past(state: State) -> str:
    return {State.SUCCEEDED: "succeeded", State.FAILED: "failed", State.SKIPPED: "been skipped"}.get(
        state, "been cancelled"
    )


def _cancel_steps(db: Db, parent: int, now_ms: int, how: str, *, tidy: bool) -> None:
    """What has not ended is cancelled or asked to stop; with `tidy` a teardown still follows what had begun."""
    reason = "timeout" if how == "timeout" else None
    rows = db.execute(
        "SELECT id, kind, state, teardown AND EXISTS (SELECT 1 FROM needs n JOIN runs r ON r.id = n.need "
        f"WHERE n.run = runs.id AND r.started_ms IS NOT NULL) AS spared FROM runs WHERE parent = ? AND {ACTIVE}",
        (parent,),
    ).fetchall()
    ended: list[Ended | None] = []
    for row in rows:
        if tidy and row["spared"]:
            continue
        if row["state"] == State.RUNNING:
            _stop(db, row["id"], row["kind"], now_ms, how, tidy=tidy)
        else:
            ended.append(end_one(db, row["id"], State.CANCELLED, reason, now_ms))
    follow(db, [found for found in ended if found], now_ms)


def expire(db: Db, now_ms: int) -> int:
    """Runs not started in time are skipped, pipelines past their deadline are stopped; how many."""
    late = db.execute(
        f"SELECT id FROM runs WHERE {ACTIVE} AND state <> 'running' AND attempt = 0 AND expires_ms IS NOT NULL "
        "AND expires_ms <= ?",
        (now_ms,),
    ).fetchall()
    ended = [found for (run,) in late if (found := _expire(db, run, now_ms))]
    done = follow(db, ended, now_ms)
    roll_up(db, {item.parent for item in done if item.parent is not None}, now_ms)
    over = db.execute(
        f"SELECT id FROM runs WHERE {ACTIVE} AND deadline_ms IS NOT NULL AND deadline_ms <= ?",
        (now_ms,),
    ).fetchall()
    for (run,) in over:
        db.execute("UPDATE runs SET deadline_ms = NULL WHERE id = ?", (run,))
        cancel(db, run, now_ms, "timeout")
    return len(late) + len(over)


def _expire(db: Db, run: int, now_ms: int) -> Ended | None:
    _cancel_steps(db, run, now_ms, "cancel", tidy=False)
    return end_one(db, run, State.SKIPPED, "expired", now_ms)
