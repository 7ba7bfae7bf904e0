"""Durations as people write them: `"90s"`, `"1h30m"`, `"3 days"`, seconds, or a timedelta."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from nbsched.core.errors import UsageError

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WORDS = {
    "ms": "ms", "millisecond": "ms", "s": "s", "sec": "s", "second": "s", "m": "m", "min": "m", "minute": "m",
    "h": "h", "hr": "h", "hour": "h", "d": "d", "day": "d", "w": "w", "week": "w",
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*,?", re.ASCII)


def duration(value: object, name: str = "duration") -> timedelta:
    """The value as a timedelta, never negative; UsageError names `name` when it cannot be read."""
    if isinstance(value, timedelta):
        found = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = _within_limits({"s": value}, value, name)
    elif isinstance(value, str):
        found = _from_text(value, name)
    else:
        raise UsageError(f"{name} {value!r} is not a duration: write '90s', '1h30m', '3 days', or seconds")
    if found < timedelta():
        raise UsageError(f"{name} {value!r} is negative: give a duration of zero or more")
    return found


def _from_text(text: str, name: str) -> timedelta:
    amounts, position, lowered = dict.fromkeys(_UNITS, 0.0), 0, text.strip().lower()
    while position < len(lowered):
        part = _PART.match(lowered, position)
        unit = part and (_WORDS.get(part[2]) or _WORDS.get(part[2].removesuffix("s")))
        if not part or not unit:
            raise UsageError(f"{name} {text!r} is not a duration: write it like '90s', '1h30m' or '3 days'")
        amounts[unit] += float(part[1])
        position = part.end()
    if not lowered:
        raise UsageError(f"{name} is empty: write it like '90s', '1h30m' or '3d'")
    return _within_limits(amounts, text, name)


def _within_limits(amounts: Mapping[str, float], written: object, name: str) -> timedelta:
    try:
        return timedelta(**{_UNITS[unit]: amount for unit, amount in amounts.items()})
    except (OverflowError, ValueError):
        raise UsageError(
            f"{name} {written!r} is too large or not a number: give at most 999999999 days"
        ) from None


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads back to the same value: `1h30m`, `250ms`."""
    left, parts = round(value / timedelta(milliseconds=1)), []
    for unit, size in (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    if left:
        parts.append(f"{left}ms")
    return "".join(parts) or "0s"
