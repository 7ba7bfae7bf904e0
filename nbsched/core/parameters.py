"""Parameters: declared by a pipeline or a notebook, bound and checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from nbsched.core import ports
from nbsched.core.declared import Parameter, check_parameters, from_iso
from nbsched.core.errors import ParameterError, UnknownName
from nbsched.core.model import Notebook, Pipeline, Work
from nbsched.core.rawtext import meant, plain
from nbsched.core.references import Reference
from nbsched.core.steps import data
from nbsched.core.wire import encode

TYPE = "$type"
_TYPES: Mapping[str, type] = {
    kind.__name__: kind for kind in (bool, int, float, str, list, dict, datetime, date)
}  # fmt: skip
_ALSO: Mapping[type, tuple[type, ...]] = {float: (int,), list: (tuple,), dict: (Mapping,)}


def declare(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters as the model keeps them: a default, or `{"$type": "int"}` for a required one."""
    if params is not None and not isinstance(params, Mapping):
        raise ParameterError(f"params {params!r} is not a mapping: give names with their defaults or types")
    return {_name(name): _declared(name, value) for name, value in (params or {}).items()}


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ParameterError(f"{name!r} cannot be the name of a parameter: use letters, digits and '_'")
    return name


def _declared(name: str, value: Any) -> Any:
    if isinstance(value, type):
        if value not in _TYPES.values():
            known = ", ".join(_TYPES)
            kind = value.__name__
            raise ParameterError(f"parameter {name!r} cannot be a {kind}: use {known}, or a default")
        return {TYPE: value.__name__}
    if isinstance(value, Mapping) and TYPE in value:
        raise ParameterError(f"the default of parameter {name!r} has the key {TYPE!r}: rename that key")
    default = data(value, name, None)
    encode(default, name)
    return default


def required(declared: Any) -> str | None:
    """The type's name of a parameter without a default."""
    return declared[TYPE] if isinstance(declared, Mapping) and TYPE in declared else None


def parameter(name: str, declared: Any) -> Parameter:
    """What the declaration asks for."""
    kind, needed = _kind(declared), required(declared)
    kinds = frozenset({kind.__name__} if kind else ())
    return Parameter(name=name, kinds=kinds, default=None if needed else declared, required=bool(needed))


def read_texts(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given values, what was typed as text in the types that are declared."""
    known = {name: parameter(name, default).kinds for name, default in declared.items()}
    return {name: meant(value, known.get(name, ())) for name, value in given.items()}


def bind_params(declared: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every declared parameter's value, given or default; ParameterError names the first that cannot be.

    ISO text is read where a date is declared; a reference is taken as it is.
    """
    values = dict(given or {})
    for name in values:
        if name not in declared:
            raise ParameterError(str(UnknownName("parameter", name, declared, _remedy(declared))))
    for name, default in declared.items():
        if name not in values and required(default):
            raise ParameterError(f"parameter {name!r} ({required(default)}) has no value: give it one")
    return {name: _bound(name, default, values[name]) if name in values else default
            for name, default in declared.items()}  # fmt: skip


def _remedy(declared: Mapping[str, Any]) -> str:
    names = ", ".join(map(repr, declared))
    return f"the pipeline declares {names}" if names else "the pipeline declares none; add it to its params="


def _bound(name: str, default: Any, value: Any) -> Any:
    kind = _kind(default)
    value = meant(value, (kind.__name__,) if kind else ())
    if kind is None or isinstance(value, Reference):
        return value
    if issubclass(kind, date) and isinstance(value, str):
        return from_iso(name, value, kind)
    if not _fits(kind, value):
        raise ParameterError(
            f"parameter {name!r} must be {kind.__name__}, not the {type(value).__name__} {value!r}: "
            "give a value of that type"
        )
    return value


def _kind(default: Any) -> type | None:
    """The type that the declaration binds; None for any."""
    named = required(default)
    if named:
        return _TYPES[named]
    return next((kind for kind in _TYPES.values() if _fits(kind, default)), None)


def _fits(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    if kind is date:
        return isinstance(value, date) and not isinstance(value, datetime)
    return isinstance(value, (kind, *_ALSO.get(kind, ())))


def with_params(work: Work, given: Mapping[str, Any]) -> Work:
    """The work with the parameters over its own: of a pipeline and a notebook all of them, checked."""
    params = {**work.params, **data(given, work.name, None)}
    if isinstance(work, Pipeline):
        params = bind_params(work.declared, params)
    if isinstance(work, Notebook):
        params = notebook_params(work.path, params, work.name)
    return replace(work, params=plain(params))


def notebook_params(
    path: str, given: Mapping[str, Any], name: str, *, complete: bool = True
) -> dict[str, Any]:
    """The values, typed as the notebook declares; unless `complete`, required ones may come later."""
    declared = ports.surroundings().declared_parameters(path)
    if declared is not None and not complete:
        declared = {known: replace(found, required=False) for known, found in declared.items()}
    return check_parameters(declared, given, notebook=name)
