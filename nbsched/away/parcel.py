"""A piece of work on its way to a worker elsewhere: a header that any version can read, and the work, pickled.

The pickle is only read by a worker of the same nbsched and Python; functions lie in it as bytes of their own, so that
what a worker lacks for them can be told in words.
"""

from __future__ import annotations

import json
import linecache
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import nbsched
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Context, Function, Notebook, Shell, Work
from nbsched.core.policy import Policy
from nbsched.executors.chunks import EACH
from nbsched.executors.contract import Assignment
from nbsched.executors.lookup import find
from nbsched.executors.pickling import dumps
from nbsched.executors.prepared import copy_of
from nbsched.executors.valuefiles import Figure, Unread
from nbsched.kernels.preloads import imported_by, is_local

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = f"nbsched {nbsched.__version__} on Python {platform.python_version()}"
Header = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all parcels of one sender."""

    sender: str
    lease_s: float
    mark: Path
    """A file in the folder of runs: who sees it works there, and no file need be sent."""
    files: str | None
    """Folder or URL through which files go otherwise; None: with the messages."""
    limit: int
    """Bytes of all files of one attempt that go with the messages."""
    apart: bool = False
    """The sender's process loads nobody's functions: they travel by name, and workers have to find them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What an engine is given."""

    id: str
    name: str
    data: bytes
    policy: Policy
    ref: str | None
    """Of a function that may travel with others of its own, when it is short."""

    @property
    def needs(self) -> str:
        """The resources that it asks of a worker, as text."""
        return json.dumps(sorted(self.policy.resources.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The assignment as it is sent, without secrets."""

    work: Work
    context: Context
    params: Mapping[str, Any]
    folder: Path
    env: Mapping[str, str]
    policy: Policy
    function: bytes | None
    """When the worker cannot find it by its reference."""
    source: tuple[str, list[str]] | None
    """File and lines of the function, for its tracebacks."""


def pack(assignment: Assignment, id: str, terms: Terms, *, ask: bool = False) -> Parcel:
    """The parcel; with `ask` its worker asks before it begins. OSError or DefinitionError when it cannot be sent."""
    policy, work = assignment.policy, assignment.work
    if isinstance(work, Shell):
        work = replace(work, cwd=os.path.abspath(work.cwd or ""))
    if isinstance(work, Notebook):
        copy_of(work)
    header = {
        "id": id, "name": work.name, "sender": terms.sender, "from": HERE, "version": nbsched.__version__,
        "python": PYTHON, "lease_s": terms.lease_s, "ask": ask or not policy.rerun, "mark": str(terms.mark),
        "files": terms.files, "limit": terms.limit, "timeout_s": policy.timeout and policy.timeout.total_seconds(),
        "secrets": policy.secrets, "enclosed": [str(path) for path in enclosed(assignment)], "needs": needs_of(work),
    }  # fmt: skip
    function, source = (None, None) if terms.apart else _function(work)
    bare = {name: value for name, value in assignment.env.items() if name not in policy.secrets}
    load = Load(
        work=work, context=assignment.context, params=assignment.params, folder=assignment.folder, env=bare,
        policy=policy, function=function, source=source,
    )  # fmt: skip
    return Parcel(
        id=id, name=work.name, policy=policy, ref=bundled(work, policy),
        data=json.dumps(header).encode() + b"\n" + pickle.dumps(load, pickle.HIGHEST_PROTOCOL),
    )  # fmt: skip


def header_of(data: bytes) -> Header:
    """What can be read of a parcel by whoever it has come to."""
    found: Header = json.loads(data[: data.index(b"\n")])
    return found


def load_of(data: bytes) -> Load:
    """The work of a parcel of the same nbsched and Python."""
    found: Load = pickle.loads(memoryview(data)[data.index(b"\n") + 1 :])
    return found


def bundled(work: Work, policy: Policy) -> str | None:
    """The reference of a function of whose runs many may travel together; None for other work."""
    plain = isinstance(work, Function) and work.where == "thread" and policy.timeout is None and policy.rerun
    return reference(work) if plain and isinstance(work, Function) else None


