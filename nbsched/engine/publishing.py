"""Which names people may publish, and who a handler is."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

from nbsched.core.errors import UsageError
from nbsched.core.wire import encode
from nbsched.engine.bus import Handler, Subscription

BUILT_IN = ("schedule", "run", "runtime", "handler")
_NAME = re.compile(r"[^\s.*]+(\.[^\s.*]+)*")
_PATTERN = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_unnamed = itertools.count(1)


def check(name: object) -> None:
    """UsageError unless people may publish events of this name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no event name: write words joined by dots, such as data.available")
    if name.partition(".")[0] in BUILT_IN:
        raise UsageError(f"the event {name!r} is nbsched's own to publish: choose a name that does not begin with "
                         f"{name.partition('.')[0]!r}")  # fmt: skip


def checked(name: object, data: object) -> str | None:
    """The data as JSON text; UsageError unless people may publish such an event."""
    check(name)
    if data is not None and not isinstance(data, Mapping):
        raise UsageError(f"the data of {name!r} is {data!r}: give a mapping of names to values")
    return text(encode(dict(data), f"the data of {name!r}")) if data else None


def text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)


def subscription(pattern: object, handler: Handler, name: str | None, durable: bool) -> Subscription:
    """The subscription; without a name, a function that can be told apart is known by its own."""
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise UsageError(
            f"{pattern!r} is no event pattern: write words joined by dots, * for one or more of them"
        )
    if not callable(handler):
        raise UsageError(f"the handler {handler!r} cannot be called: give a function that takes the event")
    if durable and name is None:
        raise UsageError("a durable subscription is known by its name across restarts: give name=")
    return Subscription(name or f"{pattern} -> {_identity(handler)}", pattern, handler, durable)


def _identity(handler: Handler) -> str:
    qualified = getattr(handler, "__qualname__", "<")
    if "<" in qualified or getattr(handler, "__self__", None) is not None:
        return f"{type(handler).__name__} {next(_unnamed)}"
    return f"{handler.__module__}.{qualified}"
