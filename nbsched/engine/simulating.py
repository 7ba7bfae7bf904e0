"""What schedules would do in a span of time, by the decisions that the scheduler makes; nothing runs."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict

from nbsched.core import plan
from nbsched.core.instants import from_ms
from nbsched.core.ledger import next_after
from nbsched.core.model import State
from nbsched.core.triggers import Trigger, trigger_of

MOST_ROWS = 10_000


class Expected(TypedDict):
    """One row: what an instant would start, or why it would not."""

    at: datetime
    schedule: str
    verdict: str
    note: str


def simulate(
    rows: Sequence[Mapping[str, Any]], durations_ms: Mapping[str, int], start: datetime, end: datetime
) -> list[Expected]:
    """The instants of all schedules in [start, end), in order, at most MOST_ROWS; runs take their usual time."""
    ticks = [
        _Imagined(row, timedelta(milliseconds=durations_ms.get(row["name"], 0))).rows(start, end)
        for row in rows
    ]
    merged = heapq.merge(*ticks, key=lambda row: (row["at"], row["schedule"]))
    return [row for row, _ in zip(merged, range(MOST_ROWS), strict=False)]


class _Imagined:
    """One schedule with the runs it would have."""

    def __init__(self, row: Mapping[str, Any], duration: timedelta) -> None:
        self._row, self._duration = row, duration
        self._busy: list[datetime] = []
        """When the runs end that would be active."""

    def rows(self, start: datetime, end: datetime) -> Iterator[Expected]:
        trigger, at = trigger_of(self._row["trigger"]), start - timedelta(milliseconds=1)
        left = None if self._row["max_fires"] is None else self._row["max_fires"] - self._row["fired"]
        bounds = from_ms(self._row["start_ms"]), from_ms(self._row["end_ms"])
        while (
            (found := next_after(trigger, at, *bounds)) is not None
            and found < end
            and (left is None or left > 0)
        ):
            verdict = self._verdict(found)
            if left is not None and verdict.startswith("run"):
                left -= 1
            yield Expected(at=found, schedule=self._row["name"], verdict=verdict, note=_note(trigger, found))
            at = found

    def _verdict(self, at: datetime) -> str:
        if self._row["paused"]:
            return f"paused: {self._row['paused']}"
        self._busy = [until for until in self._busy if until > at]
        active = [
            (number, State.RUNNING if number == 0 else State.PENDING) for number in range(len(self._busy))
        ]
        overlap = plan.overlap(self._row["overlap"], active)
        if overlap.skip:
            return "skip: overlap"
        if overlap.cancel:
            self._busy = []
        begin = self._busy[-1] if overlap.wait_for is not None and self._busy else at
        self._busy.append(begin + self._duration)
        return (
            "run, after the one before"
            if begin > at
            else "run, ending the one before"
            if overlap.cancel
            else "run"
        )


def _note(trigger: Trigger, at: datetime) -> str:
    """What the clocks do around the instant, where it matters to the trigger's zone."""
    if trigger.tz is None:
        return ""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(trigger.tz)
    before = (at - timedelta(hours=3)).astimezone(zone).utcoffset()
    now = at.astimezone(zone).utcoffset()
    if before is None or now is None or before == now:
        return ""
    return f"clocks went {'forward' if now > before else 'back'} by {abs(now - before)} in {trigger.tz}"
