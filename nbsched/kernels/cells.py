"""One cell to be run in the user's namespace: taken once, run, ended."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Literal, Protocol

from nbsched.kernels.interrupts import Interrupter
from nbsched.kernels.selfclient import new_id

Holder = Literal["nobody", "queue", "place", "withdrawn"]

END = "nbsched_end"
"""The message that follows the last output of a cell that the kernel's queue did not run."""

running: ContextVar[KernelCell | None] = ContextVar("nbsched_running", default=None)
"""The cell of ours that the current code belongs to."""


class Watcher(Protocol):
    """Told what becomes of a cell, on any thread; it must not block."""

    def began(self) -> None: ...
    def heard(self, msg_type: str, content: Mapping[str, Any]) -> None: ...
    def refused(self) -> None: ...  # a person's cell failed and emptied the queue: send it again
    def ended(self) -> None: ...
    def drained(self) -> None: ...  # it has ended and nothing more of it will be heard


class KernelCell:
    """One cell to be run in the user's namespace.

    `error` is what it raised, `stopped` whether it was told to stop, `id` what it publishes under.
    """

    def __init__(self, source: str, metadata: Mapping[str, Any], watcher: Watcher) -> None:
        self.id = new_id()
        self.source, self.metadata, self.watcher = source, metadata, watcher
        self.interrupter = Interrupter()
        self.error: BaseException | None = None
        self.stopped = False
        self.holder: Holder = "nobody"
        self._lock = threading.Lock()
        self._signs: set[str] = set()

    def take(self, holder: Holder) -> bool:
        """Whether it is the holder's now; only the first one gets it."""
        with self._lock:
            if self.holder != "nobody":
                return False
            self.holder = holder
        if holder != "withdrawn":
            self.watcher.began()
        return True

    def interrupt(self) -> bool:
        """It will not run, or what runs of it was told to stop; False when it is in between."""
        if self.take("withdrawn"):
            self.sign("reply", "idle")
            return True
        self.stopped = self.interrupter.interrupt() or self.stopped
        return self.stopped

    @property
    def over(self) -> bool:
        """Whether it has ended; some of its output may still be on its way."""
        return "reply" in self._signs

    def sign(self, *signs: Literal["reply", "idle"]) -> None:
        """One sign says that it has ended, both that all of it was heard."""
        self._signs.update(signs)
        self.watcher.ended()
        if len(self._signs) == 2:
            self.watcher.drained()

    def hear(self, msg_type: str, content: Mapping[str, Any]) -> None:
        if msg_type == "execute_reply":
            self.sign("reply")
        elif msg_type == END or (msg_type == "status" and content["execution_state"] == "idle"):
            self.sign("idle")
        else:
            self.watcher.heard(msg_type, content)
