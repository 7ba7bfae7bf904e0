"""How a function is found again: by module, by file, or in this process's own register."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from nbsched.core import ports
from nbsched.core.errors import DefinitionError

FILE_MARK = "__nbsched_file__"
"""Attribute of a module that was loaded from a file by `load_file`: the file's absolute path."""

_lock = threading.RLock()
_registered: dict[str, Any] = {}
_refs: dict[int, str] = {}
_sent = itertools.count()
_files: dict[str, tuple[tuple[int, int], ModuleType]] = {}


class FunctionGone(DefinitionError):
    """The function belongs to a process that is not this one."""


def reference_of(function: Callable[..., Any]) -> str:
    """`module:name` or `/file.py:name` when that leads back to this function, else one for this process."""
    name = getattr(function, "__qualname__", None)
    if isinstance(name, str) and "<" not in name:
        file = getattr(function, "__globals__", {}).get(FILE_MARK)
        if file and _leads_to(function, function.__globals__, name):
            return f"{file}:{name}"
        module = getattr(function, "__module__", None)
        if module and _importable(module) and _leads_to(function, vars(sys.modules[module]), name):
            return f"{module}:{name}"
    return register(function)


def register(function: Callable[..., Any]) -> str:
    """A reference that this process alone can follow; the same for the same function."""
    with _lock:
        ref = _refs.get(id(function))
        if ref is None:
            stem = getattr(function, "__qualname__", None) or type(function).__qualname__
            number = sum(known.startswith(f"__main__:{stem}#") for known in _registered) + 1
            ref = _refs[id(function)] = f"__main__:{stem}#{number}"
            _registered[ref] = function
        return ref


@contextmanager
def registered(function: Callable[..., Any]) -> Iterator[str]:
    """A reference that leads to this function inside the block."""
    ref = f"__main__:{getattr(function, '__qualname__', 'function')}#sent{next(_sent)}"
    with _lock:
        _registered[ref] = function
    try:
        yield ref
    finally:
        with _lock:
            del _registered[ref]


_read_only: ContextVar[bool] = ContextVar("nbsched_read_only", default=False)


def is_only_read() -> bool:
    """A file is being read for what it defines, or a run of ours executes it: what it says is not to be scheduled."""
    return _read_only.get() or "NBSCHED_RUN" in os.environ


@contextmanager
def _reading() -> Iterator[None]:
    token = _read_only.set(True)
    try:
        yield
    finally:
        _read_only.reset(token)


def find(ref: str) -> Callable[..., Any]:
    """The function; FunctionGone when it is another process's, DefinitionError when the name is gone."""
    place, _, name = ref.rpartition(":")
    if place == "__main__":
        return _find_registered(ref, name)
    with _reading():
        module = load_file(Path(place)) if os.path.isabs(place) else importlib.import_module(place)
    try:
        return cast("Callable[..., Any]", _plain(functools.reduce(getattr, name.split("."), module)))
    except AttributeError:
        raise DefinitionError(
            f"there is no {name!r} in {place}: it was renamed or removed since it was scheduled; "
            "give it its name back, or schedule it again"
        ) from None


def named(ref: str) -> Callable[..., Any]:
    """The function of a `module:name` or `file.py:name` that a person wrote; DefinitionError when there is none."""
    place, _, name = ref.rpartition(":")
    if not place or not name:
        raise DefinitionError(f"{ref!r} names no function: write 'module:name' or 'file.py:name'")
    if place.endswith(".py") and not os.path.isabs(place):
        place = ports.surroundings().existing(place)
    try:
        return find(f"{place}:{name}")
    except ImportError as error:
        raise DefinitionError(f"{ref!r} cannot be found: {error}; check the module's name") from None


def _find_registered(ref: str, name: str) -> Callable[..., Any]:
    try:
        return cast("Callable[..., Any]", _plain(_registered[ref]))
    except KeyError:
        raise FunctionGone(
            f"the function {name.partition('#')[0]!r} was defined in a notebook or program that is not this "
            "process: run that again, or move the function to a module"
        ) from None


def load_file(path: Path) -> ModuleType:
    """The module that the file makes, run once for each version of the file; what it raises is raised.

    As for a program, modules beside the file can be imported.
    """
    file = os.path.abspath(path)
    with _lock:
        try:
            facts = os.stat(file)
        except OSError as error:
            raise DefinitionError(f"the file {file} cannot be read ({error.strerror}): put it back") from None
        version = (facts.st_mtime_ns, facts.st_size)
        known = _files.get(file)
        if known is None or known[0] != version:
            with _reading():
                known = _files[file] = (version, _execute(file))
        return known[1]


def _execute(file: str) -> ModuleType:
    name = f"{Path(file).stem}_{hashlib.sha256(file.encode()).hexdigest()[:8]}"
    module = ModuleType(name)
    module.__file__ = file
    setattr(module, FILE_MARK, file)
    folder = os.path.dirname(file)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    code = compile(Path(file).read_bytes(), file, "exec")
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        exec(code, vars(module))
    except BaseException:
        _put_back(name, before)
        raise
    return module


def _put_back(name: str, module: ModuleType | None) -> None:
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module


def _importable(module: str) -> bool:
    if module == "__main__" or module not in sys.modules:
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _leads_to(function: Any, names: dict[str, Any], qualname: str) -> bool:
    first, *rest = qualname.split(".")
    try:
        found = functools.reduce(getattr, rest, names[first])
    except (KeyError, AttributeError):
        return False
    return _plain(found) is _plain(function)


def _plain(found: Any) -> Any:
    """The function behind a task: what `nb.task` made of it wraps it."""
    if type(found).__module__.startswith("nbsched."):
        return getattr(found, "__wrapped__", found)
    return found
