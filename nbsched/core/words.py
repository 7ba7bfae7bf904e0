"""A trigger in words: true of each of its instants, and of no other instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from nbsched.core.cron import Calendar, DayRule
from nbsched.core.cron_text import parse
from nbsched.core.trigger_kinds import (
    After,
    AllOf,
    AnyOf,
    At,
    Cron,
    Every,
    On,
    Trigger,
    instant_text,
    name_text,
)

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NTH = ("first", "second", "third", "fourth", "fifth")
_MOST_TIMES = 6
"""So many times of day are named one by one."""
_CHANGES = {
    "cron": "",
    "skip": ", not where the clocks skip it",
    "both": ", twice where the clocks repeat it",
}
_ENDED = {
    "succeeded": "has succeeded",
    "failed": "has failed",
    "cancelled": "was cancelled",
    "skipped": "was skipped",
}


def words(trigger: Trigger, zone: str | None = None) -> str:
    """When it is due, in English; where a cron's zone is not `zone`, it is named."""
    return _WRITERS[type(trigger)](trigger, zone)


def _cron(trigger: Cron, zone: str | None) -> str:
    calendar = parse(trigger.expr, trigger.seconds)
    named = "" if zone in (None, trigger.zone) else f" ({trigger.zone})"
    return f"{_calendar(calendar)}{named}{'' if calendar.follows_clock else _CHANGES[trigger.dst]}"


def _every(trigger: Every, _: str | None) -> str:
    since = f", from {_instant(trigger.start)}" if trigger.start else ""
    length = length_words(trigger.period)
    return f"every {length if ' and ' in length else length.removeprefix('1 ')}{since}"


def _at(trigger: At, _: str | None) -> str:
    return f"once, at {_instant(trigger.when)}"


def _instant(at: Any) -> str:
    return instant_text(at).replace("T", " ")


def _on(trigger: On, _: str | None) -> str:
    named = f"any event like {trigger.event}" if "*" in trigger.event else trigger.event
    condition = trigger.condition or ""
    held = (
        f" with {condition}" if condition.startswith("{") else f" and {condition} holds" if condition else ""
    )
    return f"when {named} is published{held}"


def _after(trigger: After, _: str | None) -> str:
    within = f" within {length_words(trigger.within)} of its time" if trigger.within else ""
    return f"after {name_text(trigger.name)} {_ENDED[trigger.state]}{within}"


def _any_of(trigger: AnyOf, zone: str | None) -> str:
    return "; or ".join(_parts(trigger, zone))


def _all_of(trigger: AllOf, zone: str | None) -> str:
    return "; when that is also ".join(_parts(trigger, zone))


def _parts(trigger: AnyOf | AllOf, zone: str | None) -> Iterator[str]:
    for part in trigger.parts:
        said = words(part, zone)
        yield f"({said})" if isinstance(part, (AnyOf, AllOf)) and len(part.parts) > 1 else said


_WRITERS: dict[type[Trigger], Callable[[Any, str | None], str]] = {
    Cron: _cron, Every: _every, At: _at, On: _on, After: _after, AnyOf: _any_of, AllOf: _all_of,
}  # fmt: skip

_UNITS = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1))


def length_words(length: timedelta) -> str:
    """The length of time: `30 seconds`, `1 hour and 30 minutes`; a day has 24 hours, whatever clocks do."""
    left, parts = round(length / timedelta(milliseconds=1)), []
    for unit, size in _UNITS if left >= 172_800_000 else _UNITS[1:]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}{' of 24 hours' if unit == 'day' else ''}")
    return _listed(parts)


# The wall times of a cron expression ------------------------------------------------------------------


def _calendar(calendar: Calendar) -> str:
    at, days, months = _at_times(calendar), _days(calendar.days), _months(calendar.months)
    first = "every day" if at and not days else ""
    return " ".join(filter(None, (first, at or _often(calendar), days, months)))


def _at_times(calendar: Calendar) -> str:
    hours, minutes, seconds = calendar.hours, calendar.minutes, calendar.seconds
    if len(hours) * len(minutes) * len(seconds) > _MOST_TIMES:
        return ""
    times = [_clock(hour, minute, second) for hour in hours for minute in minutes for second in seconds]
    return f"at {_listed(times)}"


