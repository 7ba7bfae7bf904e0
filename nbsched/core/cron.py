"""The instants of a cron expression, as Debian's cron runs it: the days, the walk, the clock changes.

A job whose minute or hour begins with `*` follows the real clock; any other is fixed: it runs once for each
matching wall time, also where the clock jumps.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from nbsched.core.errors import TriggerError

Dst = Literal["cron", "skip", "both"]
CLOCK_CORRECTION = timedelta(hours=3)
"""A longer jump is no change of season: what it skipped is lost, what it repeats runs again."""
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(2, 1, 1), datetime(9998, 12, 31)


# What an expression says ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayRule:
    """Which days of a month match; weekdays count from Sunday, 0."""

    days: frozenset[int]
    last_day: bool
    last_workday: bool
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    both: bool
    """One of the two fields begins with `*`: a day must match both; else one is enough."""

    def matches(self, day: int, length: int, weekday: int) -> bool:
        in_month = day in self.days or self._is_last(day, length, weekday)
        in_week = (
            weekday in self.weekdays
            or (day > length - 7 and weekday in self.last_weekdays)
            or (weekday, (day + 6) // 7) in self.nth_weekdays
        )
        return (in_month and in_week) if self.both else (in_month or in_week)

    def _is_last(self, day: int, length: int, weekday: int) -> bool:
        if self.last_day and day == length:
            return True
        is_workday = weekday not in (0, 6)
        ends_week = day == length or (weekday == 5 and day >= length - 2)
        return self.last_workday and is_workday and ends_week


@lru_cache(maxsize=4096)
def _matching_days(rule: DayRule, length: int, first_weekday: int) -> tuple[int, ...]:
    """The days of a month of `length` days whose first is `first_weekday`."""
    return tuple(
        day for day in range(1, length + 1) if rule.matches(day, length, (first_weekday + day - 1) % 7)
    )


@dataclass(frozen=True, slots=True)
class Calendar:
    """The wall times an expression means, whatever the zone; all tuples are sorted."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: DayRule
    follows_clock: bool
    """Minute or hour begins with `*`."""

    @property
    def possible(self) -> bool:
        """Some day matches in one of the fourteen kinds of year."""
        return any(
            _matching_days(self.days, length, first)
            for month in self.months
            for length in {monthrange(2023, month)[1], monthrange(2024, month)[1]}
            for first in range(7)
        )

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Every matching wall time from `start`'s second on, naive and increasing."""
        for year, month, day in self._dates(start):
            today = (year, month, day) == (start.year, start.month, start.day)
            since = (start.hour, start.minute, start.second) if today else (0, 0, 0)
            for hour, minute, second in self._times(*since):
                yield datetime(year, month, day, hour, minute, second)

    def _dates(self, start: datetime) -> Iterator[tuple[int, int, int]]:
        for year in range(start.year, _LAST.year + 1):
            since = start.month if year == start.year else 1
            for month in self.months[bisect_left(self.months, since) :]:
                monday_based, length = monthrange(year, month)
                days = _matching_days(self.days, length, (monday_based + 1) % 7)
                first = start.day if (year, month) == (start.year, start.month) else 1
                for day in days[bisect_left(days, first) :]:
                    yield year, month, day

    def _times(self, hour: int, minute: int, second: int) -> Iterator[tuple[int, int, int]]:
        for h in self.hours[bisect_left(self.hours, hour) :]:
            same_hour = h == hour
            for m in self.minutes[bisect_left(self.minutes, minute) if same_hour else 0 :]:
                same = same_hour and m == minute
                for s in self.seconds[bisect_left(self.seconds, second) if same else 0 :]:
                    yield h, m, s


# From wall times to instants --------------------------------------------------------------------------


def instants(calendar: Calendar, zone: ZoneInfo, dst: Dst, after: datetime) -> Iterator[datetime]:
    """Every instant strictly after the aware `after`, increasing, with the zone's offset of that instant.

    The offset is fixed so that comparing and adding never meet Python's rules for repeated wall times.
    """
    last = after.astimezone(UTC).replace(tzinfo=None)
    if last >= _LAST:
        return
    last = max(last, _FIRST)
    for found, offset in _in_order(calendar, zone, dst, _first_wall(zone, last)):
        if found > last:
            last = found
            yield _epoch(offset) + (found + offset - _EPOCH)


def _first_wall(zone: ZoneInfo, after: datetime) -> datetime:
    """The earliest wall time that can still come after the naive UTC `after`."""
    local = after.replace(tzinfo=UTC).astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0)
    early, late = offsets(zone, wall)
    return wall - (early - late) if early > late and not local.fold else wall


def offsets(zone: ZoneInfo, wall: datetime) -> tuple[timedelta, timedelta]:
    """The zone's offset at the wall time's first and second pass; in a gap: before and after the jump."""
    early, late = zone.utcoffset(wall), zone.utcoffset(wall.replace(fold=1))
    if early is None or late is None:
        raise TriggerError(f"zone {zone} has no offset at {wall}: name another zone")
    return early, late


def _in_order(
    calendar: Calendar, zone: ZoneInfo, dst: Dst, start: datetime
) -> Iterator[tuple[datetime, timedelta]]:
    """Naive UTC instants with their offset, never decreasing: first passes, with second passes merged in."""
    second_passes: deque[tuple[datetime, timedelta]] = deque()
    for wall in calendar.walls(start):
        early, late = offsets(zone, wall)
        found = (wall - early, early)
        if early > late and _repeats(calendar, dst, early - late):
            second_passes.append((wall - late, late))
        elif early < late:
            if not moves(calendar, dst, late - early):
                continue
            found = (_end_of_gap(zone, wall, early, late), late)
        while second_passes and second_passes[0][0] < found[0]:
            yield second_passes.popleft()
        yield found
    yield from second_passes


def _repeats(calendar: Calendar, dst: Dst, shift: timedelta) -> bool:
    """Whether a job runs on the second pass of wall times that a clock set back by `shift` repeats."""
    return calendar.follows_clock or dst == "both" or (dst == "cron" and shift > CLOCK_CORRECTION)


def moves(calendar: Calendar, dst: Dst, shift: timedelta) -> bool:
    """Whether a job in a gap of `shift` runs at its end; otherwise it does not run."""
    return not calendar.follows_clock and dst != "skip" and shift <= CLOCK_CORRECTION


def _end_of_gap(zone: ZoneInfo, wall: datetime, early: timedelta, late: timedelta) -> datetime:
    """The first instant, as naive UTC, after the gap that holds `wall`."""
    before, after = wall - late, wall - early
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.replace(tzinfo=UTC).astimezone(zone).utcoffset() == early:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=512)
def _epoch(offset: timedelta) -> datetime:
    """Midnight of 1 January 1970 on a clock of that offset; adding is faster than `replace(tzinfo=)`."""
    return _EPOCH.replace(tzinfo=timezone(offset) if offset else UTC)
