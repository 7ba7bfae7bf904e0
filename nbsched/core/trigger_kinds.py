"""The kinds of trigger, as pure values: the instants each gives and the events each waits for.

Every instant is aware, a whole millisecond, and carries a fixed offset (a cron's: its zone's at that
instant), so that comparing and adding are always exact.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from difflib import get_close_matches
from functools import lru_cache
from heapq import merge
from itertools import cycle, islice, takewhile
from typing import Any, Self, get_args
from zoneinfo import ZoneInfo, available_timezones

from nbsched.core.cron import Dst
from nbsched.core.cron import instants as cron_instants
from nbsched.core.cron_text import ALIASES, SecondsField, parse
from nbsched.core.durations import duration_text
from nbsched.core.errors import TriggerError
from nbsched.core.patterns import condition_holds, name_matches

MILLISECOND = timedelta(milliseconds=1)
_LEAPS = 20_000
"""How many candidates `AllOf` compares before it calls a meeting impossible."""


class Trigger:
    """When something is due. `str()` is its text, which `parse_trigger` reads back to an equal value."""

    __slots__ = ()

    def next(self, after: datetime) -> datetime | None:
        """The first instant strictly after `after`, or None; TriggerError for a naive `after`."""
        return next(self.walk(in_utc(after)), None)

    def walk(self, after: datetime) -> Iterator[datetime]:
        """Every instant strictly after the aware `after`, increasing; may never end."""
        return iter(())

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every instant in (after, until]."""
        return takewhile(lambda found: found <= until, self.walk(after))

    def count(self, after: datetime, until: datetime) -> int:
        """How many instants lie in (after, until]."""
        return sum(1 for _ in self.between(after, until))

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last instant in (after, until], looked for backwards in growing windows."""
        until, window = until.astimezone(UTC), timedelta(hours=1)
        while True:
            since = until - window if until - after > window else after
            found = deque(self.between(since, until), maxlen=1)
            if found or since == after:
                return found.pop() if found else None
            window *= 8

    def anchored(self, at: datetime) -> Trigger:
        """The same trigger with `at` as the start of every period that has none."""
        return self

    def reaching(self, at: datetime) -> Trigger:
        """The same trigger with every period counted backwards from its start too, to before `at`."""
        return self

    @property
    def tz(self) -> str | None:
        """The IANA name of the zone it thinks in, if it has one."""
        return None

    @property
    def timed(self) -> bool:
        """It can give instants."""
        return True

    @property
    def event_patterns(self) -> tuple[str, ...]:
        """The names of events to listen to."""
        return ()

    def matches(self, event_name: str, data: Mapping[str, Any]) -> bool:
        """Whether this event makes it due."""
        return False

    @property
    def stored(self) -> str:
        """Its text with every zone named: it means the same on every machine."""
        return str(self)


# The kinds of trigger ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cron(Trigger):
    """Wall times of a zone, in the dialect and with the clock changes of Debian's cron."""

    expr: str
    zone: str
    dst: Dst = "cron"
    seconds: SecondsField | None = None
    zone_given: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        parse(self.expr, self.seconds)
        zone_named(self.zone)
        if self.dst not in get_args(Dst):
            raise TriggerError(f"dst={self.dst!r} is unknown: write 'cron', 'skip' or 'both'")

    def walk(self, after: datetime) -> Iterator[datetime]:
        return cron_instants(parse(self.expr, self.seconds), zone_named(self.zone), self.dst, after)

    @property
    def tz(self) -> str:
        return self.zone

    @property
    def stored(self) -> str:
        dst = f" dst {self.dst}" if self.dst != "cron" else ""
        seconds = f" seconds {self.seconds}" if self.seconds else ""
        return f"{self.expr} tz {self.zone}{dst}{seconds}"

    def __str__(self) -> str:
        """An alias in the machine's own zone stands as it was written; all else names its zone."""
        bare = self.expr in ALIASES and self.dst == "cron" and not self.zone_given
        return self.expr if bare else self.stored


