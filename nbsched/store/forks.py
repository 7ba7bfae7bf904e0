"""A process forked from one with an open store leaves the store alone.

SQLite's locks do not survive a fork, and closing an inherited connection would undo what is being written.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Connected(Protocol):
    """Something with connections of its own to one file."""

    path: Path

    def connections(self) -> Iterable[sqlite3.Connection]: ...


Connections = list[sqlite3.Connection]

_connected: weakref.WeakSet[Connected] = weakref.WeakSet()
_at_fork: list[list[tuple[Path, Connections]]] = []
_inherited: set[tuple[int, int]] = set()


def leave_alone_in_forks(owner: Connected) -> None:
    """From now on a forked process never closes the owner's connections, even when it ends."""
    _connected.add(owner)


def is_inherited(path: Path) -> bool:
    """The file was open in the process that this one was forked from."""
    return bool(_inherited) and _identity(path) in _inherited


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remember() -> None:
    _at_fork.append([(owner.path, list(owner.connections())) for owner in tuple(_connected)])


def _forget() -> None:
    _at_fork.pop()


def _leak() -> None:
    import ctypes

    for path, connections in _at_fork.pop():
        identity = _identity(path)
        if identity:
            _inherited.add(identity)
        for connection in connections:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_remember, after_in_parent=_forget, after_in_child=_leak)
