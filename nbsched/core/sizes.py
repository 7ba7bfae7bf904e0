"""Sizes as people write them: `"500MB"`, `"2 GiB"`, or a number of bytes."""

from __future__ import annotations

import re
from decimal import Decimal

from nbsched.core.errors import UsageError

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) *(?P<unit>[KMGT]?)(?P<binary>i?)B?", re.IGNORECASE | re.ASCII)
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def size(name: str, value: object) -> int:
    """The value in bytes; UsageError names `name` when it cannot be read."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise UsageError(f"{name} {value!r} is no size: write it like 500MB, 2GiB or 1000000")
    base = 1024 if found["binary"] else 1000
    return int(Decimal(found["number"]) * base ** _POWER[found["unit"].upper()])
