"""What a change of the clocks does to an instant of a cron expression, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from nbsched.core.cron import offsets
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
    meant = next(parse(trigger.expr, trigger.seconds).walls(before + _SECOND), wall)
    return f"{meant:%H:%M} does not exist that day: it fires at {wall:%H:%M}" if meant < wall else ""
