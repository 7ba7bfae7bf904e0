"""The small safe language of `when` and `where`: what it holds, the names it reads, its value.

Comparisons, boolean operators, arithmetic, `in`, `is None`, literals, names, `step.value`, `step["value"]`;
nothing else. Nothing of a value is ever called or looked up but the items of mappings and lists.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbsched.core.errors import ExpressionError, UnknownName

Path = tuple[str, ...]
Resolve = Callable[[Path], Any]
"""Gives the value of a dotted path; raises KeyError for one it does not know."""

_LONGEST, _DEEPEST = 2000, 50


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that has been checked; its text is its value."""

    text: str

    def __post_init__(self) -> None:
        _tree(self.text)

    def __str__(self) -> str:
        return self.text

    @property
    def paths(self) -> tuple[Path, ...]:
        """The dotted paths it reads, in order, each once."""
        return tuple(dict.fromkeys(_paths(_tree(self.text))))

    def source(self, write: Callable[[Path], str]) -> str:
        """The same as Python source, with each path as `write` gives it."""
        return ast.unparse(_Written(write).visit(ast.parse(self.text, mode="eval").body))

    def evaluate(self, resolve: Resolve) -> Any:
        """Its value, as Python would give it; ExpressionError names what could not be read or computed."""
        try:
            return _value(_tree(self.text), resolve)
        except ExpressionError as error:
            raise ExpressionError(f"expression {self.text!r}: {error}") from None
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise ExpressionError(
                f"expression {self.text!r} cannot be computed ({problem}): check its values"
            ) from None


def parse_expression(text: str) -> Expression:
    """The checked expression; ExpressionError names the part that is not in the language."""
    if not isinstance(text, str):
        raise ExpressionError(f"expression {text!r} is not text: write it like 'accuracy > 0.9'")
    return Expression(text.strip())


