"""The cells on their way through this kernel: each is taken once, by the kernel's queue or by a waiting cell."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from nbsched.kernels.cells import KernelCell, running
from nbsched.kernels.interrupts import breaker
from nbsched.kernels.selfclient import SelfClient, new_id, own_connection_file
from nbsched.kernels.sparing import spare


class Desk:
    """Sends cells to this kernel and lends them to a cell that waits; one per process."""

    def __init__(self, shell: Any, client: SelfClient) -> None:
        self.shell, self.pid = shell, os.getpid()
        self._client = client
        self._waiting: dict[int, KernelCell] = {}
        self._sent: dict[str, KernelCell] = {}
        self._bells: list[Callable[[], None]] = []
        self._break_main = breaker(threading.main_thread())
        self._now: KernelCell | None = None
        self._depth = 0

    def send(self, cell: KernelCell) -> None:
        """The cell waits for its turn in the kernel's queue, or for a waiting cell that runs it before."""
        request = cell.id = new_id()
        self._sent[request] = self._waiting[id(cell)] = cell
        self._client.listen(request, partial(self._heard, cell, request))
        self._client.execute(request, cell.source, cell.metadata)
        self.ring()

    def _heard(self, cell: KernelCell, request: str, msg_type: str, content: Mapping[str, Any]) -> None:
        if cell.holder == "queue":
            cell.hear(msg_type, content)
        elif msg_type == "execute_reply":
            self._drop(request)
            if content["status"] == "aborted" and cell.holder == "nobody":
                cell.watcher.refused()

    def _drop(self, request: str) -> None:
        self._sent.pop(request, None)
        self._client.forget(request)

    def lend(self) -> KernelCell | None:
        """The cell that has waited longest, taken to be run in place; its turn in the queue will do nothing."""
        for cell in list(self._waiting.values()):
            if self.keep(cell):
                return cell
        return None

    def keep(self, cell: KernelCell) -> bool:
        """Whether the cell is taken to be run in place; it then publishes under an id of its own."""
        self._waiting.pop(id(cell), None)
        if not cell.take("place"):
            return False
        cell.id = new_id()
        self._client.listen(cell.id, cell.hear)
        return True

    def forget(self, cell: KernelCell) -> None:
        """Nothing more of the cell is heard; a request of it that is still queued does nothing."""
        self._waiting.pop(id(cell), None)
        if cell.holder in ("queue", "place"):
            self._drop(cell.id)

    @contextlib.contextmanager
    def answered_by(self, bell: Callable[[], None]) -> Iterator[None]:
        """The bell rings, on any thread, when a cell may be lent or a wait may be over."""
        self._bells.append(bell)
        try:
            yield
        finally:
            self._bells.remove(bell)

    def ring(self) -> None:
        for bell in list(self._bells):
            bell()

    # What the kernel's queue runs: seen by IPython's own hooks, on the main thread.

    def hook(self) -> None:
        """IPython asks here before it runs a cell, and tells when it has."""
        transformers = self.shell.input_transformers_cleanup
        transformers.insert(0, _SideEffect(self._claim))
        self.shell.events.register("pre_run_cell", self._before)
        self.shell.events.register("post_run_cell", self._after)

    def _handled(self) -> str:
        """The id of the request that the kernel handles on its main thread."""
        if threading.current_thread() is not threading.main_thread():
            return ""
        header = (self.shell.kernel.get_parent("shell") or {}).get("header", {})
        return str(header.get("msg_id", ""))

    def _claim(self, lines: list[str]) -> list[str]:
        """The cell's lines, or none of them when it was withdrawn or has been run in place."""
        cell = self._sent.get(self._handled())
        if cell is None or cell.holder == "queue":
            return lines
        self._waiting.pop(id(cell), None)
        return lines if cell.take("queue") else []

    def _before(self, _info: object) -> None:
        cell = self._sent.get(self._handled())
        if cell is None or cell.holder != "queue":
            return
        self._depth += 1
        if self._depth == 1:
            self._now = cell
            running.set(cell)
            cell.interrupter.cover(self._stop_main)

    def _stop_main(self) -> None:
        """A cell that awaits is cancelled by ipykernel's own handler, once the loop that sleeps in it is awake."""
        self._break_main()
        self.shell.kernel.io_loop.add_callback(_wake)

    def _after(self, result: Any) -> None:
        cell = self._now
        if cell is None or self._handled() != cell.id:
            return
        self._depth -= 1
        if self._depth > 0:
            return
        self._now = None
        running.set(None)
        cell.error = result and (result.error_before_exec or result.error_in_exec)
        with contextlib.suppress(KeyboardInterrupt):
            cell.interrupter.uncover(self._stop_main)


def _wake() -> None: ...


class _SideEffect:
    """An input transformer that IPython leaves out when it only looks whether a cell is complete."""

    has_side_effects = True

    def __init__(self, transform: Callable[[list[str]], list[str]]) -> None:
        self._transform = transform

    def __call__(self, lines: list[str]) -> list[str]:
        return self._transform(lines)


_SLOT = "_nbsched_desk"  # on sys: one desk per process, also after the package was reloaded
_opening = threading.Lock()


def own_desk() -> Desk | None:
    """The desk of the kernel in this process, opened by the first call; None where there is no kernel."""
    with _opening:
        if getattr(sys, _SLOT, None) is None:
            setattr(sys, _SLOT, _open_desk())
        return opened_desk()


def opened_desk() -> Desk | None:
    """The desk of this process, if one was opened; a forked child has none."""
    desk: Desk | None = getattr(sys, _SLOT, None)
    return desk if desk is not None and desk.pid == os.getpid() else None


def _open_desk() -> Desk | None:
    if "IPython" not in sys.modules or multiprocessing.parent_process() is not None:
        return None
    from IPython import get_ipython

    shell, connection_file = get_ipython(), own_connection_file()
    if connection_file is None or getattr(shell, "kernel", None) is None:
        return None
    desk = Desk(shell, SelfClient(connection_file))
    desk.hook()
    spare(shell)
    return desk
