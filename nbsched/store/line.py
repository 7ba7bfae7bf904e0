"""Where runs stand in line."""

from __future__ import annotations

from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.states import State
from nbsched.store import rates
from nbsched.store.database import Db
from nbsched.store.insert import in_line, next_id
from nbsched.store.nesting import PARTS
from nbsched.store.runs import ACTIVE
from nbsched.store.stopping import past


def set_priority(db: Db, run: int, priority: int) -> int:
    """The run stands last among those of its new priority; its old one. InvalidState when it has ended."""
    row = db.execute("SELECT state, name, priority FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise UnknownName("run", run, remedy="`nbsched runs` lists them")
    if State(row["state"]).final:
        raise InvalidState(f"run {run} of {row['name']!r} has already {past(State(row['state']))}: only what waits "
                           "or runs has a priority")  # fmt: skip
    db.execute(
        f"UPDATE runs SET priority = :priority, seq = :seq WHERE id = :run OR (id IN {PARTS} AND {ACTIVE})",
        {"priority": priority, "seq": _behind(db, priority), "run": run},
    )
    rates.move_up(db, row["name"], 0)
    return int(row["priority"])


def _behind(db: Db, priority: int) -> int:
    """The place in line behind all of this priority that wait or run."""
    last = db.execute(f"SELECT max(seq) FROM runs WHERE {ACTIVE} AND priority = ?", (priority,)).fetchone()[0]
    return max(last or 0, in_line(next_id(db) - 1)) + 1
