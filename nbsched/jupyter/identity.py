"""Which notebook a kernel belongs to, and which of its cells is running."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbsched.kernels.selfclient import own_connection_file

_ASK_S = 1.0


@dataclass(frozen=True, slots=True)
class NotebookIdentity:
    """A notebook as schedules remember it: `key` is its path, or names the kernel where nobody tells the path."""

    key: str

    @property
    def name(self) -> str:
        """What its unnamed cells are named after."""
        return Path(self.key).stem if os.path.isabs(self.key) else "cell"


def notebook(shell: Any) -> NotebookIdentity:
    """The notebook of this kernel: by its server, by VS Code, by what it was called when the kernel started."""
    kernel = _kernel_id()
    path = _told_by_server(kernel, getattr(shell, "execution_count", 0)) if kernel else None
    path = path or shell.user_ns.get("__vsc_ipynb_file__") or _told_at_start()
    return NotebookIdentity(os.path.realpath(path) if path else f"kernel:{kernel or os.getpid()}")


def cell_id(shell: Any) -> str | None:
    """The id of the running cell, where the front end tells it."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    found = (parent or {}).get("metadata", {}).get("cellId")
    return str(found) if found else None


def _kernel_id() -> str | None:
    file = own_connection_file()
    return Path(file).stem.removeprefix("kernel-") if file else None


def _told_at_start() -> str | None:
    """Stale once the notebook is renamed, and inherited from the parent in a notebook that nbsched runs."""
    told = os.environ.get("JPY_SESSION_NAME")
    return told if told and "NBSCHED_RUN" not in os.environ else None


@lru_cache(maxsize=1)
def _told_by_server(kernel: str, _execution_count: int) -> str | None:
    """The current path of the notebook that has this kernel open; asked once for each cell that runs."""
    return next((path for server in _servers() for path in _sessions(server, kernel)), None)


def _servers() -> Iterator[Mapping[str, Any]]:
    from jupyter_core.paths import jupyter_runtime_dir

    for file in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            yield json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue


def _sessions(server: Mapping[str, Any], kernel: str) -> Iterator[str]:
    """The paths of the sessions of this kernel; none when the server does not answer in time."""
    for session in _ask(f"{server.get('url', '')}api/sessions", str(server.get("token", ""))):
        if session.get("kernel", {}).get("id") == kernel and session.get("path"):
            yield os.path.join(str(server.get("root_dir", "")), session["path"])


def _ask(address: str, token: str) -> list[dict[str, Any]]:
    from urllib.request import ProxyHandler, Request, build_opener

    asked = Request(address, headers={"Authorization": f"token {token}"})
    try:
        with build_opener(ProxyHandler({})).open(asked, timeout=_ASK_S) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []
