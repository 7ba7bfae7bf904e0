"""What a change of the clocks does to an instant of a cron expression, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from nbsched.core.cron import moves, offsets
from nbsched.core.cron_text import parse
from nbsched.core.trigger_kinds import AllOf, AnyOf, Cron, Trigger, zone_named

_SECOND = timedelta(seconds=1)


def clock_change(trigger: Trigger, at: datetime) -> str:
    """What is odd about the trigger's instant: its wall time comes twice, or stands for one that there is not."""
    if isinstance(trigger, (AnyOf, AllOf)):
        return next(filter(None, (clock_change(part, at) for part in trigger.parts)), "")
    if not isinstance(trigger, Cron) or trigger.next(at - timedelta(milliseconds=1)) != at:
        return ""
    return _twice(trigger, at) or _never(trigger, at)


def _twice(trigger: Cron, at: datetime) -> str:
    zone = zone_named(trigger.zone)
    wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
    early, late = offsets(zone, wall)
    if early <= late:
        return ""
    which = "second" if at.astimezone(zone).fold else "first"
    return f"{wall:%H:%M} comes twice that day: this is the {which}"


def _never(trigger: Cron, at: datetime) -> str:
    zone = zone_named(trigger.zone)
    before, wall = ((at - back).astimezone(zone).replace(tzinfo=None) for back in (_SECOND, timedelta()))
    calendar = parse(trigger.expr, trigger.seconds)
    meant = next(calendar.walls(before + _SECOND), wall)
    early, late = offsets(zone, meant)
    if meant >= wall or not moves(calendar, trigger.dst, late - early):
        return ""
    return f"{meant:%H:%M} does not exist that day: it fires at {wall:%H:%M}"


def clock_note(trigger: Trigger, before: datetime, at: datetime) -> str:
    """What is odd about the instant, or which of the wall times since the instant before it there are not."""
    return clock_change(trigger, at) or _skipped(trigger, before, at)


def _skipped(trigger: Trigger, before: datetime, at: datetime) -> str:
    if isinstance(trigger, AnyOf):
        return next(filter(None, (_skipped(part, before, at) for part in trigger.parts)), "")
    lost = list(_lost(trigger, before, at)) if isinstance(trigger, Cron) else []
    if not lost:
        return ""
    first, last = lost[0], lost[-1]
    day = "" if first.date() == _wall(trigger, at).date() else f" on {first:%Y-%m-%d}"
    times = f"{first:%H:%M} to {last:%H:%M} do" if last > first else f"{first:%H:%M} does"
    return f"clocks go forward{day}: {times} not exist"


def _lost(trigger: Cron, before: datetime, at: datetime) -> Iterator[datetime]:
    """The wall times between two neighbouring instants that it means and that there are not."""
    zone, end = zone_named(trigger.zone), _wall(trigger, at)
    for wall in parse(trigger.expr, trigger.seconds).walls(_wall(trigger, before) + _SECOND):
        if wall >= end:
            return
        early, late = offsets(zone, wall)
        if early < late:
            yield wall


def _wall(trigger: Trigger, at: datetime) -> datetime:
    """What the clocks of the trigger's zone show."""
    return at.astimezone(zone_named(trigger.tz or "UTC")).replace(tzinfo=None, fold=0)
