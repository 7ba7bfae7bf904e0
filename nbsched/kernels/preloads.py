"""Which libraries are imported ahead: installed ones that notebooks import first thing, and those one asks for."""

from __future__ import annotations

import importlib.util
import os
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from nbsched.core import syntax

_OURS = Path(__file__).parent.parent
_INSTALLED = frozenset({"site-packages", "dist-packages"})
VARIABLE = "NBSCHED_PRELOAD"
"""Names of modules with commas between them, imported ahead for all kernels."""


def asked_for() -> tuple[str, ...]:
    """The modules that the environment asks for."""
    names = (name.strip() for name in os.environ.get(VARIABLE, "").split(","))
    return tuple(name for name in names if name)


def imported_by(sources: Iterable[str]) -> tuple[str, ...]:
    """The installed modules that these cells import outside of any block, in their order."""
    trees = (tree for source in sources if (tree := syntax.parsed(source)) is not None)
    names = (name for tree in trees for name in syntax.top_imports(tree))
    return tuple(dict.fromkeys(name for name in names if _installed(name.partition(".")[0])))


@lru_cache(maxsize=1024)
def _installed(package: str) -> bool:
    """Whether the package lies in a folder of installed ones, as an editable one does not."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    return any(map(is_installed, places))


def is_installed(path: str) -> bool:
    """Whether the file or folder belongs to an installed package."""
    return not _INSTALLED.isdisjoint(Path(path).parts)


@lru_cache(maxsize=8192)
def is_local(file: str) -> bool:
    """Whether the file is a person's own: neither installed, nor Python's, nor ours."""
    path = Path(file)
    standard = path.is_relative_to(sysconfig.get_path("stdlib"))
    return not (is_installed(file) or standard or path.is_relative_to(_OURS))
