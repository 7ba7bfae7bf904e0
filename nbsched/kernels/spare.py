"""A worker started ahead, so that whoever needs one next has it at once."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress

from nbsched.kernels import worker
from nbsched.kernels.group import Child, child_environment, start


class Spare:
    """Fresh workers for one entry, each for one request; one waits, and ends with us at the latest."""

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self._lock = threading.Lock()
        self._waiting: tuple[Child, weakref.finalize[[], Spare]] | None = None

    def ask(self, payload: bytes, env: Mapping[str, str]) -> Child:
        """A worker that has been given the payload; another one is being made ready."""
        child = self._take() or self._start()
        assert child.process.stdin
        with suppress(BrokenPipeError):  # it has died, as whoever listens to it will see
            data = memoryview(worker.request(payload, env))
            while data:
                data = data[os.write(child.process.stdin.fileno(), data) :]
        self.prepare()
        return child

    def _start(self) -> Child:
        return start(worker.command(self._entry), cwd=os.getcwd(), env=child_environment(), replies=True)

    def _take(self) -> Child | None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        child, end = waiting
        if child.process.poll() is None:
            end.detach()
            return child
        end()
        return None

    def prepare(self) -> None:
        """One is waiting, or on its way."""
        with self._lock:
            if self._waiting is None:
                child = self._start()
                self._waiting = child, weakref.finalize(self, child.abandon)