# --- functions ---


def _function(work: Work) -> tuple[bytes | None, tuple[str, list[str]] | None]:
    if not isinstance(work, Function):
        return None, None
    function = find(reference(work))
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if not (reference(work).startswith("__main__:") or _is_own(module)):
        return None, None
    code = getattr(function, "__code__", None)
    source = (code.co_filename, linecache.getlines(code.co_filename)) if code else None
    try:
        with _own_modules_by_value():
            return dumps(function), source
    except Exception as error:
        raise DefinitionError(
            f"{work.name!r} cannot be sent to a worker ({error}): let it make what it needs itself"
        ) from None


def reference(work: Function) -> str:
    """Of the function that a person wrote: of several items in one run it is among the parameters."""
    return str(work.params["ref"]) if work.ref == EACH else work.ref


def with_reference(work: Function, params: Mapping[str, Any], ref: str) -> tuple[Function, Mapping[str, Any]]:
    """The work and its parameters with that function in the place of its own."""
    if work.ref == EACH:
        return replace(work, params={**work.params, "ref": ref}), {**params, "ref": ref}
    return replace(work, ref=ref), params


def _is_own(module: ModuleType | None) -> bool:
    return is_local(getattr(module, "__file__", None) or "") if module else False


@lru_cache(maxsize=1)
def _own_modules(count: int) -> tuple[ModuleType, ...]:
    """The modules of one's own among so many loaded ones: workers do not have them."""
    named = [module for name, module in list(sys.modules.items()) if name != "__main__"]
    return tuple(one for one in named if getattr(one, "__file__", None) and _is_own(one))


@contextmanager
def _own_modules_by_value() -> Iterator[None]:
    from cloudpickle import (
        list_registry_pickle_by_value,
        register_pickle_by_value,
        unregister_pickle_by_value,
    )

    known = list_registry_pickle_by_value()
    new = [module for module in _own_modules(len(sys.modules)) if module.__name__ not in known]
    new = [module for module in new if sys.modules.get(module.__name__) is module]
    for module in new:
        register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in new:
            unregister_pickle_by_value(module)


# --- what the worker must have ---


def needs_of(work: Work) -> Mapping[str, Any]:
    """The kernel and the installed packages that the work's cells import, as far as they are known here."""
    if isinstance(work, Notebook):
        from nbsched.core import sources
        from nbsched.kernels.journal import parse_notebook

        notebook = parse_notebook(Path(work.path).read_text("utf-8"), work.path)
        cells = map(sources.source_text, sources.code_cells(notebook))
        return {
            "kernel": work.kernel or sources.kernel_name(notebook),
            "packages": _packages(imported_by(cells)),
        }
    if isinstance(work, Cell):
        return {"packages": _packages(imported_by([work.source]))}
    return {}


def _packages(modules: tuple[str, ...]) -> list[str]:
    return sorted({module.partition(".")[0] for module in modules})


# --- files ---


def enclosed(assignment: Assignment) -> list[Path]:
    """The files that the work reads of others, and its notebook."""
    work = assignment.work
    own = [Path(work.path)] if isinstance(work, Notebook) else []
    args = work.args if isinstance(work, Function) else ()
    found = [*own, *_files([assignment.params, args], assignment.folder.parent.parent)]
    return list(dict.fromkeys(found))


def _files(value: Any, runs: Path) -> Iterator[Path]:
    if isinstance(value, (Unread, Figure)):
        yield value.path
    elif isinstance(value, Path) and value.is_relative_to(runs):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _files(part, runs)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _files(part, runs)


def moved(value: Any, place: Callable[[Path], Path]) -> Any:
    """The value with every file of it where `place` says."""
    if isinstance(value, (Unread, Figure)):
        return replace(value, path=place(value.path))
    if isinstance(value, Path):
        return place(value)
    if isinstance(value, Mapping):
        return {name: moved(part, place) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(moved(part, place) for part in value)
    return value
