"""What an event must be to be listened to: patterns of names, and conditions on its data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from nbsched.core.errors import ExpressionError, TriggerError
from nbsched.core.expressions import parse_expression

_PART = r"[^\s.*;()\"']+"
_PATTERN = re.compile(rf"(?:{_PART}|\*)(?:\.(?:{_PART}|\*))*")


def name_matches(pattern: str, name: str) -> bool:
    """Whether a dotted name fits a pattern in which `*` stands for one or more parts."""
    return pattern == name or ("*" in pattern and _compiled(pattern).fullmatch(name) is not None)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (r"[^.]+(?:\.[^.]+)*" if part == "*" else re.escape(part) for part in pattern.split("."))
    return re.compile(r"\.".join(parts), re.DOTALL)


def check_pattern(pattern: str) -> str:
    """The pattern, if it is one; TriggerError otherwise."""
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise TriggerError(
            f"{pattern!r} is not an event's name or pattern: write dotted parts without blanks, as in "
            "'data.available', with '*' for one or more whole parts, as in 'data.*'"
        )
    return pattern


def condition_holds(text: str, data: Mapping[str, Any]) -> bool:
    """Whether the data holds the condition; one that cannot be computed from this data does not hold."""
    return _condition(text)(data)


def condition_text(where: Mapping[str, Any] | str) -> str:
    """A condition's canonical text: JSON with sorted keys, or an expression; refused when it is neither."""
    found = _json_object(where) if isinstance(where, str) else where
    if found is None:
        return parse_expression(str(where)).text
    try:
        return json.dumps(dict(found), sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TriggerError(
            f"where={where!r} is not JSON ({error}): give text, numbers, true, false, null"
        ) from None


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@lru_cache(maxsize=1024)
def _condition(text: str) -> Callable[[Mapping[str, Any]], bool]:
    wanted = _json_object(text)
    if wanted is not None:
        return lambda data: _holds(data, wanted)
    expression = parse_expression(text)

    def holds(data: Mapping[str, Any]) -> bool:
        try:
            return bool(expression.evaluate(lambda path: _item(data, path)))
        except ExpressionError:
            return False

    return holds


def _item(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(data, Mapping):
            raise KeyError(key)
        data = data[key]
    return data


def _holds(have: Any, want: Any) -> bool:
    """Mappings by their wanted items, everything else by equality; true is not 1."""
    if isinstance(want, dict):
        return isinstance(have, Mapping) and all(key in have and _holds(have[key], want[key]) for key in want)
    if isinstance(want, list):
        same_length = isinstance(have, (list, tuple)) and len(have) == len(want)
        return same_length and all(map(_holds, have, want))
    return isinstance(have, bool) is isinstance(want, bool) and bool(have == want)
