"""Triggers: how they are made, the text they are written in, and what a ledger asks of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Any

from nbsched.core.cron import Dst
from nbsched.core.cron_text import SecondsField, canonical
from nbsched.core.durations import duration
from nbsched.core.errors import TriggerError, UsageError
from nbsched.core.patterns import check_pattern, condition_text, name_matches
from nbsched.core.states import FINAL
from nbsched.core.trigger_kinds import (
    MILLISECOND,
    After,
    AllOf,
    AnyOf,
    At,
    Cron,
    Every,
    On,
    Trigger,
    in_utc,
    instant,
    zone_named,
)  # fmt: skip

__all__ = [
    "After", "AllOf", "AnyOf", "At", "Cron", "Every", "On", "Trigger", "after", "all_of", "any_of",
    "as_trigger", "at", "count", "cron", "default_zone", "every", "first", "instants", "latest",
    "name_matches", "next_times", "on", "parse_trigger", "set_default_zone", "trigger_of",
]  # fmt: skip


def _zone_source() -> str:
    return "UTC"


def set_default_zone(source: Callable[[], str] | str) -> None:
    """From now on a cron that names no zone is in this one; a callable is asked each time."""
    global _zone_source
    _zone_source = (lambda: source) if isinstance(source, str) else source


def default_zone() -> str:
    """The zone of a cron that names none."""
    return _zone_source()


# Making them ------------------------------------------------------------------------------------------


def cron(
    expr: str, *, tz: str | tzinfo | None = None, dst: Dst = "cron", seconds: SecondsField | None = None
) -> Cron:
    """Five fields or an alias; six when `seconds` says where they stand. `tz` defaults to the machine's."""
    if not isinstance(expr, str):
        raise TriggerError(f"cron expression {expr!r} is not text: write it like '0 2 * * *'")
    zone = default_zone() if tz is None else str(tz)
    return Cron(canonical(expr), zone, dst, seconds, zone_given=tz is not None)


def every(period: object, *, start: datetime | str | None = None) -> Every:
    """Elapsed time, never drifting: start, start + period, ... to the millisecond."""
    length = _given_duration(period, "period")
    if length < MILLISECOND:
        raise TriggerError(f"period {period!r} is too short: give at least one millisecond")
    return Every(_whole(length), None if start is None else instant(start))


def at(when: datetime | str) -> At:
    """An aware datetime or ISO text with an offset; a part of a millisecond is rounded up."""
    return At(instant(when))


def on(event: str, where: Mapping[str, Any] | str | None = None) -> On:
    """`where` is a mapping the data must hold, or an expression over the data."""
    return On(check_pattern(event), None if where is None else condition_text(where))


def after(name: str, state: str = "succeeded", within: object = None) -> After:
    """`name` is a task's, a pipeline's or a schedule's."""
    if not isinstance(name, str) or not name.strip():
        raise TriggerError(f"after() needs the name of a task or pipeline, not {name!r}")
    if state not in FINAL:
        raise TriggerError(f"after({name!r}) cannot wait for {state!r}: a run ends {' '.join(sorted(FINAL))}")
    return After(name, str(state), None if within is None else _whole(_given_duration(within, "within")))


def any_of(*triggers: Trigger | str) -> AnyOf:
    """The union."""
    return AnyOf(_parts("any_of", triggers))


def all_of(*triggers: Trigger | str) -> AllOf:
    """The intersection; events are refused."""
    parts = _parts("all_of", triggers)
    for part in parts:
        if part.event_patterns:
            raise TriggerError(
                f"all_of() meets instants and '{part}' waits for an event: use any_of, or a where"
            )
    return AllOf(parts)


def _parts(call: str, triggers: tuple[Trigger | str, ...]) -> tuple[Trigger, ...]:
    if not triggers:
        raise TriggerError(f"{call}() needs at least one trigger")
    return tuple(map(as_trigger, triggers))


def as_trigger(value: str | Trigger) -> Trigger:
    """The trigger itself, or the one its text means."""
    if isinstance(value, Trigger):
        return value
    return parse_trigger(value)


def _given_duration(value: object, name: str) -> timedelta:
    try:
        return duration(value, name)
    except UsageError as error:
        raise TriggerError(str(error)) from None


def _whole(length: timedelta) -> timedelta:
    """To the nearest millisecond, which is what is stored."""
    return (length + MILLISECOND / 2) // MILLISECOND * MILLISECOND


# What a ledger asks -----------------------------------------------------------------------------------


