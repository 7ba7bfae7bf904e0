"""What a function declares: the kinds, choices and defaults of its parameters."""

from __future__ import annotations

import inspect
from typing import Any

from nbsched.core.declared import Parameter, annotated, kinds_of_default

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def parameters_of(signature: inspect.Signature) -> dict[str, Parameter]:
    """The parameters that can be given by name."""
    return {one.name: _parameter(one) for one in signature.parameters.values() if one.kind in _NAMED}


def _parameter(one: inspect.Parameter) -> Parameter:
    required = one.default is inspect.Parameter.empty
    default = None if required else one.default
    if one.annotation is inspect.Parameter.empty:
        kinds = frozenset[str]() if required else kinds_of_default(default)
        return Parameter(name=one.name, kinds=kinds, default=default, required=required)
    return annotated(one.name, _text(one.annotation), default, required=required)


def _text(annotation: Any) -> str:
    """The annotation as it is written: `int`, `list[str]`, `Literal['a', 'b']`."""
    if isinstance(annotation, str):
        return annotation
    plain = isinstance(annotation, type) and not hasattr(annotation, "__origin__")
    return annotation.__name__ if plain else str(annotation)
