"""Cron expressions of any zone, as expressions of UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from nbsched.core.cron import Calendar
from nbsched.core.cron_text import parse
from nbsched.core.errors import DefinitionError
from nbsched.core.trigger_kinds import Cron, zone_named

_WINTER, _SUMMER = datetime(2026, 1, 1), datetime(2026, 7, 1)
_MINUTES, _HOURS, _DAYS, _MONTHS, _WEEKDAYS = range(60), range(24), range(1, 32), range(1, 13), range(7)


def standard_offset(zone: str) -> timedelta:
    """How far the zone's clocks are ahead of UTC while no summer time holds."""
    return min(_offsets(zone))


def has_summer_time(zone: str) -> bool:
    return len(set(_offsets(zone))) > 1


def _offsets(zone: str) -> list[timedelta]:
    found = (when.replace(tzinfo=zone_named(zone)).utcoffset() for when in (_WINTER, _SUMMER))
    return [offset or timedelta() for offset in found]


def in_utc(trigger: Cron) -> list[str]:
    """The expressions whose instants are the trigger's in its standard time; DefinitionError when there are none."""
    calendar = parse(trigger.expr)
    minutes = -int(standard_offset(trigger.zone) / timedelta(minutes=1))
    groups: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for (days, hour), found in sorted(_shifted(calendar, minutes).items()):
        groups[days, tuple(sorted(found))].append(hour)
    days_matter = _restricted(calendar)
    merged: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for (days, each), hours in groups.items():
        merged[days if days_matter else 0, each].extend(hours)
    return [
        " ".join((_field(each, _MINUTES), _field(hours, _HOURS), *_days(trigger, calendar, days)))
        for (days, each), hours in merged.items()
    ]


def _shifted(calendar: Calendar, by: int) -> dict[tuple[int, int], list[int]]:
    """By day's shift and hour: the minutes of that hour."""
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for hour in calendar.hours:
        for minute in calendar.minutes:
            days, rest = divmod(hour * 60 + minute + by, 24 * 60)
            found[days, rest // 60].append(rest % 60)
    return found


def _restricted(calendar: Calendar) -> bool:
    days = calendar.days
    return len(days.days) < 31 or len(days.weekdays) < 7 or len(calendar.months) < 12


def _days(trigger: Cron, calendar: Calendar, shift: int) -> Iterator[str]:
    """The fields of day, month and weekday, moved by so many days."""
    rule = calendar.days
    if rule.both and len(rule.days) < 31 and len(rule.weekdays) < 7:
        raise _refusal(trigger, "its days of the month and of the week must both hold")
    if shift and (len(rule.days) < 31 or len(calendar.months) < 12):
        raise _refusal(trigger, "in UTC it is on another day")
    yield _field(rule.days, _DAYS)
    yield _field(calendar.months, _MONTHS)
    yield _field({(day + shift) % 7 for day in rule.weekdays}, _WEEKDAYS)


def _refusal(trigger: Cron, reason: str) -> DefinitionError:
    return DefinitionError(
        f"'{trigger}' cannot be written in UTC: {reason}; give schedule= (--schedule) with 'tz UTC'"
    )


def _field(values: Collection[int], every: Sequence[int]) -> str:
    """The values as a field: a star, a step or a list."""
    found = sorted(values)
    if len(found) == len(every):
        return "*"
    step = found[1] - found[0] if len(found) > 2 else 0
    if step and found == list(every[::step]):
        return f"*/{step}"
    return ",".join(map(str, found))
