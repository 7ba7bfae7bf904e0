"""The kernel as a client of itself: what it sends to its own queue waits there like a person's cell.

By the public Jupyter protocol only. Everything sent carries an id that no notebook's cell has, so that front
ends show it nowhere and this client finds it again.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import os
import socket
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

_PREFIX = "nbsched-"
_MARK = _PREFIX.encode()
_log = logging.getLogger(__name__)

Heard = Callable[[str, Mapping[str, Any]], None]
"""Called with a message's type and content, on the client's thread; it must not block."""


def new_id() -> str:
    """An id under which a cell is sent and its outputs are published."""
    return f"{_PREFIX}{uuid.uuid4().hex}"


class SelfClient:
    """Connected to this kernel: `execute` queues a cell, `listen` hears all that is published under an id.

    One thread owns the sockets; every method may be called from any thread and returns at once.
    """

    def __init__(self, connection_file: str) -> None:
        self._connection_file = connection_file
        self._listeners: dict[str, Heard] = {}
        self._outbox: deque[tuple[str, str, Mapping[str, Any]]] = deque()
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        ready: Future[None] = Future()
        # A context of its own: else the thread keeps the parent header of the cell that was running.
        run = contextvars.Context().run
        threading.Thread(target=run, args=(self._run, ready), name="nbsched-selfclient", daemon=True).start()
        ready.result(30)

    def listen(self, msg_id: str, heard: Heard) -> None:
        self._listeners[msg_id] = heard

    def forget(self, msg_id: str) -> None:
        self._listeners.pop(msg_id, None)

    def execute(self, msg_id: str, code: str, metadata: Mapping[str, Any]) -> None:
        """The code is in the kernel's queue, under this id."""
        self._outbox.append((msg_id, code, metadata))
        with contextlib.suppress(BlockingIOError):  # so many rings are waiting that one more changes nothing
            self._bell.send(b"x")

    def _run(self, ready: Future[None]) -> None:
        try:
            poller = self._open()
        except BaseException as error:
            ready.set_exception(error)
            return
        ready.set_result(None)
        while True:
            found = dict(poller.poll())
            if self._rung.fileno() in found:
                self._rung.recv(4096)
                self._send_all()
            for channel in (self._iopub, self._shell):
                if channel in found:
                    self._receive(channel)

    def _open(self) -> Any:
        import zmq
        from jupyter_client.blocking.client import BlockingKernelClient

        context: zmq.Context[Any] = zmq.Context()
        context.setsockopt(zmq.RCVHWM, 0)  # a flood of prints is kept, never dropped
        client = BlockingKernelClient(context=context)
        client.load_connection_file(self._connection_file)
        self._client, self._session = client, client.session
        self._session.username = "nbsched"
        self._iopub, self._shell = client.connect_iopub(), client.connect_shell()
        self._await_subscription(client.connect_control())
        poller = zmq.Poller()
        for source in (self._iopub, self._shell, self._rung):
            poller.register(source, zmq.POLLIN)
        return poller

    def _await_subscription(self, control: Any) -> None:
        """Published messages arrive from now on; the control channel answers beside a busy cell."""
        for _ in range(100):
            self._session.send(control, "kernel_info_request")
            if self._iopub.poll(100):
                control.close()
                return
        control.close()
        raise ConnectionError("this kernel does not publish to its own connection file: restart the kernel")

    def _send_all(self) -> None:
        while self._outbox:
            msg_id, code, metadata = self._outbox.popleft()
            content = {
                "code": code, "silent": False, "store_history": False, "user_expressions": {},
                "allow_stdin": False, "stop_on_error": False,
            }  # fmt: skip
            message = self._session.msg("execute_request", content, metadata=dict(metadata))
            message["msg_id"] = message["header"]["msg_id"] = msg_id
            self._session.send(self._shell, message)

    def _receive(self, channel: Any) -> None:
        """The listener has heard the message, if it belongs to one."""
        try:
            _, parts = self._session.feed_identities(channel.recv_multipart())
            if _MARK not in parts[2]:  # the parent's header: most messages belong to people's cells
                return
            message = self._session.deserialize(parts)
            heard = self._listeners.get(message["parent_header"].get("msg_id", ""))
            if heard is not None:
                heard(message["msg_type"], message["content"])
        except ValueError:
            # Two subshells may send one message twice, which is refused as a duplicate; what follows is sound.
            _log.debug("a message of this kernel could not be read", exc_info=True)
        except Exception:
            _log.exception("a message of this kernel could not be handled")


def own_connection_file() -> str | None:
    """The connection file of the kernel that runs in this process, or None."""
    try:
        from ipykernel.connect import get_connection_file
    except ImportError:
        return None
    try:
        found = str(get_connection_file())
    except RuntimeError:
        return None
    return found if os.path.exists(found) else None
