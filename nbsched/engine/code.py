"""The code that a work consists of, as far as it can be told without running it."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from nbsched.core import sources, syntax
from nbsched.core.declared import Parameter, declared_parameters
from nbsched.core.errors import ValueNotStorable
from nbsched.core.fingerprints import value_part
from nbsched.core.model import Cell, Function, Notebook, Shell, Work
from nbsched.engine.files import READING, version
from nbsched.engine.loaded import code_mark
from nbsched.engine.modules import local_modules
from nbsched.executors.chunks import EACH
from nbsched.executors.lookup import find
from nbsched.kernels.preloads import is_local


@dataclass(slots=True)
class Code:
    """What the work says, and what it draws on."""

    source: dict[str, Any]
    parts: dict[str, Any] = field(default_factory=dict)
    """Local modules, and the values of this process's names that a function reads."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """What parameters are that nobody gives."""


def code_of(work: Work, given: Collection[str] = ()) -> Code:
    """The work's code; `given` are the names of the parameters it gets. OSError when its file is gone."""
    with READING:
        return _code_of(work, given)


def _code_of(work: Work, given: Collection[str]) -> Code:
    if isinstance(work, Notebook):
        return _of_notebook(work, given)
    if isinstance(work, Function):
        return _of_function(str(work.params["ref"]) if work.ref == EACH else work.ref, work.name)
    if isinstance(work, Cell):
        marked = {"name": work.name, "hash": syntax.code_mark(work.source)}
        return Code(marked, _modules([work.source], _home(work)))
    assert isinstance(work, Shell)
    return Code({"name": work.name, "hash": syntax.mark(work.command)})


def _home(work: Cell) -> Path:
    notebook = Path(work.notebook or "")
    return notebook.parent if notebook.is_file() else Path.cwd()


def _modules(cells: Collection[str], folder: Path) -> dict[str, Any]:
    trees = [tree for cell in cells if (tree := syntax.parsed(cell)) is not None]
    return dict(local_modules([one for tree in trees for one in syntax.imports(tree)], folder))


# --- notebooks ---


def notebook_mark(path: str) -> str:
    """What the notebook's code cells say, parameters' defaults too; OSError or ValueError when it cannot be read.

    An output of it has the same mark.
    """
    with READING:
        facts = version(path)
        cells, _, python = _read(path, facts["size"], facts["mtime_ns"])
        marks = [_cell_mark(text, (), python) for text, _ in cells if text.strip()]
    return syntax.mark("\n".join(marks))


def _of_notebook(work: Notebook, given: Collection[str]) -> Code:
    path, facts = Path(work.path), version(work.path)
    cells, parameters, python = _read(work.path, facts["size"], facts["mtime_ns"])
    defaults = {one.name: one.default for one in (parameters or {}).values() if one.default is not None}
    apart = {*defaults, *given}
    marks = [_cell_mark(text, apart if declares else (), python) for text, declares in cells]
    source = {**facts, "name": path.name, "cells": marks, "hash": syntax.mark("\n".join(marks))}
    folder = path.parent / work.cwd if work.cwd else path.parent
    return Code(source, _modules([text for text, _ in cells], folder) if python else {}, defaults)


@lru_cache(maxsize=256)
def _read(
    path: str, size: int, mtime_ns: int
) -> tuple[list[tuple[str, bool]], Mapping[str, Parameter] | None, bool]:
    """The sources of the code cells, each with whether it declares the parameters; these; whether it is Python."""
    notebook = json.loads(Path(path).read_text("utf-8"))
    cells = [
        (_own_text(cell), sources.tagged(cell, sources.PARAMETERS_TAG))
        for cell in sources.code_cells(notebook)
    ]
    python = sources.language(notebook) in ("python", "ipython")
    return cells, declared_parameters(notebook), python


def _own_text(cell: Mapping[str, Any]) -> str:
    return "" if sources.tagged(cell, sources.INJECTED_TAG) else sources.source_text(cell)


def _cell_mark(text: str, apart: Collection[str], python: bool) -> str:
    tree = syntax.parsed(text) if python else None
    return syntax.text_mark(text) if tree is None else syntax.tree_mark(syntax.without_values_of(tree, apart))


# --- functions ---


def _of_function(ref: str, name: str) -> Code:
    place, _, called = ref.rpartition(":")
    if place == "__main__":
        return _of_live(find(ref), name)
    file, package, root = _file_of(place)
    if file is None or not is_local(file):
        return Code({"name": name, "hash": syntax.mark(ref)})
    found = _resting(version(file), called.partition(".")[0])
    if found is None:
        return Code({"name": name, "hash": syntax.mark(ref)})
    return Code(
        {**version(file), "name": name, "hash": syntax.tree_mark(found)},
        dict(local_modules(syntax.imports(found), root, package)),
    )