def _clock(hour: int, minute: int, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def _often(calendar: Calendar) -> str:
    if calendar.seconds != (0,):
        return _by_seconds(calendar) or _by_fields(calendar)
    return _by_minutes(calendar) or _by_hours(calendar) or _by_fields(calendar)


def _by_seconds(calendar: Calendar) -> str:
    step = _cycle(calendar.seconds, 60)
    whole = len(calendar.minutes) == 60 and len(calendar.hours) == 24
    return f"every {_counted(step, 'second')}" if step and whole else ""


def _by_minutes(calendar: Calendar) -> str:
    step, hours = _cycle(calendar.minutes, 60), calendar.hours
    if not step or len(hours) != hours[-1] - hours[0] + 1:
        return ""
    every = f"every {_counted(step, 'minute')}"
    span = f" from {_clock(hours[0], 0)} to {_clock(hours[-1], calendar.minutes[-1])}"
    return every if len(hours) == 24 else every + span


def _by_hours(calendar: Calendar) -> str:
    hours, gap = calendar.hours, _gap(calendar.hours)
    if len(calendar.minutes) > 1 or not gap:
        return ""
    minute, every = calendar.minutes[0], f"every {_counted(gap, 'hour')}"
    if len(hours) == 24:
        return every + (f" at minute {minute}" if minute else "")
    return f"{every} from {_clock(hours[0], minute)} to {_clock(hours[-1], minute)}"


def _by_fields(calendar: Calendar) -> str:
    second = f"{_valued('second', calendar.seconds, 60)} of " if calendar.seconds != (0,) else ""
    minute, hour = _valued("minute", calendar.minutes, 60), _valued("hour", calendar.hours, 24)
    return f"at {second}{minute} of {hour}"


def _valued(unit: str, values: Sequence[int], size: int) -> str:
    if len(values) == size:
        return f"every {unit}"
    return f"{unit}{'s' if len(values) > 1 else ''} {_ranged(values, str)}"


def _cycle(values: Sequence[int], size: int) -> int:
    """The step of values that go evenly round from 0; 0 where they do not."""
    step = _gap(values)
    return step if step and values[0] == 0 and values[-1] + step == size else 0


def _gap(values: Sequence[int]) -> int:
    """The one distance between neighbours; 0 where there are several, or none."""
    gaps = {after - before for before, after in pairwise(values)}
    return gaps.pop() if len(gaps) == 1 else 0


def _counted(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count} {unit}s"


# Its days ---------------------------------------------------------------------------------------------


def _days(rule: DayRule) -> str:
    month, week = _in_month(rule), _in_week(rule)
    if not (month and week):
        return f"on {month or week}" if rule.both and (month or week) else ""
    return f"on {week}, but only on {month}" if rule.both else f"on {month} and also on {week}"


def _in_month(rule: DayRule) -> str:
    """Which days of the month; nothing for all of them."""
    if len(rule.days) == 31:
        return ""
    plural = "s" if len(rule.days) > 1 else ""
    parts = [f"day{plural} {_ranged(sorted(rule.days), str)} of the month"] if rule.days else []
    parts += ["the last day of the month"] if rule.last_day else []
    parts += ["the last workday (Monday to Friday) of the month"] if rule.last_workday else []
    return _listed(parts)


def _in_week(rule: DayRule) -> str:
    """Which weekdays; nothing for all of them."""
    if len(rule.weekdays) == 7:
        return ""
    parts = (
        [_ranged(sorted(map(_from_monday, rule.weekdays)), _WEEKDAYS.__getitem__)] if rule.weekdays else []
    )
    parts += [f"the last {_named(day)} of the month" for day in sorted(rule.last_weekdays, key=_from_monday)]
    parts += [f"the {_NTH[nth - 1]} {_named(day)} of the month" for day, nth in sorted(rule.nth_weekdays)]
    return _listed(parts)


def _from_monday(weekday: int) -> int:
    return (weekday + 6) % 7


def _named(weekday: int) -> str:
    return _WEEKDAYS[_from_monday(weekday)]


def _months(months: Sequence[int]) -> str:
    return f"in {_ranged(months, lambda month: _MONTHS[month - 1])}" if len(months) < 12 else ""


# Lists ------------------------------------------------------------------------------------------------


def _ranged(values: Iterable[int], named: Callable[[int], str]) -> str:
    """The sorted values, three or more neighbours as one: `1, 5 to 9 and 12`."""
    parts: list[str] = []
    for first, last in _neighbours(values):
        if last - first > 1:
            parts.append(f"{named(first)} to {named(last)}")
        else:
            parts += map(named, range(first, last + 1))
    return _listed(parts)


def _neighbours(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for value in values:
        if first is None or last is None or value > last + 1:
            if first is not None and last is not None:
                yield first, last
            first = value
        last = value
    if first is not None and last is not None:
        yield first, last


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
