"""Values as they are typed, on a line or in a form: the declared type says what a text means."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn


class RawText(str):
    """A parameter's value as it was typed; what it means is decided where its type is known."""

    __slots__ = ()


def meant(value: Any, kinds: Collection[str] = ()) -> Any:
    """What a typed text means for a parameter of these kinds (of any, without); other values as they are.

    JSON is read unless text is what was declared; quotes around a text are not part of it.
    """
    if not isinstance(value, RawText):
        return value
    text = str(value)
    found = json_or_text(text)
    if isinstance(found, str) or not kinds:
        return found
    as_text = not {"str", "date", "datetime"}.isdisjoint(kinds)
    return text if as_text and _kinds(found).isdisjoint(kinds) else found


def _kinds(found: Any) -> set[str]:
    """What a value of JSON may stand for."""
    if found is None:
        return {"None"}
    return {"int", "float"} if type(found) is int else {type(found).__name__}


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of work that declares no types."""
    return {name: meant(value) for name, value in params.items()}


def json_or_text(text: str) -> Any:
    """The text's JSON value, or the text where it is none; NaN and Infinity are text."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)
