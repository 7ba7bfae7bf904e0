"""The parameters that work declares, and what it is given for them."""

from __future__ import annotations

import ast
import difflib
import re
import reprlib
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from nbsched.core.errors import ParameterError, RunFailed
from nbsched.core.rawtext import meant
from nbsched.core.references import references_in
from nbsched.core.sources import PARAMETERS_TAG, code_cells, language, source_text, tagged


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A name that a notebook's parameters cell, a function or a pipeline declares."""

    name: str
    kinds: frozenset[str] = frozenset()
    """Of `int float str bool list dict date datetime None`; empty: any value will do."""
    default: Any = None
    """Its literal value; None also when it is computed."""
    required: bool = False
    choices: tuple[Any, ...] = ()
    """All the values it may have; empty: any of its kinds."""
    help: str = ""

    @property
    def type(self) -> str:
        """The type as a person reads it: `date or None`."""
        return " or ".join(sorted(self.kinds, key=lambda kind: (kind == "None", kind))) or "any value"


# --- what a notebook declares ---


def declared_parameters(notebook: Mapping[str, Any]) -> dict[str, Parameter] | None:
    """The parameters by name; None when the notebook has no readable parameters cell or is not Python."""
    cells = [cell for cell in code_cells(notebook) if tagged(cell, PARAMETERS_TAG)]
    if not cells or language(notebook) not in ("python", "ipython"):
        return None
    source = _without_magics(source_text(cells[0]))
    try:
        body, comments = ast.parse(source).body, _comments(source)
    except (SyntaxError, ValueError):
        return None
    return {
        found.name: _commented(found, comments.get(statement.end_lineno or 0, ""))
        for statement in body
        for found in _declarations(statement)
    }


def _comments(source: str) -> dict[int, str]:
    """The comment at the end of each line that has one."""
    lines = iter(source.splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


_COMMENT = re.compile(r"#\s*(?:type:\s*(?P<type>\S+)\s*)?(?P<help>.*)")


def _commented(found: Parameter, comment: str) -> Parameter:
    """With the comment as help, and its `type: int` where the assignment has no annotation, as papermill reads it."""
    read = _COMMENT.match(comment)
    if not read:
        return found
    kinds = _annotated(ast.Constant(read["type"])) if read["type"] else frozenset[str]()
    return replace(found, kinds=found.kinds or kinds, help=read["help"].strip())


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
            choices=_choices(statement.annotation),
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


def _choices(annotation: ast.expr) -> tuple[Any, ...]:
    """The values of `Literal[...]`, if nothing else may be given."""
    parts = list(_alternatives(annotation))
    if not any(map(_is_choice, parts)) or not all(_is_choice(part) or _is_none(part) for part in parts):
        return ()
    return tuple(value for part in parts for value in (_literals(part) if _is_choice(part) else [None]))


def _is_choice(part: ast.expr) -> bool:
    return isinstance(part, ast.Subscript) and _last_name(part.value) == "Literal"


def _literals(part: Any) -> list[Any]:
    return [_literal(one) for one in (part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice])]


def annotated(name: str, annotation: str, default: Any, *, required: bool) -> Parameter:
    """The parameter that the annotation's text declares."""
    node = ast.Constant(annotation)
    kinds = _annotated(node)
    also = {"None"} if kinds and default is None and not required else set[str]()
    return Parameter(
        name=name, kinds=kinds | also, default=default, required=required, choices=_choices(node)
    )


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
    if _is_choice(part):
        return frozenset(map(_kind, _literals(part)))
    name = _last_name(part.value if isinstance(part, ast.Subscript) else part)
    return frozenset({_ANNOTATIONS[name]}) if name in _ANNOTATIONS else frozenset()


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _implied(value: ast.expr | None) -> frozenset[str]:
    """The kinds that a default without annotation lets in: its own, None, and a float for an int."""
    if isinstance(value, ast.Call):
        kind = _called(value.func)
        return frozenset({kind, "None"}) if kind else frozenset()
    return kinds_of_default(_literal(value))


def kinds_of_default(value: Any) -> frozenset[str]:
    """The kinds that a parameter without annotation lets in beside this default."""
    kind = _kind(value)
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
    return {name: typed((declared or {}).get(name), value, name, notebook) for name, value in given.items()}


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


def typed(parameter: Parameter | None, value: Any, name: str, taker: str) -> Any:
    """The value as the parameter declares it, of any kind for None; ParameterError names taker and parameter."""
    kinds = parameter.kinds if parameter else frozenset[str]()
    if any(references_in(value)):
        return value
    try:
        found = _of_kinds(name, _storable(name, meant(value, kinds)), kinds)
    except ParameterError as error:
        raise ParameterError(f"{taker}: {error}") from None
    if parameter and parameter.choices and found not in parameter.choices:
        allowed = " or ".join(map(repr, parameter.choices))
        raise ParameterError(f"{taker}: parameter {name!r} cannot be {reprlib.repr(found)}: give {allowed}")
    return found


def _of_kinds(name: str, plain: Any, kinds: frozenset[str]) -> Any:
    """The value in the kind that was declared, where nothing is lost by it."""
    kind = _kind(plain)
    if kind in kinds:
        return plain
    if not kinds or (kind in ("date", "datetime") and "str" in kinds):
        return _iso(plain)
    if kind == "int" and "float" in kinds:
        return float(plain)
    for temporal in (date, datetime):
        if kind == "str" and temporal.__name__ in kinds:
            return from_iso(name, plain, temporal)
    expected = Parameter(name=name, kinds=kinds).type
    found = "None" if plain is None else f"the {kind} {reprlib.repr(plain)}"
    raise ParameterError(f"parameter {name!r} must be {expected}, not {found}: give a value of that type")


def from_iso(name: str, text: str, temporal: type[date]) -> date:
    """The date or instant that the text is; ParameterError names the parameter when it is none."""
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
    """The value made of plain JSON types and, on its own, a date; a path is text; ParameterError names what is not."""
    if isinstance(value, Mapping):
        return {_key(name, key): _iso(_storable(f"{name}[{key!r}]", part)) for key, part in value.items()}
    if isinstance(value, list):
        return [_iso(_storable(f"{name}[{at}]", part)) for at, part in enumerate(value)]
    if isinstance(value, RunFailed):
        return {"run": value.run_id, "state": value.state, "reason": value.reason, "error": value.error}
    if hasattr(value, "__fspath__"):
        return str(value)
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
