"""Which notebook and which cell is running: the keys under which their schedules are found again."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsched.kernels.cells import running
from nbsched.kernels.selfclient import own_connection_file

_PATIENCE_S = 0.5  # a server on the same machine answers in milliseconds


@dataclass(frozen=True, slots=True)
class Here:
    """A notebook: `key` is its absolute path where that is known, `name` what people call it."""

    key: str
    name: str


def notebook(shell: Any = None, explicit: str | None = None) -> Here:
    """The notebook in front of this kernel, by the first that knows it.

    An explicit path; the Jupyter server, which knows of renames; VS Code; the path at the session's start.
    Else `kernel:<id>`, which another kernel never has.
    """
    if explicit:
        return _of_path(os.path.abspath(os.path.expanduser(explicit)))
    path = _server_path(_request_id(shell)) or _editor_path(shell) or _session_path()
    return _of_path(path) if path else Here(f"kernel:{kernel_id() or os.getpid()}", "notebook")


def notebook_key() -> str:
    """The key of the notebook in front of this kernel."""
    from IPython import get_ipython

    return notebook(get_ipython()).key


def _of_path(path: str) -> Here:
    return Here(path, Path(path).stem)


def kernel_id() -> str | None:
    """The id under which the server knows this kernel; None where there is no kernel."""
    found = own_connection_file()
    return Path(found).stem.removeprefix("kernel-") if found else None


def cell_id(shell: Any) -> str | None:
    """The id of the cell that is being executed, where its front end tells it; a scheduled cell's is its owner's."""
    scheduled = running.get()
    metadata = scheduled.metadata if scheduled else _parent(shell).get("metadata") or {}
    found = metadata.get("cellId") or metadata.get("cell_id")
    return str(found) if found else None


def inside_nbsched_run() -> bool:
    """Whether a run of nbsched executes this notebook: what it schedules would multiply."""
    return "NBSCHED_RUN" in os.environ


def _parent(shell: Any) -> Mapping[str, Any]:
    ask = getattr(shell, "get_parent", None)
    return (ask() if ask else None) or {}


def _request_id(shell: Any) -> str:
    return str(_parent(shell).get("header", {}).get("msg_id", ""))


def _editor_path(shell: Any) -> str | None:
    """VS Code puts the notebook's path into the namespace."""
    path = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__")
    return os.path.abspath(path) if isinstance(path, str) and path else None


def _session_path() -> str | None:
    """The path when the session began; what a run started has inherited it from another notebook."""
    path = os.environ.get("JPY_SESSION_NAME")
    return os.path.abspath(path) if path and not inside_nbsched_run() else None


_answers: dict[tuple[str, str], str | None] = {}
"""By kernel and request: one cell asks the server once, the next one hears of a rename."""


def _server_path(request: str) -> str | None:
    """The notebook's path by its server, or what the server said last."""
    kernel = kernel_id()
    if kernel is None:
        return None
    if (kernel, request) not in _answers:
        last = next((path for (known, _), path in _answers.items() if known == kernel), None)
        path = next(filter(None, (_asked(server, kernel) for server in _servers())), last)
        _answers.clear()
        _answers[kernel, request] = path
    return _answers[kernel, request]


def _servers() -> Iterator[Mapping[str, Any]]:
    """What the running servers say of themselves, the one that started this kernel first."""
    from jupyter_core.paths import jupyter_runtime_dir

    mine = f"jpserver-{os.environ.get('JPY_PARENT_PID')}.json"
    files = Path(jupyter_runtime_dir()).glob("jpserver-*.json")
    for file in sorted(files, key=lambda file: file.name != mine):
        try:
            server = json.loads(file.read_text(encoding="utf-8"))
            os.kill(server["pid"], 0)
        except (OSError, ValueError, KeyError):
            continue  # it is gone, and left its file
        yield server


def _asked(server: Mapping[str, Any], kernel: str) -> str | None:
    """The path, below the server's root, of the notebook whose session has this kernel."""
    headers = {"Authorization": f"token {server.get('token', '')}"}
    request = urllib.request.Request(f"{server['url']}api/sessions", headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_PATIENCE_S) as answer:
            sessions = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    for session in sessions:
        if session.get("kernel", {}).get("id") == kernel and session.get("type") == "notebook":
            return os.path.abspath(f"{server['root_dir']}/{session['path']}")
    return None
