"""What a cell or a notebook is: its parameters and their types, its hash, whether it compiles."""

from __future__ import annotations

import ast
import difflib
import math
import re
import reprlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nbsched.core.errors import ParameterError, RunFailed
from nbsched.core.references import references_in

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A name that a notebook's parameters cell declares."""

    name: str
    kinds: frozenset[str] = frozenset()
    """Of `int float str bool list dict date datetime None`; empty: any value will do."""
    default: Any = None
    """Its literal value; None also when it is computed."""
    required: bool = False

    @property
    def type(self) -> str:
        """The type as a person reads it: `date or None`."""
        return " or ".join(sorted(self.kinds, key=lambda kind: (kind == "None", kind))) or "any value"


# --- what a notebook declares ---


def source_text(cell: Mapping[str, Any]) -> str:
    """The cell's source as one text, however its file splits it."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def code_cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (cell for cell in notebook.get("cells", ()) if cell.get("cell_type") == "code")


def tagged(cell: Mapping[str, Any], tag: str) -> bool:
    return tag in cell.get("metadata", {}).get("tags", ())


def language(notebook: Mapping[str, Any]) -> str:
    """The notebook's language in lower case; Python when it says nothing."""
    metadata = notebook.get("metadata", {})
    named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    return str(named or "python").lower()


def declared_parameters(notebook: Mapping[str, Any]) -> dict[str, Parameter] | None:
    """The parameters by name; None when the notebook has no readable parameters cell or is not Python."""
    cells = [cell for cell in code_cells(notebook) if tagged(cell, PARAMETERS_TAG)]
    if not cells or language(notebook) not in ("python", "ipython"):
        return None
    try:
        body = ast.parse(_without_magics(source_text(cells[0]))).body
    except (SyntaxError, ValueError):
        return None
    return {found.name: found for statement in body for found in _declarations(statement)}


def _without_magics(source: str) -> str:
    return "\n".join("" if line.startswith(("%", "!")) else line for line in source.splitlines())


def _declarations(statement: ast.stmt) -> Iterator[Parameter]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        kinds = _annotated(statement.annotation)
        yield Parameter(
            name=statement.target.id,
            kinds=kinds | {"None"} if kinds and _is_none(statement.value) else kinds,
            default=_literal(statement.value),
            required=statement.value is None,
        )
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from _assigned(target, statement.value)


def _assigned(target: ast.expr, value: ast.expr | None) -> Iterator[Parameter]:
    if isinstance(target, ast.Name):
        yield Parameter(name=target.id, kinds=_implied(value), default=_literal(value))
    elif isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from _assigned(part, None)


