"""Cells run in this kernel: queued like a person's (`kernel`), or beside the person's cells (`thread`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import anyio
from anyio import to_thread

from nbsched.core.model import Cell, Error, Outcome
from nbsched.executors.contract import Assignment
from nbsched.executors.told import Told
from nbsched.kernels.cells import KernelCell, running
from nbsched.kernels.desk import Desk, own_desk
from nbsched.kernels.inplace import start_thread
from nbsched.kernels.serving import ring_waiting_cells, serve_cells_until, serve_cells_until_async

__all__ = [
    "CellExecutor", "current_cell_context", "ring_waiting_cells", "serve_cells_until", "serve_cells_until_async",
]  # fmt: skip

_DRAIN_S = 2.0  # for the last outputs of a cell that has ended
_AGAIN_S = 0.1  # before a cell is sent again whose queue was emptied by a failing cell
_LAST_WORD_S = 1.0  # after the second interrupt, before the cell is left to itself


def current_cell_context() -> dict[str, Any] | None:
    """The context of the cell of ours that this code belongs to, as `NBSCHED_CONTEXT` has it; None in others."""
    cell = running.get()
    found: dict[str, Any] | None = cell.metadata["nbsched"]["context"] if cell else None
    return found


class CellExecutor:
    """Runs `Cell` work whose place is `kernel` or `thread`, in the kernel of this process.

    A cell that ignores two interrupts cannot be killed without its kernel: it is left to itself, with a note.
    """

    async def execute(self, assignment: Assignment) -> Outcome:
        desk = await to_thread.run_sync(own_desk)
        if desk is None:
            return _no_kernel(assignment.work.name)
        passage = _Passage(desk, assignment)
        try:
            return await passage.outcome()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await passage.stop()
            raise
        finally:
            desk.forget(passage.cell)


def _no_kernel(name: str) -> Outcome:
    why = f"the cell {name!r} runs in a Jupyter kernel and this process is none: use where='process'"
    return Outcome(kind="failed", error=Error("NoKernel", why), error_types=("NoKernel",), fatal=True)


class _Passage:
    """One cell's way through the kernel: what is told of it, and how it ended."""

    def __init__(self, desk: Desk, assignment: Assignment) -> None:
        assert isinstance(assignment.work, Cell)
        self._desk, self._assignment, self._work = desk, assignment, assignment.work
        self._told = Told(assignment.report)
        self._begun, self._over, self._silent = _Flag(), _Flag(), _Flag()
        self.cell = KernelCell(self._work.source, _metadata(self._work, assignment), self)

    async def outcome(self) -> Outcome:
        self._start()
        await self._begun.wait()
        seconds = _seconds(self._assignment.cell_timeout)
        with anyio.move_on_after(seconds):
            await self._over.wait()
        stopped = self._over.is_set() or await self.stop()
        with anyio.move_on_after(_DRAIN_S if stopped else 0):
            await self._silent.wait()
        if self.cell.stopped:
            return self._told.timed_out(seconds or 0, "" if stopped else _UNSTOPPED)
        return self._told.outcome(self.cell.error)

    def _start(self) -> None:
        if self._work.where == "kernel":
            self._desk.send(self.cell)
        elif self._desk.keep(self.cell):
            start_thread(self._desk.shell, self.cell)

    async def stop(self) -> bool:
        """Whether nothing of the cell runs any more; after the grace it is interrupted once more."""
        for patience in (self._assignment.grace.total_seconds(), _LAST_WORD_S):
            with anyio.move_on_after(patience):
                await self._interrupt()
                await self._over.wait()
                return True
        self._assignment.report.output(f"nbsched: the cell {_UNSTOPPED}\n", "stderr")
        return False

    async def _interrupt(self) -> None:
        while not self._over.is_set() and not self.cell.interrupt():
            await anyio.sleep(0.01)  # it has been taken and its first line is not reached

    # As the watcher of the cell: called on any thread.

    def began(self) -> None:
        """The parameters are variables from here on, as at the top of a notebook."""
        self._desk.shell.user_ns.update(self._assignment.params)
        self._assignment.report.started(os.getpid())
        self._begun.set()

    def heard(self, msg_type: str, content: Mapping[str, Any]) -> None:
        self._told.hear(msg_type, content)

    def refused(self) -> None:
        self._begun.loop.call_soon_threadsafe(self._begun.loop.call_later, _AGAIN_S, self._send_again)

    def _send_again(self) -> None:
        if self.cell.holder == "nobody":
            self._desk.send(self.cell)

    def ended(self) -> None:
        self._over.set()

    def drained(self) -> None:
        self._silent.set()


_UNSTOPPED = "did not stop when interrupted; it was left to itself and may still be running"


class _Flag:
    """An event of the loop it was made in, set from any thread."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._event = anyio.Event()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(self._event.set)

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> None:
        await self._event.wait()


def _seconds(limit: timedelta | None) -> float | None:
    return None if limit is None else limit.total_seconds()


def _metadata(work: Cell, assignment: Assignment) -> dict[str, Any]:
    """What the request carries: nested magics find the owning cell in it, and the run's context."""
    return {"cellId": work.cell_id, "nbsched": {"context": json.loads(assignment.env["NBSCHED_CONTEXT"])}}
