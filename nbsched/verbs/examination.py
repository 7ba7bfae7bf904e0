"""What `doctor` looks at: each thing with whether it is well, and what to do if not."""

from __future__ import annotations

import importlib.util
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from nbsched.core import sources
from nbsched.core.errors import UsageError
from nbsched.kernels import preloads, wanted
from nbsched.kernels.forks import own_forks
from nbsched.kernels.group import child_environment
from nbsched.verbs import settings

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls


class Finding(TypedDict):
    """One thing looked at."""

    what: str
    ok: bool
    found: str


def examine(rt: Calls, notebook: str | None = None) -> list[Finding]:
    """Everything that was looked at, in the order a person would; of the kernels only the notebook's, if one is named.

    UsageError when there is no such notebook.
    """
    kernels = _kernels() if notebook is None else _kernel_of(read(notebook))
    return [*_software(), *_store(rt), _hosts(rt), *settings_found(), *_ways(), *kernels, *_unfit()]


def _software() -> Iterator[Finding]:
    yield Finding(
        what="python",
        ok=sys.version_info >= (3, 11),
        found=f"{platform.python_version()} on {platform.system()}",
    )
    for name in ("nbsched", "ipykernel", "papermill", "anywidget"):
        yield package(name, needed=True)
    yield package("jupyterlab", needed=False)


def package(name: str, *, needed: bool, remedy: str = "") -> Finding:
    """Whether it is installed, and in which version."""
    try:
        return Finding(what=name, ok=True, found=version(name))
    except PackageNotFoundError:
        missing = (
            f"not installed: {remedy or f'pip install {name}'}"
            if needed
            else "not installed: only needed for the Lab panel"
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


def settings_found() -> Iterator[Finding]:
    """What the settings here are."""
    try:
        for what, found in settings.shown():
            yield Finding(what=what, ok=True, found=found)
    except UsageError as error:
        yield Finding(what="settings", ok=False, found=str(error))


# --- how kernels come to be ---


def _ways() -> Iterator[Finding]:
    if said := os.environ.get(wanted.VARIABLE):
        yield _way_wanted(said)
    if asked := preloads.asked_for():
        missing = ", ".join(name for name in asked if not _is_there(name))
        remedy = f"; not installed: {missing} (install it, or leave it out)" if missing else ""
        yield Finding(what=preloads.VARIABLE, ok=not missing, found=", ".join(asked) + remedy)


def _way_wanted(said: str) -> Finding:
    try:
        wanted.way_of("auto")
    except UsageError as error:
        return Finding(what=wanted.VARIABLE, ok=False, found=str(error))
    return Finding(what=wanted.VARIABLE, ok=True, found=said)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _kernels() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager

    for name in sorted(KernelSpecManager().find_kernel_specs()):
        yield _way_of(name)[0]


def _kernel_of(notebook: Mapping[str, Any]) -> Iterator[Finding]:
    finding, way = _way_of(sources.kernel_name(notebook))
    yield finding
    if way is not None:
        yield Finding(what="imported ahead", ok=True, found=_imported_ahead(notebook, way))


def read(path: str) -> Mapping[str, Any]:
    """The notebook there; UsageError when there is none."""
    from nbsched.kernels.journal import parse_notebook

    try:
        text = Path(path).expanduser().read_text("utf-8", errors="replace")
    except OSError as error:
        reason = error.strerror
        raise UsageError(f"notebook {path!r} cannot be read: {reason}; check the path") from None
    return parse_notebook(text, path)


def _way_of(kernel: str) -> tuple[Finding, wanted.Way | None]:
    """Which way the kernel comes to be, and why no sooner one; None when it cannot."""
    from nbsched.kernels.launch import Launch
    from nbsched.kernels.ways import choose

    what = f"kernel {kernel}"
    try:
        choice = choose(Launch(kernel=kernel, cwd=Path.cwd(), env=child_environment()))
    except UsageError as error:
        return Finding(what=what, ok=False, found=str(error)), None
    except Exception as error:
        unread = f"its kernelspec cannot be read ({error}): install it again, or remove it"
        return Finding(what=what, ok=False, found=unread), None
    found = f"{choice.way}: {choice.why}" if choice.why else choice.way
    return Finding(what=what, ok=True, found=found), choice.way


def _imported_ahead(notebook: Mapping[str, Any], way: wanted.Way) -> str:
    if way != "fork":
        return "nothing: that is for kernels that are forked"
    modules = preloads.imported_by(map(sources.source_text, sources.code_cells(notebook)))
    fit = [name for name in modules if own_forks().is_fit(name)]
    return ", ".join(fit) or "nothing but what every kernel needs"


def _unfit() -> Iterator[Finding]:
    """Of this process: another one has not tried the same modules."""
    for module, why in own_forks().unfit.items():
        yield Finding(what=f"import {module}", ok=True, found=f"by each notebook itself, not ahead: {why}")
