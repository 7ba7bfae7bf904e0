"""Which instants of a schedule are due, as values for `plan`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from nbsched.core import plan
from nbsched.core.triggers import Every, Trigger, count, instants, latest

_TICK = timedelta(milliseconds=1)
_LOOKS_BACK = (
    timedelta(hours=1), timedelta(hours=25), timedelta(days=8), timedelta(days=32), timedelta(days=370),
    timedelta(days=366 * 8 + 1),
)  # fmt: skip


def previous(trigger: Trigger, at: datetime) -> datetime:
    """The trigger's instant before this one; this one itself when there is none."""
    for span in _LOOKS_BACK:
        found = latest(trigger, at - span, at - _TICK)
        if found is not None:
            return found
    return at


def next_after(
    trigger: Trigger, after: datetime, start: datetime | None, end: datetime | None
) -> datetime | None:
    """The trigger's next instant within [start, end]."""
    found = trigger.next(max(after, start - _TICK) if start else after)
    return None if found is None or (end is not None and found > end) else found


def due_occurrences(
    trigger: Trigger, after: datetime, until: datetime, most: int = plan.MOST_CAUGHT_UP
) -> tuple[plan.NotRun | None, list[plan.Occurrence]]:
    """The instants after `after` up to `until`: the last `most` of them, and one row for all before those."""
    older, tail = _tail(trigger, after, until, most)
    block = None
    if older:
        since, last, number = older
        block = plan.NotRun(
            since=since, until=last, count=number, reason="missed", previous=previous(trigger, since)
        )
    found: list[plan.Occurrence] = []
    before = older[1] if older else None
    for at in tail:
        found.append(plan.Occurrence(at=at, previous=before or previous(trigger, at)))
        before = at
    return block, found


def due_within(
    trigger: Trigger, after: datetime, now: datetime, start: datetime | None, end: datetime | None
) -> tuple[plan.NotRun | None, list[plan.Occurrence]]:
    """As `due_occurrences` up to now, of the instants in [start, end]."""
    since = max(after, start - _TICK) if start else after
    return due_occurrences(trigger, since, min(now, end) if end else now)


Older = tuple[datetime, datetime, int]


def _tail(
    trigger: Trigger, after: datetime, until: datetime, most: int
) -> tuple[Older | None, Sequence[datetime]]:
    if isinstance(trigger, Every) and (until - after) // trigger.period > most:
        split = until - trigger.period * most
        older = _block(trigger, after, split)
        return older, list(instants(trigger, split, until))
    first, number, tail = None, 0, deque[datetime]()
    last: datetime | None = None
    for at in _each(trigger, after, until):
        first = first or at
        tail.append(at)
        if len(tail) > most:
            last, number = tail.popleft(), number + 1
    return ((first, last, number) if first and last else None), tail


def _each(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    return instants(trigger, after, until) if trigger.timed else iter(())


def _block(trigger: Trigger, after: datetime, until: datetime) -> Older | None:
    first, last = trigger.next(after), latest(trigger, after, until)
    return (first, last, count(trigger, after, until)) if first and last else None
