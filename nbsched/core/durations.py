"""Durations as people write them: `"90s"`, `"1h30m"`, `"3 days"`, seconds, or a timedelta."""

from __future__ import annotations

import re
from datetime import timedelta

from nbsched.core.errors import UsageError

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
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
        found = _from_seconds(value, name)
    elif isinstance(value, str):
        found = _from_text(value, name)
    else:
        raise UsageError(f"{name} {value!r} is not a duration: write '90s', '1h30m', '3 days', or seconds")
    if found < timedelta():
        raise UsageError(f"{name} {value!r} is negative: give a duration of zero or more")
    return found


def _from_seconds(value: float, name: str) -> timedelta:
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise UsageError(
            f"{name} {value!r} is too large or not a number: give at most 999999999 days"
        ) from None


def _from_text(text: str, name: str) -> timedelta:
    total, position, lowered = 0.0, 0, text.strip().lower()
    while position < len(lowered):
        part = _PART.match(lowered, position)
        unit = part and (_WORDS.get(part[2]) or _WORDS.get(part[2].removesuffix("s")))
        if not part or not unit:
            raise UsageError(
                f"{name} {text!r} is not a duration: write it like '90s', '1h30m', '3d' or '3 days'"
            )
        total += float(part[1]) * _SECONDS[unit]
        position = part.end()
    if not lowered:
        raise UsageError(f"{name} is empty: write it like '90s', '1h30m' or '3d'")
    return _from_seconds(total, name)


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads back to the same value: `1h30m`, `250ms`."""
    left, parts = round(value.total_seconds() * 1000), []
    for unit, size in (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    if left:
        parts.append(f"{left}ms")
    return "".join(parts) or "0s"
