"""How often work may start, how waiting makes it more urgent, and when it takes too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from statistics import median

PERIODS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

LEAST_HISTORY = 5
"""From so few durations on it can be said that a run takes longer than usual."""

MOST_HISTORY = 50
"""So many of the last durations say what is usual."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` starts in any span of `period_ms`."""

    count: int
    period_ms: int

    def next_start(self, starts: Sequence[int], now_ms: int) -> int:
        """The first instant from now on at which one more may start; `starts` is sorted, the oldest first."""
        if len(starts) < self.count:
            return now_ms
        return max(now_ms, starts[-self.count] + self.period_ms)


@lru_cache(maxsize=256)
def rate_of(text: str) -> Rate:
    """The rate that the policy writes as `10/m`."""
    count, _, period = text.partition("/")
    return Rate(int(count), PERIODS_MS[period])


def rank(priority: int, since_ms: int, ageing_ms: int) -> int:
    """Where a run stands in line that gains one priority each `ageing_ms`: the least is first, whatever the time.

    Two runs gain at the same pace, so what each had at the beginning and when decides for ever.
    """
    return priority * ageing_ms + since_ms


def usual_most(durations_ms: Sequence[int]) -> int | None:
    """What a run hardly ever takes longer than: the 95th percentile, and clearly above the median.

    None while there is too little history.
    """
    if len(durations_ms) < LEAST_HISTORY:
        return None
    ordered = sorted(durations_ms)
    middle = median(ordered)
    return ceil(max(ordered[ceil(0.95 * len(ordered)) - 1], middle + 1_000, middle * 1.5))
