"""Modules of one's own: those beside the work or in its project, which nobody installed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbsched.core import syntax
from nbsched.core.syntax import Import
from nbsched.engine.files import version
from nbsched.kernels.preloads import is_local

_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", ".git")

Package = tuple[str, ...]


def roots(folder: Path) -> list[Path]:
    """Where modules of one's own are looked for: the folder, its project and that one's `src`."""
    above = (at for at in (folder, *folder.parents) if any((at / name).exists() for name in _PROJECT))
    project = next(above, folder)
    return list(dict.fromkeys((folder, project, project / "src")))


def local_modules(wanted: Iterable[Import], folder: Path, package: Package = ()) -> dict[str, dict[str, Any]]:
    """The parts of all modules that these imports lead to, also by the modules themselves."""
    places = roots(folder)
    found: dict[str, dict[str, Any]] = {}
    left = [(package, one) for one in wanted]
    seen = set(left)
    while left:
        within, (dots, name) = left.pop()
        for file, inner in _files(_absolute(within, dots, name), places):
            part = f"module {os.path.relpath(file, places[0])}"
            if part in found:
                continue
            facts = version(file)
            marked, imported = _read(file, facts["size"], facts["mtime_ns"])
            found[part] = {**facts, "hash": marked}
            new = [(inner, one) for one in imported if (inner, one) not in seen]
            seen.update(new)
            left += new
    return found


def _absolute(package: Package, dots: int, name: str) -> Package:
    own = tuple(name.split(".")) if name else ()
    return own if not dots else (*package[: len(package) - dots + 1], *own)


def _files(name: Package, places: Iterable[Path]) -> list[tuple[str, Package]]:
    """The files that importing the module runs, each with the package it belongs to; none if it is not ours."""
    if not name or not all(name):
        return []
    for place in places:
        found: list[tuple[str, Package]] = []
        for depth in range(1, len(name) + 1):
            at = place.joinpath(*name[:depth])
            if (init := at / "__init__.py").is_file():
                found.append((str(init), name[:depth]))
            elif (module := at.with_name(at.name + ".py")).is_file():
                found.append((str(module), name[: depth - 1]))
                break
        if found and all(is_local(file) for file, _ in found):
            return found
    return []


@lru_cache(maxsize=1024)
def _read(file: str, size: int, mtime_ns: int) -> tuple[str, tuple[Import, ...]]:
    source = Path(file).read_text("utf-8", errors="replace")
    tree = syntax.parsed(source)
    if tree is None:
        return syntax.text_mark(source), ()
    return syntax.tree_mark(tree), tuple(syntax.imports(tree))


def mark_of(file: str) -> str:
    """The mark of the module's code as its file is now."""
    facts = version(file)
    return _read(file, facts["size"], facts["mtime_ns"])[0]