def _literal(value: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(value) if value else None
    except (ValueError, TypeError, SyntaxError):
        return None


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


_ANNOTATIONS = {
    "int": "int", "float": "float", "str": "str", "bool": "bool", "None": "None", "NoneType": "None",
    "list": "list", "List": "list", "Sequence": "list", "dict": "dict", "Dict": "dict", "Mapping": "dict",
    "date": "date", "datetime": "datetime",
}  # fmt: skip


def _annotated(annotation: ast.expr) -> frozenset[str]:
    """The kinds an annotation allows; empty when one of them is not known here."""
    parts = [_kinds_of_part(part) for part in _alternatives(annotation)]
    return frozenset().union(*parts) if all(parts) else frozenset()


def _alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    """The annotation's parts: `a | b`, `Union[a, b]` and `Optional[a]` taken apart, text read."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        yield from _alternatives_of_text(annotation.value)
    elif isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        yield from _alternatives(annotation.left)
        yield from _alternatives(annotation.right)
    elif isinstance(annotation, ast.Subscript) and _last_name(annotation.value) in ("Optional", "Union"):
        inner = annotation.slice
        for part in inner.elts if isinstance(inner, ast.Tuple) else (inner,):
            yield from _alternatives(part)
        if _last_name(annotation.value) == "Optional":
            yield ast.Constant(None)
    else:
        yield annotation


def _alternatives_of_text(annotation: str) -> Iterator[ast.expr]:
    try:
        yield from _alternatives(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        yield ast.Name(annotation)


def _kinds_of_part(part: ast.expr) -> frozenset[str]:
    if _is_none(part):
        return frozenset({"None"})
    if isinstance(part, ast.Subscript) and _last_name(part.value) == "Literal":
        choices = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
        return frozenset(type(_literal(choice)).__name__.replace("NoneType", "None") for choice in choices)
    name = _last_name(part.value if isinstance(part, ast.Subscript) else part)
    return frozenset({_ANNOTATIONS[name]}) if name in _ANNOTATIONS else frozenset()


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _implied(value: ast.expr | None) -> frozenset[str]:
    """The kinds that a default without annotation lets in: its own, None, and a float for an int."""
    if isinstance(value, ast.Call):
        kind = _called(value.func)
        return frozenset({kind, "None"}) if kind else frozenset()
    kind = _kind(_literal(value))
    if kind in ("", "None"):
        return frozenset()
    return frozenset({kind, "None", "float"} if kind == "int" else {kind, "None"})


def _called(function: ast.expr) -> str:
    """`date` for `date(…)` and `date.today()`, `datetime` for `datetime.datetime.now()`, else nothing."""
    if isinstance(function, ast.Attribute) and _last_name(function) not in ("date", "datetime"):
        function = function.value
    name = _last_name(function)
    return name if name in ("date", "datetime") else ""


# --- what it is given ---


def _kind(value: Any) -> str:
    """The kind of a value that may be a parameter; nothing for all others."""
    if value is None:
        return "None"
    for kind in (bool, int, float, str, list, dict, datetime, date):
        if isinstance(value, kind):
            return kind.__name__
    return ""


def check_parameters(
    declared: Mapping[str, Parameter] | None, given: Mapping[str, Any], *, notebook: str = "the notebook"
) -> dict[str, Any]:
    """The given values, typed as declared; ParameterError names the first that is unknown, missing or wrong.

    Dates the notebook does not declare become ISO text. References are let through: only their names are checked.
    """
    if declared is not None:
        _refuse_unknown(declared, given, notebook)
        _refuse_missing(declared, given, notebook)
    return {name: _typed((declared or {}).get(name), name, value) for name, value in given.items()}


def _refuse_unknown(declared: Mapping[str, Parameter], given: Mapping[str, Any], notebook: str) -> None:
    for name in given:
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=3)
            there = f"did you mean {' or '.join(map(repr, near))}?" if near else _known(declared)
            raise ParameterError(f"{notebook} has no parameter {name!r}: {there}")


def _known(declared: Mapping[str, Parameter]) -> str:
    names = ", ".join(map(repr, declared))
    return (
        f"its parameters cell declares {names}"
        if names
        else "its parameters cell declares none; add it there"
    )


def _refuse_missing(declared: Mapping[str, Parameter], given: Mapping[str, Any], notebook: str) -> None:
    for name, parameter in declared.items():
        if parameter.required and name not in given:
            raise ParameterError(
                f"{notebook} needs the parameter {name!r} ({parameter.type}): give it a value"
            )


def _typed(parameter: Parameter | None, name: str, value: Any) -> Any:
    if any(references_in(value)):
        return value
    kinds = parameter.kinds if parameter else frozenset[str]()
    plain = _storable(name, value)
    kind = _kind(plain)
    if kind in kinds:
        return plain
    if not kinds:
        return _iso(plain)
    return _converted(name, plain, kind, kinds)


def _converted(name: str, value: Any, kind: str, kinds: frozenset[str]) -> Any:
    """The value in the kind that was declared, where nothing is lost by it."""
    if kind == "int" and "float" in kinds:
        return float(value)
    if kind in ("date", "datetime") and "str" in kinds:
        return _iso(value)
    for temporal in (date, datetime):
        if kind == "str" and temporal.__name__ in kinds:
            return _from_iso(name, value, temporal)
    expected = Parameter(name=name, kinds=kinds).type
    found = "None" if value is None else f"the {kind} {reprlib.repr(value)}"
    raise ParameterError(f"parameter {name!r} must be {expected}, not {found}: give a value of that type")


def _from_iso(name: str, text: str, temporal: type[date]) -> date:
    try:
        return temporal.fromisoformat(text)
    except ValueError:
        example = "2026-01-31T02:00:00+00:00" if temporal is datetime else "2026-01-31"
        raise ParameterError(
            f"parameter {name!r} must be a {temporal.__name__}, and {text!r} is not one: write it like {example}"
        ) from None


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _storable(name: str, value: Any) -> Any:
    """The value made of plain JSON types and, on its own, a date; ParameterError names the part that is not."""
    if isinstance(value, RunFailed):
        return {"run": value.run_id, "state": value.state, "reason": value.reason, "error": value.error}
    if isinstance(value, Mapping):
        return {_key(name, key): _iso(_storable(f"{name}[{key!r}]", part)) for key, part in value.items()}
    if isinstance(value, list):
        return [_iso(_storable(f"{name}[{at}]", part)) for at, part in enumerate(value)]
    kind = _kind(value)
    if not kind:
        raise ParameterError(f"parameter {name!r} has the type {type(value).__name__}: {_remedy(value)}")
    return _PLAIN[kind](value) if kind in _PLAIN else value


_PLAIN: Mapping[str, Callable[[Any], Any]] = {"bool": bool, "int": int, "float": float, "str": str.__str__}
"""What makes a subclass (an enum's member, a NumPy float) the plain thing it is."""


def _key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        raise ParameterError(
            f"parameter {name!r} has the key {key!r} of type {type(key).__name__}: make it text"
        )
    return str.__str__(key)


def _remedy(value: Any) -> str:
    if isinstance(value, (tuple, set, frozenset)):
        return "give a list"
    if isinstance(value, bytes):
        return "give text, or save it to a file and give its path"
    return "give JSON (text, number, True, None, list, dict), a date, or a path to a file"


def with_parameters(notebook: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The Python notebook with a cell that assigns the values: after its parameters cell, else at its top."""
    cell: dict[str, Any] = {"cell_type": "code", "id": INJECTED_TAG, "source": injected_source(values), "outputs": [],
            "execution_count": None, "metadata": {"tags": [INJECTED_TAG]}}  # fmt: skip
    cells = [other for other in notebook["cells"] if not tagged(other, INJECTED_TAG)]
    after = next((at + 1 for at, other in enumerate(cells) if tagged(other, PARAMETERS_TAG)), 0)
    return {**notebook, "cells": [*cells[:after], cell, *cells[after:]]}


def injected_source(values: Mapping[str, Any]) -> str:
    """A Python cell that assigns the values, each written as a literal."""
    dated = any(isinstance(value, date) for value in values.values())
    lines = ["# Parameters", *(["import datetime as _datetime"] if dated else [])]
    return "\n".join([*lines, *(f"{name} = {_written(value)}" for name, value in values.items())])


def _written(value: Any) -> str:
    if isinstance(value, (date, datetime)):
        kind = "datetime" if isinstance(value, datetime) else "date"
        return f"_datetime.{kind}.fromisoformat({value.isoformat()!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(value)


# --- what it is ---


_IPYTHON = re.compile(r"^\s*[%!?]|=\s*[%!]|\?\s*$", re.MULTILINE)
"""What only IPython can read: magics, shell lines, help."""


def cell_compiles(source: str) -> str | None:
    """None, or the sentence that says why this Python is none; a top-level `await` is allowed.

    A cell that holds magics or shell lines is left to IPython.
    """
    if _IPYTHON.search(source):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()
        where = f" in line {error.lineno}" + (f" ({line})" if line else "") if error.lineno else ""
        return f"the cell does not compile: {error.msg}{where}; correct it"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"the cell does not compile: {error or type(error).__name__}; correct it"
    return None


def failing_line(source: str, traceback: Sequence[str], execution_count: int | None) -> str | None:
    """The line of the cell at which an IPython traceback (without colours) points last."""
    mark = f"Cell In[{execution_count}], line "
    numbers = [part.split(mark, 1)[1] for text in traceback for part in text.splitlines() if mark in part]
    digits = numbers[-1].split(",")[0].split("\n")[0].strip() if numbers else ""
    lines = re.sub(r"\A(?:[^\S\n]*\n)+", "", source).splitlines()
    return lines[int(digits) - 1].strip() if digits.isdecimal() and 0 < int(digits) <= len(lines) else None
