"""The machine's own time zone, by its IANA name."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

_LINK = Path("/etc/localtime")
_NAME_FILE = Path("/etc/timezone")


def machine_zone() -> str:
    """`TZ`, else where `/etc/localtime` points, else what `/etc/timezone` says, else UTC."""
    return _zone_of(os.environ.get("TZ"))


@lru_cache(maxsize=8)
def _zone_of(variable: str | None) -> str:
    if variable == "":
        return "UTC"
    found = (_known(text) for text in (variable, _linked(), _written()))
    return next(filter(None, found), "UTC")


def _linked() -> str | None:
    try:
        return str(_LINK.resolve()) if _LINK.is_symlink() else None
    except (OSError, RuntimeError):
        return None


def _written() -> str | None:
    try:
        return _NAME_FILE.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _known(text: str | None) -> str | None:
    """The IANA name in `Europe/Berlin`, `:Europe/Berlin` or `/usr/share/zoneinfo/Europe/Berlin`."""
    name = (text or "").removeprefix(":").rpartition("zoneinfo/")[2]
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):
        return None
