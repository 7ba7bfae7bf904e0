"""Values as JSON and back: what JSON lacks is tagged (`{"$date": ...}`), and nothing is ever executed.

A mapping of the user's whose keys begin with `$` is escaped, so every JSON-able value comes back as itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from nbsched.core.errors import RunFailed, ValueNotStorable
from nbsched.core.references import Reference

Foreign = Callable[[Any, str], Any]
"""Gives the JSON form of a value that is not known here, or raises ValueNotStorable with its name."""


def refuse(value: Any, name: str) -> Any:
    raise ValueNotStorable(name, type(value).__name__)


def encode(value: Any, name: str = "value", foreign: Foreign = refuse) -> Any:
    """The value as plain JSON; ValueNotStorable names the part that cannot be."""
    if value is None or (isinstance(value, (bool, int, str)) and type(value).__module__ == "builtins"):
        return value
    if isinstance(value, float) and type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, Mapping):
        return _encode_mapping(value, name, foreign)
    if isinstance(value, (list, tuple)):
        return [encode(part, f"{name}[{at}]", foreign) for at, part in enumerate(value)]
    return _encode_tagged(value, name, foreign)


def _encode_mapping(value: Mapping[Any, Any], name: str, foreign: Foreign) -> Any:
    for key in value:
        if not isinstance(key, str):
            raise ValueNotStorable(
                f"{name}[{key!r}]", f"mapping with the key {key!r} ({type(key).__name__}, not text)"
            )
    plain = {str(key): encode(part, f"{name}[{key!r}]", foreign) for key, part in value.items()}
    return {"$dict": plain} if any(key.startswith("$") for key in plain) else plain


def _encode_tagged(value: Any, name: str, foreign: Foreign) -> Any:
    if isinstance(value, date) and value != value:  # NaT of pandas is a datetime, and none
        return foreign(value, name)
    for kind, write in _WRITE:
        if isinstance(value, kind):
            return write(value)
    return foreign(value, name)


def failed(run: int, name: str, state: str, reason: str | None, error: str | None) -> dict[str, Any]:
    """The JSON form of RunFailed, which stands where a run gave no result."""
    text = None if error is None else str.__str__(error)
    return {"$failed": {"run_id": run, "name": name, "state": state, "reason": reason, "error": text}}


_WRITE: Sequence[tuple[type, Callable[[Any], Any]]] = (
    (datetime, lambda value: {"$datetime": value.isoformat()}),
    (date, lambda value: {"$date": value.isoformat()}),
    (timedelta, lambda value: {"$seconds": value.total_seconds()}),
    (Reference, lambda value: {"$ref": [value.kind, *value.path]}),
    (RunFailed, lambda value: failed(value.run_id, value.name, value.state, value.reason, value.error)),
    (str, str.__str__),
    (int, int),
)
"""The first that fits: a datetime is a date too."""


def located(stored: Any, run: int) -> Any:
    """The JSON with every file in it said to be in the folder of this run, unless it is said to be in another's."""
    if isinstance(stored, list):
        return [located(part, run) for part in stored]
    if not isinstance(stored, dict):
        return stored
    if "$file" in stored:
        return {**stored, "run": stored.get("run", run)}
    return {key: located(part, run) for key, part in stored.items()}


_TAGS: Mapping[str, Callable[[Any], Any]] = {
    "$float": float,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$seconds": lambda seconds: timedelta(seconds=seconds),
    "$failed": lambda parts: RunFailed(**parts),
    "$ref": lambda parts: Reference(parts[0], tuple(parts[1:])),
}


def decode(value: Any, foreign: Callable[[Mapping[str, Any]], Any] | None = None) -> Any:
    """The value that `encode` was given; `foreign` reads the mappings whose tag is not known here."""
    if isinstance(value, list):
        return [decode(part, foreign) for part in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith("$"):
        return {key: decode(part, foreign) for key, part in value.items()}
    if tag == "$dict":
        return {key: decode(part, foreign) for key, part in value["$dict"].items()}
    if tag in _TAGS:
        return _TAGS[tag](value[tag])
    return foreign(value) if foreign else value
