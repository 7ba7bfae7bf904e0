"""A backfill at a glance: a row for each instant, a column for each step, a sign for how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from nbsched.core.instants import instant_text
from nbsched.core.rows import look
from nbsched.core.states import State
from nbsched.core.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """The run of one instant, and how its steps stand: state and attempt by name, in their order."""

    run: int
    at: datetime
    state: State
    attempt: int
    steps: Mapping[str, tuple[State, int]] = field(default_factory=dict)


def grid(rows: Sequence[GridRow], zone: tzinfo | None) -> Table:
    """The rows as a table, the instants in the zone."""
    steps = list(dict.fromkeys(name for row in rows for name in row.steps))
    cells = [
        (instant_text(row.at.astimezone(zone)), str(row.run), f"{look(row.state, row.attempt)[0]} {row.state}",
         *(look(*row.steps[name])[0] if name in row.steps else "" for name in steps))
        for row in rows
    ]  # fmt: skip
    return Table(("instant", "run", "", *steps), cells, "no instants")


def summary(name: str, states: Mapping[State, int]) -> str:
    """How far the backfill of that schedule is, in one line: `daily: 4 instants, 3 succeeded, 1 running`."""
    total = sum(states.values())
    parts = [f"{states[state]} {state}" for state in _TOLD if states.get(state)]
    return ", ".join([f"{name}: {total} instant{'' if total == 1 else 's'}", *parts])


_TOLD = (
    State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED, State.RUNNING, State.QUEUED, State.PENDING,
)  # fmt: skip
