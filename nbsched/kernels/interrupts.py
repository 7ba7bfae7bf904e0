"""Interrupting one piece of code in this process, and nothing that runs before or after it."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import ctypes
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
Stop = Callable[[], None]


class Interrupter:
    """Stops what it covers; code that it does not cover any more is never hit.

    A stop is sent while the lock is held, so the covered code cannot end between the look and the stop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[Stop] = []

    def interrupt(self) -> bool:
        """Whether there was something to stop."""
        with self._lock:
            if not self._stops:
                return False
            self._stops[-1]()
            return True

    def cover(self, stop: Stop) -> None:
        with self._lock:
            self._stops.append(stop)

    def uncover(self, stop: Stop) -> None:
        """The code is out of reach; a stop that was sent before is raised here at the latest."""
        try:
            self._drop(stop)
            _checkpoint()
        except KeyboardInterrupt:
            self._drop(stop)
            raise

    def _drop(self, stop: Stop) -> None:
        with self._lock:
            if stop in self._stops:
                self._stops.remove(stop)

    @contextlib.contextmanager
    def covering(self, stop: Stop) -> Iterator[None]:
        self.cover(stop)
        try:
            yield
        finally:
            self.uncover(stop)

    def covering_this_thread(self) -> contextlib.AbstractContextManager[None]:
        """Plain code of this thread is stopped by a KeyboardInterrupt."""
        return self.covering(breaker(threading.current_thread()))

    async def awaiting(self, awaitable: Awaitable[T]) -> T:
        """What is awaited; stopped by cancelling the task that awaits it."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        cancel = task.cancel
        with self.covering(lambda: _ignore(loop.call_soon_threadsafe(cancel))):
            return await awaitable


def _ignore(_: object) -> None: ...


def _checkpoint() -> None:
    """Calling any function of Python raises the interrupt that waits for this thread."""


def breaker(thread: threading.Thread) -> Stop:
    """Raises a KeyboardInterrupt in the thread: at once in the main one, elsewhere at its next line of Python."""
    ident = thread.ident or 0
    if thread is not threading.main_thread():
        wanted = ctypes.py_object(KeyboardInterrupt)
        return lambda: _ignore(ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), wanted))
    if hasattr(signal, "pthread_kill"):
        return lambda: signal.pthread_kill(ident, signal.SIGINT)
    return _thread.interrupt_main


@contextlib.contextmanager
def sigint_raises() -> Iterator[None]:
    """Ctrl-C breaks plain code of the main thread, also inside a cell that awaits (there ipykernel only cancels)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
