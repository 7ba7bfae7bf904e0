"""Output of a chosen piece of code goes under its own parent header, and into no person's cell."""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

Parent = Mapping[str, Any]
"""A Jupyter message whose header others name as their parent."""

_header: ContextVar[Mapping[str, Any] | None] = ContextVar("nbsched_header", default=None)


def parent_message(shell: Any, msg_id: str, metadata: Mapping[str, Any]) -> Parent:
    """The request that never was, under whose id a cell beside the queue publishes."""
    header = {
        "msg_id": msg_id, "msg_type": "execute_request", "username": "nbsched", "version": "5.4",
        "session": shell.kernel.session.session, "date": datetime.now(UTC),
    }  # fmt: skip
    return {"header": header, "parent_header": {}, "metadata": dict(metadata), "content": {}}


@contextlib.contextmanager
def routed(shell: Any, parent: Parent) -> Iterator[None]:
    """What this context prints and displays is published under `parent`; enter it in the thread that displays."""
    token = _header.set(parent["header"])
    leave = _redirect(shell, parent)
    try:
        yield
    finally:
        flush()
        leave()
        _header.reset(token)


def publish(shell: Any, parent: Parent, msg_type: str, content: Mapping[str, Any]) -> None:
    """One message is published under `parent`, after all that was printed before."""
    from ipykernel import jsonutil

    flush()
    clean = jsonutil.json_clean(dict(content))
    shell.kernel.session.send(shell.kernel.iopub_socket, msg_type, clean, parent=parent)


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _redirect(shell: Any, parent: Parent) -> Any:
    """How to undo it. ipykernel 7.4 does it by itself; 7.0 to 7.3 by four context variables; 6 by two and a hook."""
    if hasattr(shell, "set_thread_parent"):
        tokens = shell.set_thread_parent(parent)
        return lambda: shell.reset_thread_parent(tokens)
    undo = contextlib.ExitStack()
    for target in (sys.stdout, sys.stderr, shell.display_pub, shell.displayhook):
        variable = getattr(target, "_parent_header", None)
        if isinstance(variable, contextvars.ContextVar):
            undo.callback(variable.reset, variable.set(parent["header"]))
    if not isinstance(getattr(shell.display_pub, "_parent_header", None), contextvars.ContextVar):
        shell.display_pub.register_hook(_under_header)
        undo.callback(shell.display_pub.unregister_hook, _under_header)
    return undo.close


def _under_header(message: dict[str, Any]) -> dict[str, Any]:
    """A hook belongs to a thread, a header to a context: other tasks of the thread keep their own."""
    header = _header.get()
    if header is not None:
        message["parent_header"] = header
    return message
