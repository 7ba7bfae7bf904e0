"""A client that has a kernel execute cells one by one, and tells live what comes of it."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import zmq
from nbclient import NotebookClient
from nbclient.client import timestamp
from nbclient.exceptions import CellControlSignal
from nbformat import NotebookNode
from nbformat.v4 import new_output

from nbsched.core.messages import OUTPUTS, SIGNAL_TYPE, VALUE_TYPE, without_colours
from nbsched.core.sources import tagged
from nbsched.core.usage import Usage
from nbsched.kernels.journal import Journal
from nbsched.kernels.process import Kernel, exit_text
from nbsched.kernels.stop import StopSignal

DRAIN_S = 0.2
"""How long outputs of a kernel that has died are still waited for."""
IDLE_S = 30.0
"""How long after its reply a cell may still send outputs."""

_BASES = "[(kind.__module__, kind.__qualname__) for kind in __import__('sys').last_type.__mro__]"


class Listener(Protocol):
    """What is told while a notebook is executed, in the thread that executes it.

    `index` counts all cells; `output` is as in a notebook, and also of type `clear_output` or `update_display_data`.
    """

    def started(self, notebook: NotebookNode, pid: int | None) -> None: ...
    def cell_started(self, index: int) -> None: ...
    def cell_ended(self, index: int, usage: Usage) -> None: ...
    def shown(self, output: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why a notebook's execution ended."""

    kind: Literal["finished", "exited", "failed", "timeout", "stopped", "died", "signal"]
    """`exited`: by `sys.exit(0)`; `stopped`: as was asked from outside; `signal`: as the notebook asked."""
    index: int | None = None
    """The cell it ended in."""
    ename: str = ""
    evalue: str = ""
    traceback: tuple[str, ...] = ()
    """Without colours."""
    bases: tuple[tuple[str, str], ...] = ()
    """Module and name of the exception's class and its bases, where the kernel could say."""
    signal: Mapping[str, Any] | None = None

    @property
    def good(self) -> bool:
        return self.kind in ("finished", "exited", "signal")


