"""Instants as integer milliseconds and back; rounding is up, so nothing is ever early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def to_ms(at: datetime) -> int: ...
@overload
def to_ms(at: None) -> None: ...
def to_ms(at: datetime | None) -> int | None:
    """Milliseconds since 1970, rounded up."""
    if at is None:
        return None
    return -(-((at - _EPOCH) // _MICROSECOND) // 1000)


def floor_ms(at: datetime) -> int:
    """Milliseconds since 1970, rounded down: what of the present has certainly come."""
    return (at - _EPOCH) // _MICROSECOND // 1000


@overload
def from_ms(ms: int) -> datetime: ...
@overload
def from_ms(ms: None) -> None: ...
def from_ms(ms: int | None) -> datetime | None:
    """The aware UTC instant."""
    return None if ms is None else _instant(ms)


@lru_cache(maxsize=1024)
def _instant(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


@overload
def span_ms(span: timedelta) -> int: ...
@overload
def span_ms(span: None) -> None: ...
def span_ms(span: timedelta | None) -> int | None:
    """A length of time in milliseconds, rounded up."""
    return None if span is None else -(-(span // _MICROSECOND) // 1000)


def instant_text(at: datetime) -> str:
    """The instant in its own zone with its offset: `Mon 2026-01-05 02:00:00 +01:00`."""
    return f"{at:%a} {at.isoformat(' ', 'seconds')[:19]} {at.isoformat()[-6:]}"
