"""What work asks for, as a form in any front end shows it."""

from __future__ import annotations

from typing import Any, TypedDict

from nbsched.core.declared import Parameter
from nbsched.core.rows import plain


class ParameterRow(TypedDict):
    """A declared parameter in JSON."""

    name: str
    type: str
    """One of `int float str bool list dict date datetime`; `any` where it may be of several."""
    default: Any
    """None also where it is computed."""
    required: bool
    optional: bool
    """None may be given."""
    choices: list[Any]
    help: str


def parameter_row(one: Parameter) -> ParameterRow:
    """The parameter as a form asks for it."""
    return ParameterRow(
        name=one.name, type=_type(one), default=plain(one.default), required=one.required,
        optional=not one.kinds or "None" in one.kinds, choices=[plain(choice) for choice in one.choices],
        help=one.help,
    )  # fmt: skip


def _type(one: Parameter) -> str:
    """The one type beside None; of those that a default lets in, the default's own."""
    kinds = one.kinds - {"None"}
    if len(kinds) == 1:
        return next(iter(kinds))
    return type(one.default).__name__ if one.default is not None and kinds else "any"
