"""A cell that waits runs the cells that wait for its kernel, so waiting never deadlocks."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from nbsched.kernels.cells import KernelCell
from nbsched.kernels.desk import opened_desk, own_desk
from nbsched.kernels.inplace import AWAKE_S, awaits, run_here, run_here_async, start_thread

Done = threading.Event | Callable[[], bool] | Future[Any]
"""When the wait is over: a Future is noticed at once, the others within 20 ms or at `ring_waiting_cells()`."""

_LOOK_S = 0.02


def serve_cells_until(done: Done, timeout: float | None = None) -> bool:
    """Whether `done` came within `timeout` seconds; in the main thread of a kernel its cells are run meanwhile.

    A cell with a top-level `await` runs in a helper thread with a loop of its own, for the kernel's loop is
    held by the cell that waits. Ctrl-C ends both the cell being run and the wait.
    """
    wait, bell = _Wait(done, timeout), threading.Event()
    with wait.heard_by(bell.set):
        while not wait.over():
            bell.clear()
            cell = wait.borrow()
            if cell is not None:
                _run(wait.shell, cell)
            elif not wait.over():
                if wait.left() <= 0:
                    return False
                bell.wait(wait.pause())
    return True


async def serve_cells_until_async(done: Done, timeout: float | None = None) -> bool:
    """As `serve_cells_until`, in a cell that awaits: cells with a top-level `await` run on this very loop."""
    wait, bell, loop = _Wait(done, timeout), asyncio.Event(), asyncio.get_running_loop()
    with wait.heard_by(lambda: _ring_loop(loop, bell)):
        while not wait.over():
            bell.clear()
            cell = wait.borrow()
            if cell is not None:
                await run_here_async(wait.shell, cell)
                if _broken_by_user(cell):
                    raise asyncio.CancelledError
            elif not wait.over():
                if wait.left() <= 0:
                    return False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), wait.pause())
    return True


def ring_waiting_cells() -> None:
    """Cells that wait look at once whether their wait is over; for any thread."""
    desk = opened_desk()
    if desk is not None:
        desk.ring()


class _Wait:
    """One wait: when it is over, how long it may last, and the cells it may borrow meanwhile."""

    def __init__(self, done: Done, timeout: float | None) -> None:
        self._done = done
        self._until = math.inf if timeout is None else time.monotonic() + timeout
        in_main = threading.current_thread() is threading.main_thread()
        self._desk = own_desk() if in_main else None

    @property
    def shell(self) -> Any:
        return self._desk.shell if self._desk else None

    def over(self) -> bool:
        if isinstance(self._done, Future):
            return self._done.done()
        return self._done.is_set() if isinstance(self._done, threading.Event) else self._done()

    def left(self) -> float:
        return self._until - time.monotonic()

    def pause(self) -> float:
        """Seconds to listen before looking again."""
        return max(min(self.left(), AWAKE_S if isinstance(self._done, Future) else _LOOK_S), 0)

    def borrow(self) -> KernelCell | None:
        return self._desk.lend() if self._desk else None

    @contextlib.contextmanager
    def heard_by(self, bell: Callable[[], None]) -> Iterator[None]:
        if isinstance(self._done, Future):
            self._done.add_done_callback(lambda _: bell())
        with self._desk.answered_by(bell) if self._desk else contextlib.nullcontext():
            yield


def _ring_loop(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(bell.set)


def _run(shell: Any, cell: KernelCell) -> None:
    """The cell has run; KeyboardInterrupt when a person broke it, for they mean the waiting cell too."""
    if awaits(shell, cell.source):
        _run_in_helper(shell, cell)
    else:
        run_here(shell, cell)
    if _broken_by_user(cell):
        raise KeyboardInterrupt


def _run_in_helper(shell: Any, cell: KernelCell) -> None:
    try:
        start_thread(shell, cell).join()
    except KeyboardInterrupt:
        _interrupt(cell)
        raise


def _interrupt(cell: KernelCell) -> None:
    """The cell has ended or was told to stop; between two of its statements it cannot be told yet."""
    until = time.monotonic() + AWAKE_S
    while not (cell.over or cell.interrupter.interrupt()) and time.monotonic() < until:
        time.sleep(0.005)


def _broken_by_user(cell: KernelCell) -> bool:
    broken = isinstance(cell.error, (KeyboardInterrupt, asyncio.CancelledError))
    return broken and not cell.stopped
