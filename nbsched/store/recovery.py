"""What becomes of the work of a host that is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbsched.core import plan
from nbsched.core.instants import from_ms
from nbsched.core.model import Outcome
from nbsched.core.policy import Policy
from nbsched.store import hosts, notices, runs
from nbsched.store.database import Db
from nbsched.store.nesting import PARTS
from nbsched.store.schedules import GONE, pause

NOWHERE = "gone"
"""The place of work that no living process can find again: any host takes it, to say that it is lost."""


def processes_of(db: Db, host: str) -> list[tuple[int, str]]:
    """The processes that the host's running attempts started, and what tells them from later ones of that pid.

    Those of work that is away are of the workers' machines.
    """
    rows = db.execute(
        "SELECT a.pid, a.birth FROM attempts a JOIN runs r ON r.id = a.run AND r.attempt = a.number "
        "WHERE r.state = 'running' AND r.host = ? AND r.lane <> 'away' AND a.pid IS NOT NULL "
        "AND a.birth IS NOT NULL",
        (host,),
    )
    return [(pid, birth) for pid, birth in rows]


def notebooks_of(db: Db, host: str) -> list[str]:
    """The output notebooks of the host's running attempts."""
    rows = db.execute(
        "SELECT output FROM runs WHERE state = 'running' AND host = ? AND output LIKE '%.ipynb'", (host,)
    )
    return [output for (output,) in rows]


def give_up(db: Db, host: str, now_ms: int) -> bool:
    """The host is gone: its running attempts are lost, what it kept for itself is anyone's. False if it was before."""
    row = db.execute("SELECT notebook, seen_ms FROM hosts WHERE id = ?", (host,)).fetchone()
    if row is None or not hosts.remove(db, host):
        return False
    _lose_attempts(db, host, now_ms)
    notices.hand_over(db, host)
    _leave(db, host, _kernel_places(db, row["notebook"], row["seen_ms"]), now_ms)
    return True


def _lose_attempts(db: Db, host: str, now_ms: int) -> None:
    rows = db.execute(
        "SELECT id, lane, fence, policy, failures, losses FROM runs WHERE state = 'running' AND host = ? "
        "AND lane <> 'none'",
        (host,),
    ).fetchall()
    runs.settle(db, host, [_lost(row, now_ms) for row in rows], now_ms)


def _lost(row: Any, now_ms: int) -> runs.Settlement:
    outcome = Outcome(kind="not_yet" if row["lane"] == "poke" else "lost")
    verdict = plan.verdict(
        outcome, Policy.of(json.loads(row["policy"])), failures=row["failures"], losses=row["losses"],
        now=from_ms(now_ms), chance=0,
    )  # fmt: skip
    return runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=verdict, outcome=outcome.kind, ended_ms=now_ms
    )


_AMONG_ACTIVE = "INDEXED BY runs_parent"
"""In SQL: only the runs that have not ended are looked at."""


def _leave(db: Db, host: str, kernels: Sequence[str], now_ms: int) -> None:
    for place in (f"process:{host}", *kernels):
        for (name,) in db.execute("SELECT name FROM schedules WHERE place = ?", (place,)).fetchall():
            pause(db, name, now_ms, GONE)
        db.execute(
            f"UPDATE runs {_AMONG_ACTIVE} SET place = ? WHERE place = ? AND {runs.ACTIVE} "
            "AND (SELECT key FROM runs top WHERE top.id = ifnull(runs.root, runs.id)) IS NULL",
            (NOWHERE, place),
        )
    db.execute(
        f"UPDATE runs {_AMONG_ACTIVE} SET place = NULL WHERE place = ? AND {runs.ACTIVE}", (f"host:{host}",)
    )


def _kernel_places(db: Db, notebook: str | None, seen_ms: int) -> list[str]:
    """The notebook's place, unless another kernel of it lived beside this one: one that came later has to be asked."""
    beside = db.execute(
        "SELECT 1 FROM hosts WHERE notebook = ? AND started_ms <= ? LIMIT 1", (notebook, seen_ms)
    )
    return [] if notebook is None or beside.fetchone() else [f"notebook:{notebook}"]


def is_left_alone(db: Db, run: int) -> bool:
    """Something of this keyed run only a process that is gone could find."""
    return bool(_left_alone(db, run))


def adopt(db: Db, run: int, host: str, now_ms: int) -> None:
    """What of this keyed run only a process that is gone could find is this host's now."""
    for part in _left_alone(db, run):
        db.execute("UPDATE runs SET place = ? WHERE id = ?", (f"process:{host}", part))


def _left_alone(db: Db, run: int) -> list[int]:
    living = {known.id for known in hosts.known(db)}
    rows = db.execute(
        f"SELECT id, place FROM runs WHERE (id = :run OR id IN {PARTS}) AND {runs.ACTIVE} "
        "AND place LIKE 'process:%'",
        {"run": run},
    )
    return [part for part, place in rows if place.removeprefix("process:") not in living]
