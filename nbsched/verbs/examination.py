"""What `doctor` looks at: each thing with whether it is well, and what to do if not."""

from __future__ import annotations

import importlib.util
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls


class Finding(TypedDict):
    """One thing looked at."""

    what: str
    ok: bool
    found: str


def examine(rt: Calls) -> list[Finding]:
    """Everything that was looked at, in the order a person would."""
    return [*_software(), *_store(rt), _hosts(rt)]


def _software() -> Iterator[Finding]:
    yield Finding(
        what="python",
        ok=sys.version_info >= (3, 11),
        found=f"{platform.python_version()} on {platform.system()}",
    )
    for name in ("nbsched", "ipykernel", "papermill", "anywidget"):
        yield _package(name, needed=True)
    yield _package("jupyterlab", needed=False)


def _package(name: str, *, needed: bool) -> Finding:
    try:
        return Finding(what=name, ok=True, found=version(name))
    except PackageNotFoundError:
        missing = (
            f"not installed: pip install {name}" if needed else "not installed: only needed for the Lab panel"
        )
        return Finding(what=name, ok=not needed or importlib.util.find_spec(name) is not None, found=missing)


def _store(rt: Calls) -> Iterator[Finding]:
    from nbsched.store import health

    path = rt.store_path
    size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*") if file.is_file())
    yield Finding(what="store", ok=os.access(path, os.R_OK | os.W_OK), found=f"{path}, {size:,} bytes")
    private = not path.stat().st_mode & 0o077
    privacy = "readable by its owner only" if private else f"others may read it: chmod 600 {path}"
    yield Finding(what="privacy", ok=private, found=privacy)
    journal, sound = rt.database.read(health.journal_mode), rt.database.read(health.soundness)
    yield Finding(what="journal", ok=journal == "wal", found=f"{journal}, SQLite {sqlite3.sqlite_version}")
    yield Finding(what="soundness", ok=sound == "ok", found=sound)


def _hosts(rt: Calls) -> Finding:
    lasting = [host for host in rt.hosts() if host.kind in ("daemon", "server")]
    names = ", ".join(f"{host.kind} {host.pid}" for host in lasting)
    alone = (
        "no daemon or server lives: schedules fire while a kernel does (start `nbsched serve` for the rest)"
    )
    return Finding(what="hosts", ok=True, found=names or alone)