def _file_of(place: str) -> tuple[str | None, tuple[str, ...], Path]:
    """The module's file, its package, and the folder that imports are looked up from."""
    if place.endswith(".py"):
        return place, (), Path(place).parent
    spec = _spec_of(place)
    file = spec.origin if spec and spec.has_location else None
    if spec is None or file is None:
        return None, (), Path()
    names = tuple(place.split("."))
    package = names if spec.submodule_search_locations else names[:-1]
    return file, package, Path(file).parents[len(package)]


def _spec_of(module: str) -> ModuleSpec | None:
    """How the module is found, without running the packages that it is in."""
    found, path, name = None, None, ""
    for part in module.split("."):
        name = f"{name}.{part}".removeprefix(".")
        found = sys.modules[name].__spec__ if name in sys.modules else _found_by_finders(name, path)
        if found is None:
            return None
        path = found.submodule_search_locations
    return found


def _found_by_finders(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    finders = (find_spec for finder in sys.meta_path if (find_spec := getattr(finder, "find_spec", None)))
    return next((found for find_spec in finders if (found := find_spec(name, path))), None)


def _resting(file: Mapping[str, Any], name: str) -> ast.Module | None:
    return _read_function(file["path"], file["size"], file["mtime_ns"], name)


@lru_cache(maxsize=256)
def _read_function(path: str, size: int, mtime_ns: int, name: str) -> ast.Module | None:
    tree = syntax.parsed(Path(path).read_text("utf-8", errors="replace"))
    return None if tree is None else syntax.resting_on(tree, name)


# --- functions that only this process has ---


def _of_live(function: Callable[..., Any], name: str) -> Code:
    """The function and those it calls of the same notebook or program, with the values that they read."""
    program = getattr(function, "__globals__", {}).get("__file__")
    top = getattr(function, "__qualname__", "").partition(".")[0]
    if program and (found := _resting(version(program), top)) is not None:
        modules = local_modules(syntax.imports(found), Path(program).parent)
        return Code({"name": name, "hash": syntax.tree_mark(found)}, dict(modules))
    return _Reach(function).code(name)


class _Reach:
    """What a function of a notebook leads to."""

    def __init__(self, function: Any) -> None:
        self._marks: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._imports: list[syntax.Import] = []
        self._left = [function]
        while self._left:
            self._take(self._left.pop())

    def code(self, name: str) -> Code:
        marks = "\n".join(f"{called} {self._marks[called]}" for called in sorted(self._marks))
        modules = local_modules(self._imports, Path.cwd())
        return Code({"name": name, "hash": syntax.mark(marks)}, {**self._values, **modules})

    def _take(self, found: Any) -> None:
        called = getattr(found, "__qualname__", type(found).__qualname__)
        if called in self._marks:
            return
        tree = _own_tree(found)
        self._marks[called] = _code_mark(found) if tree is None else syntax.tree_mark(tree)
        reads = syntax.names_read(tree) if tree is not None else _global_names(found)
        self._imports += syntax.imports(tree) if tree is not None else ()
        names = {**getattr(found, "__globals__", {}), **_closure(found)}
        for name in sorted(reads & names.keys()):
            self._read(name, names[name])

    def _read(self, name: str, value: Any) -> None:
        value = getattr(value, "__wrapped__", value)
        if isinstance(value, ModuleType):
            self._imports.append((0, value.__name__))
        elif callable(value) and getattr(value, "__module__", None) == "__main__":
            self._left.append(value)
        elif callable(value) and getattr(value, "__module__", None):
            self._imports.append((0, value.__module__))
        else:
            self._values[f"global {name}"] = _global_part(name, value)


def _own_tree(found: Any) -> ast.Module | None:
    try:
        tree = syntax.parsed(inspect.cleandoc("\n" + inspect.getsource(found)))
    except (OSError, TypeError):
        return None
    if tree is not None:
        for one in tree.body:
            syntax.undecorated(one)
    return tree


def _closure(found: Any) -> dict[str, Any]:
    code: CodeType | None = getattr(found, "__code__", None)
    cells = getattr(found, "__closure__", None) or ()
    return {name: _held(cell) for name, cell in zip(code.co_freevars if code else (), cells, strict=False)}


def _held(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has no value yet
        return None


def _global_names(found: Any) -> set[str]:
    return {name for code in _codes(found) for name in (*code.co_names, *code.co_freevars)}


def _codes(found: Any) -> Iterator[CodeType]:
    parts = vars(found).values() if isinstance(found, type) else [found]
    left = [code for part in parts if isinstance(code := getattr(part, "__code__", None), CodeType)]
    while left:
        yield (code := left.pop())
        left += [one for one in code.co_consts if isinstance(one, CodeType)]


def _code_mark(found: Any) -> str:
    """The mark of a function whose text is not to be had."""
    return syntax.mark("\n".join(sorted(map(code_mark, _codes(found)))))


def _global_part(name: str, value: Any) -> str:
    """The value where it is plain; of other things only what kind they are is known."""
    try:
        return value_part(value, name)
    except ValueNotStorable:
        return value_part(f"a {type(value).__name__}")
