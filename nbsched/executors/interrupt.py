"""Breaking off what runs in another thread, and nothing but that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from nbsched.core.model import Outcome


class Stretch:
    """What one thread carries out at the moment, and the way to interrupt it from another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._run_id: int | None = None
        self._interrupted = self._raised = self._held = False
        self._wake: Callable[[], object] | None = None

    def run(self, call: Callable[[], Outcome], run_id: int) -> Outcome:
        """What `call` gives; `interrupted` when it was interrupted and did not deal with it.

        When this returns no interrupt is on its way any more. It may arrive between any two lines up to
        then, but only once, so each of them may be reached a second time.
        """
        outcome = None
        self._interrupted = self._raised = self._held = False
        self._run_id, self._thread = run_id, threading.get_ident()
        while True:
            try:
                outcome = outcome or call()
                self._leave()
                return outcome
            except KeyboardInterrupt:
                outcome = outcome or Outcome(kind="interrupted")

    def _leave(self) -> None:
        with self._lock:
            self._thread = None

    def undisturbed(self, call: Callable[..., object], *args: object) -> None:
        """The call is not broken off in the middle, as it may be of things that others share."""
        if threading.get_ident() != self._thread:
            call(*args)
            return
        with self._lock:
            self._held = True
        try:
            call(*args)
        finally:
            with self._lock:
                self._held = False
                due = self._interrupted and not self._raised
                self._raised = self._interrupted
            if due:
                raise KeyboardInterrupt

    def waits_in(self, wake: Callable[[], object] | None) -> None:
        """The call waits in an event loop that `wake` wakes up, or, with None, no longer."""
        self._wake = wake

    def interrupt(self, run_id: int) -> bool:
        """Whether that run was being carried out; KeyboardInterrupt has then been raised in it.

        Code that waits in C (`time.sleep`, a query) feels it when that returns.
        """
        with self._lock:
            if self._thread is None or self._run_id != run_id:
                return False
            self._interrupted = True
            if not (self._raised or self._held):
                self._raised = True
                _raise_in(self._thread)
                with suppress(RuntimeError):  # the loop has just been closed
                    (self._wake or _nothing)()
            return True


def _nothing() -> None: ...


def _raise_in(thread: int) -> None:
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
