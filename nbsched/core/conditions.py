"""Conditions written with Python's operators: they build an expression's text, nothing is computed."""

from __future__ import annotations

import keyword
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbsched.core.errors import DefinitionError

OR, AND, NOT, COMPARE, ADD, MULTIPLY, SIGN, ATOM = range(8)
"""How strongly an expression's outermost operator binds."""


class Operand:
    """What may stand in a `when`: its operators give a Condition."""

    __slots__ = ()

    @property
    def condition(self) -> Condition:
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise DefinitionError(
            f"{self.condition.text!r} has no truth value before the pipeline runs: write & | ~ instead of "
            "and, or, not, and a < x < b as (a < x) & (x < b)"
        )

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _binary(self, "==", COMPARE, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return _binary(self, "!=", COMPARE, other)

    def __lt__(self, other: object) -> Condition:
        return _binary(self, "<", COMPARE, other)

    def __le__(self, other: object) -> Condition:
        return _binary(self, "<=", COMPARE, other)

    def __gt__(self, other: object) -> Condition:
        return _binary(self, ">", COMPARE, other)

    def __ge__(self, other: object) -> Condition:
        return _binary(self, ">=", COMPARE, other)

    def __and__(self, other: object) -> Condition:
        return _joined(self, "and", AND, other)

    def __rand__(self, other: object) -> Condition:
        return _joined(other, "and", AND, self)

    def __or__(self, other: object) -> Condition:
        return _joined(self, "or", OR, other)

    def __ror__(self, other: object) -> Condition:
        return _joined(other, "or", OR, self)

    def __invert__(self) -> Condition:
        return _unary("not ", NOT, self)

    def __neg__(self) -> Condition:
        return _unary("-", SIGN, self)

    def __pos__(self) -> Condition:
        return _unary("+", SIGN, self)

    def __add__(self, other: object) -> Condition:
        return _binary(self, "+", ADD, other)

    def __radd__(self, other: object) -> Condition:
        return _binary(other, "+", ADD, self)

    def __sub__(self, other: object) -> Condition:
        return _binary(self, "-", ADD, other)

    def __rsub__(self, other: object) -> Condition:
        return _binary(other, "-", ADD, self)

    def __mul__(self, other: object) -> Condition:
        return _binary(self, "*", MULTIPLY, other)

    def __rmul__(self, other: object) -> Condition:
        return _binary(other, "*", MULTIPLY, self)

    def __truediv__(self, other: object) -> Condition:
        return _binary(self, "/", MULTIPLY, other)

    def __rtruediv__(self, other: object) -> Condition:
        return _binary(other, "/", MULTIPLY, self)

    def __floordiv__(self, other: object) -> Condition:
        return _binary(self, "//", MULTIPLY, other)

    def __rfloordiv__(self, other: object) -> Condition:
        return _binary(other, "//", MULTIPLY, self)

    def __mod__(self, other: object) -> Condition:
        return _binary(self, "%", MULTIPLY, other)

    def __rmod__(self, other: object) -> Condition:
        return _binary(other, "%", MULTIPLY, self)

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class Condition(Operand):
    """An expression over values known when the pipeline runs; `text` is in the language of `when`."""

    text: str
    binds: int = field(default=ATOM, repr=False)
    owners: frozenset[Any] = field(default=frozenset(), repr=False)
    """The pipelines whose steps or parameters it reads."""

    @property
    def condition(self) -> Condition:
        return self

    def __str__(self) -> str:
        return self.text


def _binary(left: object, symbol: str, binds: int, right: object) -> Condition:
    one, other = as_condition(left), as_condition(right)
    one_least = binds + (binds == COMPARE)
    other_least = binds if binds in (AND, OR) else binds + 1
    text = f"{_inside(one, one_least)} {symbol} {_inside(other, other_least)}"
    return Condition(text, binds, one.owners | other.owners)


def _joined(left: object, symbol: str, binds: int, right: object) -> Condition:
    for side, other in ((left, right), (right, left)):
        if not isinstance(side, (Operand, bool)):
            beside = f" beside {other.condition.text!r}" if isinstance(other, Operand) else ""
            raise DefinitionError(
                f"& and | join conditions, not {side!r}{beside}: put comparisons into parentheses"
            )
    return _binary(left, symbol, binds, right)


def _unary(symbol: str, binds: int, operand: Operand) -> Condition:
    inner = operand.condition
    return Condition(f"{symbol}{_inside(inner, binds + (binds == SIGN))}", binds, inner.owners)


def _inside(part: Condition, least: int) -> str:
    return part.text if part.binds >= least else f"({part.text})"


def as_condition(value: object) -> Condition:
    """The operand's condition, or the literal as one; DefinitionError for anything else."""
    if isinstance(value, Operand):
        return value.condition
    text = _literal(value)
    return Condition(text, SIGN if text.startswith("-") else ATOM)


_PLAIN: Sequence[tuple[type, Callable[[Any], str]]] = (
    (bool, repr), (type(None), repr), (int, int.__repr__), (float, float.__repr__), (str, str.__repr__),
)  # fmt: skip


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    for kind, write in _PLAIN:
        if isinstance(value, kind) and not (isinstance(value, float) and not math.isfinite(value)):
            return write(value)
    raise DefinitionError(
        f"{value!r} cannot stand in a condition: compare with a number, text, True, False, None or a list"
    )


def path_text(root: str, names: Sequence[str], *, spelt_out: bool = False) -> str:
    """`evaluate.accuracy`, or `steps['01-prepare']['x']` where a name is no plain word or to be spelt out."""
    first, *rest = names
    start = f"{root}[{first!r}]" if spelt_out or not _plain_word(first) else first
    return start + "".join(f".{name}" if _plain_word(name) else f"[{name!r}]" for name in rest)


def _plain_word(name: str) -> bool:
    word = name.isascii() and name.isidentifier() and not name.startswith("__")
    return word and not keyword.iskeyword(name)