class CellClient:
    """Executes the cells of one notebook in one kernel; outputs land in the cells."""

    def __init__(
        self,
        kernel: Kernel,
        outputs: NotebookClient,
        listener: Listener,
        stop: StopSignal,
        journal: Journal | None = None,
    ) -> None:
        self._kernel = kernel
        self._listener = listener
        self._journal = journal
        self._stopped = asyncio.create_task(stop.wait())
        self._outputs = outputs
        self._outputs.kc = kernel.client
        self._signal: Mapping[str, Any] | None = None

    async def ready(self, timeout_s: float) -> Ending | None:
        """None once the kernel answers, or why it never will."""
        answering = asyncio.ensure_future(self._kernel.ready())
        try:
            ended = await self._first(answering, timeout_s)
            if ended == "finished":
                self._outputs.nb.metadata["language_info"] = answering.result()["language_info"]
                return None
        finally:
            answering.cancel()
        if ended == "timeout":
            return Ending(
                kind="died", ename="DeadKernelError", evalue=f"the kernel gave no answer in {timeout_s:g} s"
            )
        return Ending(kind="stopped") if ended == "stopped" else self._death(None)

    def close(self) -> None:
        """The widgets' state is in the notebook's metadata."""
        self._stopped.cancel()
        self._outputs.set_widgets_metadata()

    async def execute(
        self, cell: NotebookNode, index: int, timeout_s: float | None, grace_s: float
    ) -> Ending | None:
        """None when the next cell may follow, else why there is none."""
        cell.outputs, cell.metadata["execution"] = [], {}
        self._outputs.clear_before_next_output = False
        request = self._kernel.client.execute(cell.source, allow_stdin=False, stop_on_error=False)
        finishing = asyncio.ensure_future(self._finish(request, cell, index))
        try:
            ended = await self._first(finishing, timeout_s)
            if ended in ("timeout", "stopped"):
                await self._interrupt(finishing, grace_s)
            elif ended == "died":
                await asyncio.wait({finishing}, timeout=DRAIN_S)
            reply = finishing.result() if finishing.done() else None
        finally:
            finishing.cancel()
        return await self._ending(ended, reply, cell, index)

    async def _first(
        self, work: asyncio.Future[Any], timeout_s: float | None
    ) -> Literal["finished", "died", "stopped", "timeout"]:
        """What comes first: the work's end, the kernel's, the request to stop, or the timeout."""
        pending: set[asyncio.Future[Any]] = {work, self._kernel.exited, self._stopped}
        await asyncio.wait(pending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return "finished"
        if self._kernel.exited.done():
            return "died"
        return "stopped" if self._stopped.done() else "timeout"

    async def _interrupt(self, finishing: asyncio.Future[Any], grace_s: float) -> None:
        """The cell has ended: by the interrupt, or after the grace by the death of its kernel."""
        await self._kernel.interrupt()
        pending: set[asyncio.Future[Any]] = {finishing, self._kernel.exited}
        await asyncio.wait(pending, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        if not finishing.done():
            await self._kernel.kill()

    # --- messages ---

    async def _finish(self, request: str, cell: NotebookNode, index: int) -> dict[str, Any]:
        """The content of the cell's reply, once its outputs are in too."""
        outputs = asyncio.ensure_future(self._receive_outputs(request, cell, index))
        try:
            reply = await self._reply(request)
            cell.metadata["execution"]["shell.execute_reply"] = timestamp(reply)
            await asyncio.wait({outputs}, timeout=IDLE_S)
        finally:
            outputs.cancel()
        if outputs.done() and not outputs.cancelled():
            outputs.result()
        content: dict[str, Any] = reply["content"]
        return content

    async def _reply(self, request: str) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = await self._kernel.client.get_shell_msg(timeout=None)
            if message["parent_header"].get("msg_id") == request:
                return message

    async def _receive_outputs(self, request: str, cell: NotebookNode, index: int) -> None:
        while True:
            message = await self._kernel.client.get_iopub_msg(timeout=None)
            if message["parent_header"].get("msg_id") == request:
                self._tell(message, index)
                try:
                    self._outputs.process_message(message, cell, index)
                except CellControlSignal:
                    return
                if message["msg_type"].startswith("comm"):
                    self._look_again()

    def _look_again(self) -> None:
        """A reply that has come while a widget was answered is noticed: that send took away what tells of it."""
        self._kernel.client.shell_channel.socket.get(zmq.EVENTS)

    def _tell(self, message: Mapping[str, Any], index: int) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind not in OUTPUTS:
            return
        if self._journal and not self._in_widget(message):
            self._journal.hear(index, message)
        data = content.get("data", {})
        self._signal = data.get(SIGNAL_TYPE, self._signal)
        if VALUE_TYPE in data:
            self._listener.value(data[VALUE_TYPE]["name"], data[VALUE_TYPE]["value"])
        self._listener.shown({"output_type": kind, **content})

    def _in_widget(self, message: Mapping[str, Any]) -> bool:
        """Whether what the message shows becomes part of a widget's state and not of the cell."""
        hooks = self._outputs.output_hook_stack.get(message["parent_header"]["msg_id"])
        return bool(hooks) and message["msg_type"] != "update_display_data"

    # --- endings ---

    async def _ending(
        self, ended: str, reply: dict[str, Any] | None, cell: NotebookNode, index: int
    ) -> Ending | None:
        if ended in ("timeout", "stopped"):
            return self._cut_short(ended, reply, cell, index)
        if self._signal is not None:
            return Ending(kind="signal", index=index, signal=self._signal)
        if reply is None:
            return self._noted(self._death(index), cell, index)
        expected = self._outputs.allow_errors or tagged(cell, "raises-exception")
        if reply["status"] == "ok" or expected:
            return None
        if reply.get("ename") == "SystemExit" and reply.get("evalue") in ("", "0", "None", "False"):
            return Ending(kind="exited", index=index)
        return _failure("failed", reply, index, bases=await self._exception_bases())

    def _cut_short(self, kind: str, reply: dict[str, Any] | None, cell: NotebookNode, index: int) -> Ending:
        cut: Literal["timeout", "stopped"] = "timeout" if kind == "timeout" else "stopped"
        if reply is not None and reply["status"] == "error":
            return _failure(cut, reply, index)
        why = (
            "the cell did not stop when it was interrupted, so its kernel was killed" if reply is None else ""
        )
        ending = Ending(kind=cut, index=index, ename="KeyboardInterrupt", evalue=why)
        return self._noted(ending, cell, index) if reply is None else ending

    def _death(self, index: int | None) -> Ending:
        how = exit_text(self._kernel.exited.result())
        return Ending(kind="died", index=index, ename="DeadKernelError", evalue=f"the kernel {how}")

    def _noted(self, ending: Ending, cell: NotebookNode, index: int) -> Ending:
        """The ending, which the kernel could not report itself, as an output of its cell too."""
        text = f"{ending.ename}: {ending.evalue}"
        cell.outputs.append(new_output("error", ename=ending.ename, evalue=ending.evalue, traceback=[text]))
        if self._journal:
            self._journal.put(index, {"outputs": cell.outputs})
        return ending

    async def _exception_bases(self) -> tuple[tuple[str, str], ...]:
        """The classes of the exception that the kernel has just raised; empty where it cannot tell."""
        if self._outputs.nb.metadata.get("language_info", {}).get("name") != "python":
            return ()
        request = self._kernel.client.execute(
            "", silent=True, store_history=False, user_expressions={"bases": _BASES}, allow_stdin=False
        )
        try:
            reply = await asyncio.wait_for(self._reply(request), timeout=1)
            bases = reply["content"]["user_expressions"]["bases"]
            return tuple(ast.literal_eval(bases["data"]["text/plain"]))
        except (TimeoutError, KeyError, ValueError, SyntaxError):
            return ()


def _failure(
    kind: Literal["failed", "timeout", "stopped"],
    reply: Mapping[str, Any],
    index: int,
    bases: tuple[tuple[str, str], ...] = (),
) -> Ending:
    return Ending(
        kind=kind,
        index=index,
        ename=reply.get("ename", "Error"),
        evalue=without_colours(reply.get("evalue", "")),
        traceback=tuple(map(without_colours, reply.get("traceback", ()))),
        bases=bases,
    )
