"""The instants of a schedule in a span of time, each with what accounts for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from nbsched.core.instants import to_ms
from nbsched.core.states import State


class OccurrenceRow(TypedDict):
    """An instant in JSON: the run that it started, or why there is none."""

    at: str
    run: int | None
    state: str | None
    reason: str | None
    """Of the run; without one `not yet`, or `not run`: the schedule was not there, or a backfill could run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A run, and the first and the last instant that it accounts for, in milliseconds."""

    run: int
    state: State
    reason: str | None
    since_ms: int
    until_ms: int


def occurrences(
    instants: Iterable[datetime], began: Mapping[int, Account], not_run: Sequence[Account], now: datetime
) -> list[OccurrenceRow]:
    """A row for each instant: of the run that it began, else of the row that says why not.

    `began` is by the instant's millisecond, `not_run` sorted by the first instant; these do not overlap.
    """
    firsts = [one.since_ms for one in not_run]
    return [_row(at, began.get(to_ms(at)) or _covering(to_ms(at), firsts, not_run), now) for at in instants]


def _covering(at_ms: int, firsts: Sequence[int], not_run: Sequence[Account]) -> Account | None:
    place = bisect_right(firsts, at_ms) - 1
    return not_run[place] if place >= 0 and at_ms <= not_run[place].until_ms else None


def _row(at: datetime, account: Account | None, now: datetime) -> OccurrenceRow:
    if account is None:
        reason = "not yet" if at > now else "not run"
        return OccurrenceRow(at=at.isoformat(), run=None, state=None, reason=reason)
    return OccurrenceRow(at=at.isoformat(), run=account.run, state=str(account.state), reason=account.reason)
