"""A kernel in a process of its own: started, heard, watched, interrupted, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import zmq.asyncio
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from nbsched.core.errors import UnknownName

POLL_S = 0.05
"""How late the end of a kernel's process may be noticed."""
FAREWELL_S = 2.5
"""What a kernel gets to end by itself once its work is done; as long as Jupyter gives it."""
RECONNECT_MS = 10


def kernel_language(name: str) -> str:
    """The language of the installed kernel of that name, in lower case; UnknownName when there is none."""
    specs = KernelSpecManager()
    try:
        return str(specs.get_kernel_spec(name).language).lower()
    except NoSuchKernel:
        remedy = "install it, or name another with kernel="
        raise UnknownName("kernel", name, specs.find_kernel_specs(), remedy) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a kernel is started."""

    kernel: str
    cwd: Path
    env: Mapping[str, str]
    """The whole environment, not an addition to ours."""
    log: Path | None = None
    """Gets what the process writes to its own stdout and stderr."""


@asynccontextmanager
async def running_kernel(launch: Launch) -> AsyncIterator[Kernel]:
    """A started kernel; when the block is left, its process group and its sockets are gone."""
    with TemporaryDirectory(prefix="nbs-") as folder, _log(launch.log) as log:
        kernel = Kernel(launch, Path(folder))
        try:
            await kernel.start(log)
            yield kernel
        finally:
            await kernel.close()


def _log(path: Path | None) -> IO[bytes]:
    return open(path or os.devnull, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _transport(folder: Path) -> dict[str, Any]:
    """Sockets in a private folder where the platform has them: no port can clash or be reached from outside."""
    return {"transport": "ipc", "ip": str(folder / "k")} if os.name == "posix" else {}


class Kernel:
    """One kernel process and the channels to it; used within one event loop."""

    exited: asyncio.Task[int]
    """Done when the process has ended, however it came; its exit code (negative: the signal)."""

    def __init__(self, launch: Launch, folder: Path) -> None:
        self._launch = launch
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._manager = AsyncKernelManager(
            kernel_name=launch.kernel,
            context=self._context,
            connection_file=str(folder / "kernel.json"),
            **_transport(folder),
        )
        self.client: Any = None

    @property
    def pid(self) -> int | None:
        return getattr(self._manager.provisioner, "pid", None)

    @property
    def _is_ipykernel(self) -> bool:
        spec = self._manager.kernel_spec
        return spec is not None and any("ipykernel" in argument for argument in spec.argv)

    async def start(self, log: IO[bytes]) -> None:
        """The process runs; whether it answers is for `ready`."""
        history = ["--HistoryManager.hist_file=:memory:"] if self._is_ipykernel else []
        await self._manager.start_kernel(
            cwd=str(self._launch.cwd),
            env=dict(self._launch.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            extra_arguments=history,
        )
        self.exited = asyncio.create_task(self._watch())
        self.client = self._manager.client(context=self._context)
        self.client.start_channels(stdin=False, hb=False, control=False)

    async def ready(self) -> dict[str, Any]:
        """What the kernel says of itself, once it answers and its outputs reach us."""
        heard = asyncio.ensure_future(self.client.get_iopub_msg(timeout=None))
        try:
            self.client.kernel_info()
            answer = await self.client.get_shell_msg(timeout=None)
            while not heard.done():
                self.client.kernel_info()
                await asyncio.wait({heard}, timeout=POLL_S)
        finally:
            heard.cancel()
        content: dict[str, Any] = answer["content"]
        return content

    async def _watch(self) -> int:
        provisioner: Any = self._manager.provisioner
        while (code := await provisioner.poll()) is None:
            await asyncio.sleep(POLL_S)
        self._sweep(provisioner)
        return int(code)

    def _sweep(self, provisioner: Any) -> None:
        """Nothing that the kernel has started in its own process group outlives it."""
        group = getattr(provisioner, "pgid", None)
        if group and group == self.pid and hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    async def interrupt(self) -> None:
        if not self.exited.done():
            with suppress(ProcessLookupError):
                await self._manager.interrupt_kernel()

    async def kill(self) -> None:
        """The process group is gone."""
        if not self.exited.done():
            provisioner: Any = self._manager.provisioner
            await provisioner.kill()
            await self.exited

    async def close(self) -> None:
        """The process has ended, asked or forced; nothing of it is left but its log."""
        if self.client is not None:
            await self._end()
            self.client.stop_channels()
        await self._manager.cleanup_resources()
        self._context.destroy(linger=0)

    async def _end(self) -> None:
        if not self.exited.done():
            await self._manager.request_shutdown()
            await asyncio.wait({self.exited}, timeout=FAREWELL_S)
        await self.kill()
        provisioner: Any = self._manager.provisioner
        await provisioner.wait()


def exit_text(code: int) -> str:
    """An exit code in words: `was killed by SIGKILL`, `exited with code 3`."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
