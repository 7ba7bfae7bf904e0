"""Functions that were typed into a notebook or a program: their source, with what it needs to stand alone."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbsched.core.errors import DefinitionError
from nbsched.core.work import FunctionTask
from nbsched.executors.lookup import FunctionGone, find

_REMEDY = "move it to a module or a file, and import it from there"


class Definitions:
    """The source of functions, each with the imports, constants and functions that it reads."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.blocks: list[str] = []
        self.names: dict[str, Any] = {}
        """What the names stand for that the imports and blocks define."""

    def add(self, ref: str, owner: str) -> str:
        """The name under which the function of the reference is defined; DefinitionError when it cannot be."""
        try:
            function = find(ref)
        except FunctionGone as error:
            raise DefinitionError(f"{owner!r} cannot be exported: {error}") from None
        if not isinstance(function, FunctionType):
            raise DefinitionError(f"{owner!r} runs {function!r}, which has no source of its own: {_REMEDY}")
        return self._define(function)

    def _define(self, function: Any) -> str:
        name = str(function.__name__)
        if self._is_there(name, function):
            return name
        tree, source = _parsed(function)
        self.names[name] = function
        for read in _read_names(tree, function):
            self._provide(read, getattr(function, "__globals__", _module_of(function))[read], name)
        self.blocks.append(source)
        return name

    def _is_there(self, name: str, value: Any) -> bool:
        if name not in self.names:
            return False
        if self.names[name] is value:
            return True
        raise DefinitionError(f"two different things are called {name!r}: rename one of them")

    def _provide(self, name: str, value: Any, reader: str) -> None:
        """The name means the value; DefinitionError when that takes more than source."""
        value = value.__wrapped__ if isinstance(value, FunctionTask) else value
        if self._is_there(name, value):
            return
        line = _import_of(name, value)
        if line:
            self.names[name] = value
            self.imports[line] = None
        elif isinstance(value, (FunctionType, type)) and value.__name__ == name:
            self._define(value)
        elif _is_literal(value):
            self.names[name] = value
            self.blocks.append(f"{name} = {value!r}\n")
        else:
            kind = type(value).__name__
            raise DefinitionError(
                f"the function {reader!r} reads {name!r}, a {kind} whose source is not known: "
                f"make it an argument, or {_REMEDY}"
            )


def _parsed(function: Any) -> tuple[ast.stmt, str]:
    """Its definition, and the source of that without the decorator that made a task of it."""
    name = function.__name__
    if isinstance(function, FunctionType) and function.__closure__:
        inner = " and ".join(map(repr, function.__code__.co_freevars))
        raise DefinitionError(f"the function {name!r} takes {inner} from the function around it: {_REMEDY}")
    try:
        source = textwrap.dedent(inspect.getsource(function))
        (tree,) = ast.parse(source).body
    except (OSError, TypeError, SyntaxError, ValueError):
        raise DefinitionError(f"the source of the function {name!r} is not to be had: {_REMEDY}") from None
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        raise DefinitionError(f"the function {name!r} has no definition of its own: {_REMEDY}")
    return tree, _without_task(tree, source, function)


def _without_task(tree: Any, source: str, function: Any) -> str:
    ours = [one for one in tree.decorator_list if _makes_a_task(one, function)]
    if not ours:
        return source
    tree.decorator_list = [one for one in tree.decorator_list if one not in ours]
    lines = source.splitlines(keepends=True)
    gone = {at for one in ours for at in range(one.lineno - 1, one.end_lineno or one.lineno)}
    return "".join(line for at, line in enumerate(lines) if at not in gone)


def _makes_a_task(decorator: ast.expr, function: Any) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    names = ast.unparse(called).split(".")
    return names[-1] == "task" and _belongs_to_us(getattr(function, "__globals__", {}).get(names[0]))


def _belongs_to_us(value: Any) -> bool:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(name).partition(".")[0] == "nbsched"


def _read_names(tree: ast.AST, function: Any) -> Iterator[str]:
    """The names of its module that it reads, each once."""
    known = getattr(function, "__globals__", None) or _module_of(function)
    code = getattr(function, "__code__", None)
    local = set(code.co_varnames) if isinstance(code, CodeType) else set()
    read = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    yield from dict.fromkeys(name for name in read if name in known and name not in local)


def _module_of(thing: Any) -> dict[str, Any]:
    return vars(sys.modules[thing.__module__])


def _import_of(name: str, value: Any) -> str | None:
    """The line that imports the value under the name; None when no module holds it."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}")
    module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not isinstance(module, str) or module == "__main__" or not isinstance(own, str):
        return None
    holder = sys.modules.get(module)
    if holder is None or getattr(holder, "__spec__", None) is None or getattr(holder, own, None) is not value:
        return None
    return f"from {module} import {own}" + ("" if own == name else f" as {name}")


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