@dataclass(frozen=True, slots=True)
class Every(Trigger):
    """Each `period` of elapsed time from `start`, which is itself an instant."""

    period: timedelta
    start: datetime | None = None

    def walk(self, after: datetime) -> Iterator[datetime]:
        """Without a start it counts from `after`."""
        start = self.start or after.astimezone(UTC)
        try:
            at = start if after < start else start + ((after - start) // self.period + 1) * self.period
            while True:
                yield at
                at += self.period
        except OverflowError:
            return

    def count(self, after: datetime, until: datetime) -> int:
        start = self.start or after
        return max(0, (until - start) // self.period + 1) - max(0, (after - start) // self.period + 1)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        start = self.start or after
        last = start + (until - start) // self.period * self.period
        return last if last > after and last >= start else None

    def anchored(self, at: datetime) -> Every:
        return self if self.start else replace(self, start=instant(at))

    def reaching(self, at: datetime) -> Every:
        if self.start is None or self.start < at:
            return self
        return replace(self, start=self.start - ((self.start - at) // self.period + 2) * self.period)

    def __str__(self) -> str:
        start = f" from {instant_text(self.start)}" if self.start else ""
        return f"every {duration_text(self.period)}{start}"


@dataclass(frozen=True, slots=True)
class At(Trigger):
    """One instant."""

    when: datetime

    def walk(self, after: datetime) -> Iterator[datetime]:
        return iter((self.when,) if after < self.when else ())

    def __str__(self) -> str:
        return f"at {instant_text(self.when)}"


@dataclass(frozen=True, slots=True)
class On(Trigger):
    """Each event whose name fits the pattern and whose data holds the condition."""

    event: str
    condition: str | None = None
    """A JSON object (sorted keys) whose items the data must hold, or an expression over the data."""

    @property
    def timed(self) -> bool:
        return False

    @property
    def event_patterns(self) -> tuple[str, ...]:
        return (self.event,)

    def matches(self, event_name: str, data: Mapping[str, Any]) -> bool:
        """A condition that cannot be computed from this data does not hold."""
        return name_matches(self.event, event_name) and (
            self.condition is None or condition_holds(self.condition, data)
        )

    def __str__(self) -> str:
        where = f" where {self.condition}" if self.condition else ""
        return f"on {self.event}{where}"


@dataclass(frozen=True, slots=True)
class After(Trigger):
    """Each time a top-level run of that name, or of that schedule, ends in `state`."""

    name: str
    state: str = "succeeded"
    within: timedelta | None = None
    """Only when it ended within that time of its scheduled instant."""

    @property
    def timed(self) -> bool:
        return False

    @property
    def event_patterns(self) -> tuple[str, ...]:
        return (f"run.{self.state}",)

    def matches(self, event_name: str, data: Mapping[str, Any]) -> bool:
        return (
            event_name == f"run.{self.state}"
            and data.get("parent") is None
            and self.name in (data.get("name"), data.get("schedule"))
            and (self.within is None or _took_at_most(data, self.within))
        )

    def __str__(self) -> str:
        state = "" if self.state == "succeeded" else f" {self.state}"
        within = "" if self.within is None else f" within {duration_text(self.within)}"
        return f"after {name_text(self.name)}{state}{within}"


@dataclass(frozen=True, slots=True)
class _Several(Trigger):
    """What `AnyOf` and `AllOf` share."""

    parts: tuple[Trigger, ...]

    def anchored(self, at: datetime) -> Self:
        return replace(self, parts=tuple(part.anchored(at) for part in self.parts))

    def reaching(self, at: datetime) -> Self:
        return replace(self, parts=tuple(part.reaching(at) for part in self.parts))

    @property
    def tz(self) -> str | None:
        """The zone of the first part that has one."""
        return next((part.tz for part in self.parts if part.tz), None)


@dataclass(frozen=True, slots=True)
class AnyOf(_Several):
    """Each instant and event of any part; an instant that several parts share is one."""

    def walk(self, after: datetime) -> Iterator[datetime]:
        last = after
        for at in merge(*(part.walk(after) for part in self.parts)):
            if at > last:
                last = at
                yield at

    @property
    def timed(self) -> bool:
        return any(part.timed for part in self.parts)

    @property
    def event_patterns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(pattern for part in self.parts for pattern in part.event_patterns))

    def matches(self, event_name: str, data: Mapping[str, Any]) -> bool:
        return any(part.matches(event_name, data) for part in self.parts)

    @property
    def stored(self) -> str:
        return f"any({'; '.join(part.stored for part in self.parts)})"

    def __str__(self) -> str:
        return f"any({'; '.join(map(str, self.parts))})"


@dataclass(frozen=True, slots=True)
class AllOf(_Several):
    """Each instant that every part gives. Events have no instants, so they cannot be parts."""

    def walk(self, after: datetime) -> Iterator[datetime]:
        """Ends when no meeting is found among the next 20 000 candidates."""
        parts = self.anchored(after).parts
        found = _meeting(parts, after)
        while found:
            yield found
            found = _meeting(parts, found)

    @property
    def stored(self) -> str:
        return f"all({'; '.join(part.stored for part in self.parts)})"

    def __str__(self) -> str:
        return f"all({'; '.join(map(str, self.parts))})"


def _meeting(parts: tuple[Trigger, ...], after: datetime) -> datetime | None:
    """The first instant after `after` that all parts give; each in turn moves on to the last proposal."""
    proposed, agreeing = parts[0].next(after), 1
    for part in islice(cycle((*parts[1:], parts[0])), _LEAPS):
        if proposed is None or agreeing == len(parts):
            return proposed
        found = part.next(proposed - MILLISECOND)
        agreeing = agreeing + 1 if found == proposed else 1
        proposed = found
    return None


# Instants, zones and names ----------------------------------------------------------------------------


def in_utc(when: datetime) -> datetime:
    """The same instant in UTC; TriggerError when it has no zone."""
    return _aware(when).astimezone(UTC)


def _aware(when: datetime) -> datetime:
    if not isinstance(when, datetime):
        raise TriggerError(f"{when!r} is not a datetime: give one with a zone")
    if when.utcoffset() is None:
        raise TriggerError(f"{when.isoformat()} has no zone: give it one, as in datetime(..., tzinfo=UTC)")
    return when


def instant(when: datetime | str) -> datetime:
    """An aware datetime or ISO text as an instant: fixed offset, whole milliseconds, never earlier."""
    if isinstance(when, str):
        when = _read_instant(when)
    offset = _aware(when).utcoffset()
    fixed = when.replace(tzinfo=timezone(offset) if offset else UTC, fold=0)
    return fixed + timedelta(microseconds=-fixed.microsecond % 1000)


def _read_instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise TriggerError(f"{text!r} is not an instant: write it like 2026-12-01T09:00+01:00") from None
    if found.utcoffset() is None:
        raise TriggerError(f"{text!r} has no offset: write it like 2026-12-01T09:00+01:00")
    return found


def instant_text(when: datetime) -> str:
    """ISO 8601 with offset; seconds and milliseconds only when there are any."""
    smallest = "milliseconds" if when.microsecond else "seconds" if when.second else "minutes"
    return when.isoformat(timespec=smallest)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name; TriggerError with near matches when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, TypeError, KeyError):
        near = get_close_matches(str(name), available_timezones(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "write an IANA name like Europe/Berlin"
        raise TriggerError(f"there is no time zone {name!r}: {hint}") from None


_PLAIN_NAME = re.compile(r"[^\s;()\[\]{}\"']+")


def name_text(name: str) -> str:
    """The name as it stands in a trigger's text: quoted when it could be misread."""
    return name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _took_at_most(run: Mapping[str, Any], within: timedelta) -> bool:
    scheduled, ended = (_row_time(run.get(key)) for key in ("scheduled_at", "ended_at"))
    return scheduled is not None and ended is not None and ended - scheduled <= within


def _row_time(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
