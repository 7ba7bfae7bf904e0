"""What was given is as the route asks for it, or one sentence says why not."""

from __future__ import annotations

import difflib
import json
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from nbsched.core.errors import UsageError
from nbsched.server.fields import LARGEST, PARTS
from nbsched.server.routes import Schema

LARGEST_BODY = 2_000_000
"""Bytes."""


def read_query(given: Mapping[str, Sequence[bytes]], schema: Schema) -> dict[str, Any]:
    """The query's values, typed as the schema says; UsageError names what is wrong."""
    known = schema["properties"]
    asked = {name: values for name, values in given.items() if not _is_not_ours(name, values)}
    for name, values in asked.items():
        if len(values) > 1:
            raise UsageError(f"{name!r} is given {len(values)} times: give it once")
    typed = {name: _typed(_decoded(name, values[0]), known.get(name, {})) for name, values in asked.items()}
    check(typed, schema)
    return typed


def _is_not_ours(name: str, values: Sequence[bytes]) -> bool:
    """Jupyter's own, and the number by which front ends keep browsers from answering out of their cache."""
    return name in ("token", "_xsrf", "no_track_activity") or (name.isdecimal() and values == [b""])


def _decoded(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name!r} is not in UTF-8: encode it so") from None


def read_path(given: Mapping[str, str]) -> dict[str, Any]:
    """The parts of the path, typed; UsageError names the one that cannot be."""
    typed = {name: _typed(value, PARTS[name]) for name, value in given.items()}
    check(typed, {"properties": {name: PARTS[name] for name in given}})
    return typed


def _typed(value: str, schema: Schema) -> Any:
    """A text of an address as the type that is asked for; itself where it is none."""
    kind = schema.get("type")
    if kind == "integer" and value.removeprefix("-").isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    if kind == "array":
        return [_typed(part, schema["items"]) for part in value.split(",")]
    return value


def read_body(given: bytes, schema: Schema) -> dict[str, Any]:
    """The body's fields, which are as the schema says; UsageError names what is wrong."""
    found = _parsed(given) if given.strip() else {}
    check(found, schema)
    fields: dict[str, Any] = found
    return fields


def _parsed(given: bytes) -> Any:
    if len(given) > LARGEST_BODY:
        raise UsageError(
            f"the body has {len(given):,} bytes: give at most {LARGEST_BODY:,}, or the path of a file"
        )
    try:
        found = json.loads(given, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError:
        raise UsageError("the body holds half a character (a lone surrogate): give text in UTF-8") from None
    except RecursionError:
        raise UsageError("the body is nested too deeply: give less, or the path of a file") from None
    except ValueError as error:
        raise UsageError(f"the body is not JSON ({error}): give an object such as {{}}") from None
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is none of its numbers")


# Sentences --------------------------------------------------------------------------------------------


def check(value: Any, schema: Schema) -> None:
    """Nothing, where the value is as the schema says; else UsageError with one sentence."""
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=_rank)
    if errors:
        raise UsageError(_sentence(errors[0]))


def _rank(error: ValidationError) -> tuple[bool, list[str]]:
    """What is not known is likelier to be a slip than what is missing for it."""
    return error.validator != "additionalProperties", [str(part) for part in error.absolute_path]


def _sentence(error: ValidationError) -> str:
    say = _SAYERS.get(str(error.validator), _unfit)
    return say(error, ".".join(map(str, error.absolute_path)))


def _unknown(error: ValidationError, where: str) -> str:
    known = list(error.schema["properties"])
    name = next(name for name in error.instance if name not in known)
    near = difflib.get_close_matches(name, known, n=3)
    remedy = f"did you mean {_either(map(repr, near))}?" if near else _there_is(known)
    return f"no field {_at(where, name)!r}: {remedy}"


def _there_is(known: Sequence[str]) -> str:
    return f"there is {', '.join(map(repr, known))}" if known else "nothing is to be given here"


def _missing(error: ValidationError, where: str) -> str:
    name = next(name for name in error.validator_value if name not in error.instance)
    return (
        f"the field {_at(where, name)!r} is missing: give {error.schema['properties'][name]['description']}"
    )


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _not_one_of(error: ValidationError, where: str) -> str:
    known = [value for value in error.validator_value if value is not None]
    near = difflib.get_close_matches(str(error.instance), known, n=3)
    remedy = f"did you mean {_either(map(repr, near))}?" if near else f"use {_either(map(str, known))}"
    return f"no {where} {reprlib.repr(error.instance)}: {remedy}"


def _unfit(error: ValidationError, where: str) -> str:
    wanted, about = _wanted(error), error.schema.get("description", "")
    named = f"{where} {reprlib.repr(error.instance)}" if where else f"the body {reprlib.repr(error.instance)}"
    return f"{named} is not {wanted}: give that" + (f" ({about})" if about else "")


def _wanted(error: ValidationError) -> str:
    kinds = error.schema.get("type", [])
    said = _either(_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    least, most = (error.schema.get(name) for name in ("minimum", "maximum"))
    if most is not None and (most < LARGEST or error.validator == "maximum"):
        return f"{said} from {least} to {most}"
    return f"{said} of {least} or more" if least is not None and least > -LARGEST else said


def _empty(error: ValidationError, where: str) -> str:
    return f"{where} is empty: give {error.schema.get('description', 'a text')}"


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


_KINDS = {
    "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip
_SAYERS: Mapping[str, Callable[[ValidationError, str], str]] = {
    "additionalProperties": _unknown, "required": _missing, "enum": _not_one_of, "minLength": _empty,
}  # fmt: skip
