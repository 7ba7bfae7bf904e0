"""Modules that this process has loaded, beside their files as they are now."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbsched.core import syntax
from nbsched.engine.files import READING, version
from nbsched.executors.lookup import FILE_MARK

_MISSING = object()


def outdated(files: Collection[str]) -> str | None:
    """The first of these files that was edited after this process had loaded its module, which it still uses.

    Files that functions are found in are loaded again for each version.
    """
    modules = [
        module for module in list(sys.modules.values()) if FILE_MARK not in getattr(module, "__dict__", {})
    ]
    found = {getattr(module, "__file__", None): module for module in modules}
    with READING:
        return next((file for file in files if file in found and not _is_as_written(found[file], file)), None)


def _is_as_written(module: ModuleType, file: str) -> bool:
    facts, held = version(file), vars(module)
    written, constants = _written(file, facts["size"], facts["mtime_ns"])
    return all(
        code_mark(live.__code__) == code_mark(written[name])
        for name, live in _live_functions(held, module.__name__)
        if name in written
    ) and all(_same(held.get(name, _MISSING), value) for name, value in constants)


@lru_cache(maxsize=256)
def _written(file: str, size: int, mtime_ns: int) -> tuple[dict[str, CodeType], list[tuple[str, Any]]]:
    """The functions and the plain values of the module as the file has it; nothing where that is no Python."""
    tree = syntax.parsed(Path(file).read_text("utf-8", errors="replace"))
    if tree is None:
        return {}, []
    return dict(_functions(compile(tree, file, "exec"))), list(_constants(tree))


def _functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The functions of the module and of its classes, by their qualified names."""
    for one in code.co_consts:
        if isinstance(one, CodeType) and "<" not in one.co_qualname:
            yield one.co_qualname, one
            yield from _functions(one)


def _live_functions(held: dict[str, Any], module: str) -> Iterator[tuple[str, FunctionType]]:
    for value in held.values():
        parts = vars(value).values() if isinstance(value, type) else (value,)
        for part in parts:
            found = getattr(part, "__wrapped__", part)
            if isinstance(found, FunctionType) and found.__module__ == module:
                yield found.__qualname__, found


def code_mark(code: CodeType) -> str:
    """The mark of what the compiled function does, wherever it stands."""
    inner = [code_mark(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return syntax.mark(repr((code.co_name, code.co_code, code.co_names, code.co_varnames, inner)))


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """The plain values that the module gives names to, once and for all."""
    bound = [name for statement in tree.body for name in syntax.bound_names(statement)]
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            for target in statement.targets:
                if isinstance(target, ast.Name) and bound.count(target.id) == 1:
                    yield target.id, statement.value.value


def _same(held: Any, written: Any) -> bool:
    return held is not _MISSING and (type(held) is not type(written) or held == written)
