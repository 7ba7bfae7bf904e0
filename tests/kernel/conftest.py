"""A real kernel in its own process, driven as a notebook drives it."""

from __future__ import annotations

import ast
import os
import queue
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

HERE = Path(__file__).parent
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """A person's cell: its reply and what was published under its id."""

    id: str
    status: str = ""
    count: int | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(each["text"] for each in self.outputs if each["type"] == "stream")

    @property
    def result(self) -> Any:
        """The last expression, as Python's repr; the error instead when it failed."""
        shown = [each["data"]["text/plain"] for each in self.outputs if each["type"] == "execute_result"]
        assert self.status == "ok", self.error or self.status
        return shown[-1] if shown else None

    @property
    def error(self) -> str:
        failed = [each for each in self.outputs if each["type"] == "error"]
        return "\n".join(_ANSI.sub("", line) for each in failed for line in each["traceback"])


class Kernel:
    """A kernel and the notebook in front of it."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.log = folder / "kernel.log"
        while not self._opened(folder, env):  # another process took one of its ports meanwhile
            assert "Address already in use" in self.log.read_text(), self.log.read_text()
        self.run(
            f"import sys, time, threading; sys.path.insert(0, {str(HERE)!r}); from kernel_driver import start"
        )

    def _opened(self, folder: Path, env: Mapping[str, str]) -> bool:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = sys.executable
        with self.log.open("w") as log:
            self.manager.start_kernel(stdout=log, stderr=log, cwd=str(folder), env={**os.environ, **env})
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=60)
        except RuntimeError:
            self.client.stop_channels()
            self.manager.cleanup_resources()
            return False
        return True

    def send(self, source: str, stop_on_error: bool = True) -> Ran:
        """The cell is in the queue."""
        return Ran(self.client.execute(source, stop_on_error=stop_on_error, allow_stdin=False))

    def ask(self, source: str, cell_id: str | None = None) -> str:
        """The cell is in the queue, as a front end sends one that has an id; the request's id."""
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False,
                   "stop_on_error": False}  # fmt: skip
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def until(self, ran: Ran, text: str, timeout: float = 30) -> None:
        """The running cell has printed the text."""
        end = time.monotonic() + timeout
        while text not in ran.text:
            assert time.monotonic() < end, f"{text!r} never came: {ran}"
            self._read(ran, 1)

    def wait(self, ran: Ran, timeout: float = 30) -> Ran:
        """The cell has ended and all it published is known."""
        reply = self.client.get_shell_msg(timeout=timeout)
        while reply["parent_header"].get("msg_id") != ran.id:
            reply = self.client.get_shell_msg(timeout=timeout)
        ran.status, ran.count = reply["content"]["status"], reply["content"].get("execution_count")
        while not self._read(ran, timeout):
            pass
        return ran

    def run(self, source: str, timeout: float = 30) -> Ran:
        return self.wait(self.send(source), timeout)

    def eval(self, source: str) -> Any:
        """The value of the last line, which must have a literal repr."""
        return ast.literal_eval(self.run(source).result)

    def start(self, name: str, source: str, **options: Any) -> None:
        """A cell of ours is on its way, known in the kernel by this name."""
        given = "".join(f", {key}={value!r}" for key, value in options.items())
        assert self.run(f"{name} = start({source!r}{given})").status == "ok"

    def outcome(self, name: str, timeout: float = 20) -> str:
        """How our cell ended: `kind` or `kind: error`; the kernel is free for it meanwhile."""
        end = time.monotonic() + timeout
        while self.run(f"{name}.future.done()").result != "True":
            assert time.monotonic() < end, f"{name} never ended"
            time.sleep(0.02)
        return str(self.eval(f"o = {name}.outcome(); f'{{o.kind}}: {{o.error}}' if o.error else str(o.kind)"))

    def hear(self, text: str, timeout: float = 20) -> None:
        """A cell of ours has printed the text."""
        end = time.monotonic() + timeout
        heard = ""
        while text not in heard:
            assert time.monotonic() < end, f"{text!r} never came, only {heard!r}"
            message = self.client.get_iopub_msg(timeout=timeout)
            if (
                message["parent_header"].get("msg_id", "").startswith("nbsched-")
                and message["msg_type"] == "stream"
            ):
                heard += message["content"]["text"]

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def _read(self, ran: Ran, timeout: float) -> bool:
        """Whether the cell has fallen idle."""
        try:
            message = self.client.get_iopub_msg(timeout=timeout)
        except queue.Empty:
            return False
        if message["parent_header"].get("msg_id") != ran.id:
            return False
        if message["msg_type"] == "status":
            return bool(message["content"]["execution_state"] == "idle")
        ran.outputs.append({"type": message["msg_type"], **message["content"]})
        return False

    def close(self) -> float:
        """Seconds that a graceful shutdown took."""
        began = time.monotonic()
        if self.manager.is_alive():
            self.client.shutdown()
        while self.manager.is_alive() and time.monotonic() - began < 10:
            time.sleep(0.02)
        took = time.monotonic() - began
        if self.client.channels_running:
            self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        return took


@pytest.fixture(scope="module")
def open_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Kernel]]:
    """Opens a kernel with these variables in its environment; all are closed at the end."""
    opened: list[Kernel] = []

    def open_one(**env: str) -> Kernel:
        opened.append(Kernel(tmp_path_factory.mktemp("kernel"), env))
        return opened[-1]

    yield open_one
    for kernel in opened:
        kernel.close()


@pytest.fixture(scope="module")
def kernel(open_kernel: Callable[..., Kernel]) -> Kernel:
    return open_kernel()
