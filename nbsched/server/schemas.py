"""JSON Schema of what is answered, read off its types."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

DURATION = {"type": ["string", "number"]}
"""As people write it, or seconds."""
_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    Any: {}, object: {}, str: {"type": "string"}, bool: {"type": "boolean"}, float: {"type": "number"},
    int: {"type": "integer"}, type(None): {"type": "null"}, datetime: {"type": "string", "format": "date-time"},
    timedelta: DURATION,
}  # fmt: skip


def schema_of(type_: Any, named: dict[str, Any]) -> dict[str, Any]:
    """The type as JSON Schema; that of each TypedDict in it is put into `named`, and referred to."""
    if type_ in _PLAIN:
        return dict(_PLAIN[type_])
    if is_typeddict(type_):
        return _reference(type_, named)
    kind, parts = get_origin(type_), get_args(type_)
    if kind is Literal:
        return {"enum": list(parts)}
    if kind in (Union, types.UnionType):
        return _union([schema_of(part, named) for part in parts])
    if kind is tuple and parts[-1] is not ...:
        items = [schema_of(part, named) for part in parts]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if kind in (list, tuple):
        return {"type": "array", "items": schema_of(parts[0], named)}
    if kind in (dict, Mapping) or getattr(kind, "__name__", "") == "Mapping":
        return {"type": "object", "additionalProperties": schema_of(parts[1], named)}
    raise TypeError(f"{type_} has no JSON Schema here: add it")


def _reference(type_: Any, named: dict[str, Any]) -> dict[str, Any]:
    name = type_.__name__
    if name not in named:
        named[name] = {}  # it may hold itself
        hints = get_type_hints(type_, include_extras=True)
        fields = {key: schema_of(_inside(hint), named) for key, hint in hints.items()}
        needed = [key for key in hints if key in type_.__required_keys__ and not _may_be_absent(hints[key])]
        named[name] = {
            "type": "object", "description": (type_.__doc__ or "").partition("\n")[0], "properties": fields,
            "required": needed, "additionalProperties": False,
        }  # fmt: skip
    return {"$ref": f"#/components/schemas/{name}"}


def _may_be_absent(hint: Any) -> bool:
    return get_origin(hint) is NotRequired


def _inside(hint: Any) -> Any:
    return get_args(hint)[0] if _may_be_absent(hint) else hint


def _union(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One of the parts; of plain types as a list of these."""
    if not all(part.keys() == {"type"} for part in parts):
        return {"anyOf": list(parts)}
    names = [part["type"] if isinstance(part["type"], list) else [part["type"]] for part in parts]
    return {"type": list(dict.fromkeys(name for some in names for name in some))}