# Reading ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    if not text:
        raise ExpressionError("the expression is empty: write it like 'accuracy > 0.9'")
    if len(text) > _LONGEST:
        raise ExpressionError(f"expression {text[:40]!r}... is longer than {_LONGEST} characters: shorten it")
    try:
        tree = ast.parse(text, mode="eval").body
        _check(tree, text, 0)
    except SyntaxError as error:
        raise ExpressionError(_unreadable(text, error)) from None
    except (ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(
            f"expression {text!r} cannot be read: {error or 'too deeply nested'}; shorten it"
        ) from None
    return tree


def _unreadable(text: str, error: SyntaxError) -> str:
    where = f" at position {error.offset}" if error.offset else ""
    return f"expression {text!r} cannot be read{where} ({error.msg}): write it like 'accuracy > 0.9'"


def _check(node: ast.AST, text: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ExpressionError(f"expression {text!r} is nested more than {_DEEPEST} deep: simplify it")
    reason = _refusal(node)
    if reason:
        part = ast.get_source_segment(text, node) or type(node).__name__
        raise ExpressionError(f"expression {text!r}: {part!r} {reason}")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            _check(child, text, depth + 1)


def _refusal(node: ast.AST) -> str | None:
    """Why this one node is not in the language, or None."""
    kind = type(node)
    if kind not in _VALUES:
        why = _NOT_THERE.get(kind, "is not in the language")
        return f"{why}: use comparisons, and/or/not, arithmetic, in and literals"
    return _CHECKS.get(kind, _accepted)(node)


def _accepted(node: Any) -> str | None:
    return None


def _constant_refusal(node: ast.Constant) -> str | None:
    if node.value is None or isinstance(node.value, (bool, int, float, str)):
        return None
    return f"is a {type(node.value).__name__}: use numbers, text, True, False or None"


def _key_refusal(node: ast.Name | ast.Attribute | ast.Subscript) -> str | None:
    key = _key(node)
    if key is None:
        return 'has no literal key: write it like step["value"] or rows[0]'
    if isinstance(key, str) and key.startswith("__"):
        return "begins with two underscores: no such name can be read"
    return None


def _key(node: ast.Name | ast.Attribute | ast.Subscript) -> str | int | None:
    if isinstance(node, ast.Subscript):
        return _literal_key(node)
    return node.id if isinstance(node, ast.Name) else node.attr


def _operator_refusal(node: ast.BinOp | ast.UnaryOp) -> str | None:
    return None if type(node.op) in _OPERATORS else "uses an operator that is not there: use + - * / // %"


def _compare_refusal(node: ast.Compare) -> str | None:
    for op, left, right in _comparisons(node):
        if isinstance(op, (ast.Is, ast.IsNot)) and not (_is_none(left) or _is_none(right)):
            return "uses 'is' with something else than None: use =="
    return None


def _dict_refusal(node: ast.Dict) -> str | None:
    return "uses **: write its keys out" if None in node.keys else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _comparisons(node: ast.Compare) -> Iterator[tuple[ast.cmpop, ast.expr, ast.expr]]:
    return zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False)


def _literal_key(node: ast.Subscript) -> str | int | None:
    """The literal of `x["key"]`, `x[0]`, `x[-1]`."""
    key, sign = node.slice, 1
    if isinstance(key, ast.UnaryOp) and isinstance(key.op, ast.USub):
        key, sign = key.operand, -1
    if not isinstance(key, ast.Constant) or isinstance(key.value, bool):
        return None
    if isinstance(key.value, int):
        return sign * key.value
    return key.value if isinstance(key.value, str) and sign == 1 else None


# Paths ------------------------------------------------------------------------------------------------


def _path(node: ast.expr) -> Path | None:
    """The dotted path that names, `a.b` and `a["b"]` spell, if the node is nothing but one."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if not isinstance(node, (ast.Attribute, ast.Subscript)):
        return None
    base, key = _path(node.value), _key(node)
    return (*base, key) if base and isinstance(key, str) else None


def _paths(node: ast.expr) -> Iterator[Path]:
    path = _path(node)
    if path:
        yield path
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _paths(child)


class _Written(ast.NodeTransformer):
    """Puts other source in the place of every path."""

    def __init__(self, write: Callable[[Path], str]) -> None:
        self._write = write

    def visit(self, node: ast.AST) -> Any:
        path = _path(node) if isinstance(node, ast.expr) else None
        if path:
            return ast.parse(self._write(path), mode="eval").body
        if isinstance(node, ast.Attribute):
            return ast.Subscript(self.visit(node.value), ast.Constant(node.attr), ast.Load())
        return self.generic_visit(node)


# Values -----------------------------------------------------------------------------------------------


def _value(node: ast.expr, resolve: Resolve) -> Any:
    path = _path(node)
    return _resolved(path, resolve) if path else _VALUES[type(node)](node, resolve)


def _resolved(path: Path, resolve: Resolve) -> Any:
    try:
        return resolve(path)
    except UnknownName as error:
        raise ExpressionError(str(error)) from None
    except LookupError:
        raise ExpressionError(f"there is no {'.'.join(path)!r} here: check the name") from None


def _constant(node: ast.Constant, resolve: Resolve) -> Any:
    return node.value


def _items(node: ast.List | ast.Tuple, resolve: Resolve) -> Any:
    made = [_value(item, resolve) for item in node.elts]
    return made if isinstance(node, ast.List) else tuple(made)


def _dict(node: ast.Dict, resolve: Resolve) -> dict[Any, Any]:
    return {
        _value(key, resolve): _value(value, resolve)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is not None
    }


def _bool(node: ast.BoolOp, resolve: Resolve) -> Any:
    stops_at = isinstance(node.op, ast.Or)
    for part in node.values[:-1]:
        value = _value(part, resolve)
        if bool(value) is stops_at:
            return value
    return _value(node.values[-1], resolve)


def _unary(node: ast.UnaryOp, resolve: Resolve) -> Any:
    return _OPERATORS[type(node.op)](_value(node.operand, resolve))


def _binary(node: ast.BinOp, resolve: Resolve) -> Any:
    left, right = _value(node.left, resolve), _value(node.right, resolve)
    if isinstance(node.op, (ast.Mult, ast.Mod)) and not (_is_number(left) and _is_number(right)):
        sign = "*" if isinstance(node.op, ast.Mult) else "%"
        raise ExpressionError(
            f"{sign} takes numbers only, not {type(left).__name__} and {type(right).__name__}"
        )
    return _OPERATORS[type(node.op)](left, right)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _compare(node: ast.Compare, resolve: Resolve) -> Any:
    left, result = _value(node.left, resolve), True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, resolve)
        result = _OPERATORS[type(op)](left, right)
        if not result:
            break
        left = right
    return result


def _access(node: ast.Attribute | ast.Subscript, resolve: Resolve) -> Any:
    """An item of a value that is no path itself: `rows[0]`, `rows[0].name`."""
    held = _value(node.value, resolve)
    key = _key(node)
    if not isinstance(held, (Mapping, list, tuple, str)):
        raise ExpressionError(
            f"a {type(held).__name__} has no item {key!r}: only mappings, lists and text have items"
        )
    return held[key]  # type: ignore[index]


_VALUES: Mapping[type[ast.AST], Callable[[Any, Resolve], Any]] = {
    ast.Constant: _constant, ast.List: _items, ast.Tuple: _items, ast.Dict: _dict, ast.BoolOp: _bool,
    ast.UnaryOp: _unary, ast.BinOp: _binary, ast.Compare: _compare, ast.Attribute: _access,
    ast.Subscript: _access, ast.Name: _constant,
}  # fmt: skip
_CHECKS: Mapping[type[ast.AST], Callable[[Any], str | None]] = {
    ast.Constant: _constant_refusal, ast.Name: _key_refusal, ast.Attribute: _key_refusal,
    ast.Subscript: _key_refusal, ast.BinOp: _operator_refusal, ast.UnaryOp: _operator_refusal,
    ast.Compare: _compare_refusal, ast.Dict: _dict_refusal,
}  # fmt: skip
_NOT_THERE: Mapping[type[ast.AST], str] = {
    ast.Call: "is a call, which is not allowed",
    ast.Lambda: "is a function, which is not allowed",
    ast.ListComp: "is a comprehension, which is not allowed",
    ast.JoinedStr: "is an f-string, which is not allowed",
    ast.NamedExpr: "is an assignment, which is not allowed",
    ast.IfExp: "is a conditional, which is not allowed",
}
_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.USub: operator.neg, ast.UAdd: operator.pos,
    ast.Not: operator.not_, ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt,
    ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_,
    ast.IsNot: operator.is_not, ast.In: lambda item, held: item in held,
    ast.NotIn: lambda item, held: item not in held,
}  # fmt: skip