def instants(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every instant in (after, until], increasing."""
    return trigger.between(in_utc(after), in_utc(until))


def count(trigger: Trigger, after: datetime, until: datetime) -> int:
    """How many instants lie in (after, until]."""
    since, end = in_utc(after), in_utc(until)
    return trigger.count(since, end) if since < end else 0


def latest(trigger: Trigger, after: datetime, until: datetime) -> datetime | None:
    """The last instant in (after, until]."""
    since, end = in_utc(after), in_utc(until)
    return trigger.latest(since, end) if since < end else None


def first(trigger: Trigger, after: datetime, until: datetime) -> datetime | None:
    """The first instant in (after, until]."""
    return next(instants(trigger, after, until), None)


def next_times(
    trigger: Trigger | str, n: int = 5, *, after: datetime, tz: str | None = None
) -> list[datetime]:
    """The first `n` instants after `after`; a text without zone is read in `tz`, and all are shown in it."""
    found = parse_trigger(trigger, tz=tz) if isinstance(trigger, str) else as_trigger(trigger)
    if not found.timed:
        raise TriggerError(
            f"'{found}' waits for an event and has no times: ask for those of a cron, every or at"
        )
    if not isinstance(n, int) or n < 0:
        raise TriggerError(f"n={n!r} is not a whole number of zero or more: give how many times to show")
    since = in_utc(after)
    times = list(islice(found.anchored(since).walk(since), n))
    return [instant(each.astimezone(zone_named(tz))) for each in times] if tz else times


# Reading them -----------------------------------------------------------------------------------------

_DEEPEST = 20
_PIECE = re.compile(r"""\"(?:\\.|[^"\\])*\"|'(?:\\.|[^'\\])*'|.""", re.DOTALL)
_GROUP = re.compile(r"(any|all)\s*\((.*)\)", re.DOTALL | re.IGNORECASE)


def parse_trigger(text: str, *, tz: str | None = None) -> Trigger:
    """The trigger a text means; a cron that names no zone is in `tz`, else in the machine's."""
    if not isinstance(text, str):
        raise TriggerError(
            f"{text!r} is not a trigger: write one like '0 2 * * *', 'every 5m' or 'on data.available'"
        )
    return _read(text.strip(), tz, 0)


@lru_cache(maxsize=4096)
def trigger_of(text: str) -> Trigger:
    """The trigger of a stored text, read once."""
    return parse_trigger(text)


def _read(text: str, tz: str | None, depth: int) -> Trigger:
    group = _GROUP.fullmatch(text)
    if group:
        return _read_group(group[1].lower(), group[2], tz, depth)
    kind, _, rest = text.partition(" ")
    reader = _READERS.get(kind.lower())
    if reader:
        return reader(rest.strip())
    return _read_cron(text, tz)


def _read_group(kind: str, inside: str, tz: str | None, depth: int) -> Trigger:
    if depth >= _DEEPEST:
        raise TriggerError(f"a trigger is nested more than {_DEEPEST} deep: simplify it")
    parts = [_read(part.strip(), tz, depth + 1) for part in _split(inside)]
    return any_of(*parts) if kind == "any" else all_of(*parts)


def _split(text: str) -> list[str]:
    """The parts between semicolons that stand in no bracket and no quotes."""
    parts, depth = [""], 0
    for piece in _PIECE.findall(text):
        depth += (piece in "([{") - (piece in ")]}")
        if piece == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


_CRON_OPTION = re.compile(r"[ \t](tz|dst|seconds)(?![^ \t])")


def _read_cron(text: str, tz: str | None) -> Cron:
    if not text.startswith("@") and len(text.split()) < 2:
        raise TriggerError(
            f"{text!r} is not a trigger: write '0 2 * * *', '@daily', 'every 5m', "
            "'at 2026-12-01T09:00+01:00', 'on NAME' or 'after NAME'"
        )
    expr, *words = _CRON_OPTION.split(text)
    options: dict[str, Any] = {"tz": tz}
    for key, value in zip(words[::2], words[1::2], strict=True):
        if not value.strip():
            raise TriggerError(f"{text!r} says nothing after {key!r}: write its value there, or leave it out")
        options[key] = value.strip()
    return cron(expr, **options)


def _read_every(rest: str) -> Every:
    period, _, start = rest.partition(" from ")
    return every(period, start=start or None)


_ON = re.compile(r"(\S+)(?:\s+where\s+(.+))?", re.DOTALL)


def _read_on(rest: str) -> On:
    found = _ON.fullmatch(rest)
    if not found:
        raise TriggerError(f"'on {rest}' is not readable: write on NAME, or on NAME where " + '{"k": 1}')
    return on(found[1], found[2])


_AFTER = re.compile(r"""("(?:\\.|[^"\\])*"|\S+)(?:\s+(?!within\b)(\S+))?(?:\s+within\s+(.+))?""")


def _read_after(rest: str) -> After:
    found = _AFTER.fullmatch(rest)
    if not found:
        raise TriggerError(
            f"'after {rest}' is not readable: write after NAME, after NAME failed, or after NAME within 2h; "
            "a name with blanks in double quotes"
        )
    return after(_unquoted(found[1]), found[2] or "succeeded", found[3])


def _unquoted(name: str) -> str:
    try:
        return str(json.loads(name)) if name.startswith('"') else name
    except ValueError:
        raise TriggerError(f"the name {name} is not well quoted: write it as JSON text") from None


_READERS: Mapping[str, Callable[[str], Trigger]] = {
    "every": _read_every, "at": at, "on": _read_on, "after": _read_after,
}  # fmt: skip
