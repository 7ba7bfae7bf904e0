"""A kernel in a process of its own: started, heard, watched, interrupted, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import zmq.asyncio
from jupyter_client.manager import AsyncKernelManager

from nbsched.kernels.ahead import Process, Ready, private_folder
from nbsched.kernels.launch import Launch, is_local, own_arguments
from nbsched.kernels.provisioner import WarmProvisioner
from nbsched.kernels.ways import choose, ready_kernel

POLL_S = 0.05
"""How late the end of a kernel's process may be noticed."""
FAREWELL_S = 2.5
"""What a kernel gets to end by itself once its work is done; as long as Jupyter gives it."""
RECONNECT_MS = 10


@asynccontextmanager
async def running_kernel(launch: Launch) -> AsyncIterator[Kernel]:
    """A started kernel; when the block is left, its process group and its sockets are gone."""
    way = choose(launch).way
    ready = ready_kernel(launch, way)
    with _folder(ready) as folder, _log(launch.log) as log:
        kernel = Kernel(launch, folder, ready, forks=way == "fork")
        try:
            await kernel.start(log)
            yield kernel
        finally:
            await kernel.close()
            if ready:
                log.write(ready.log.read_bytes())


@contextmanager
def _folder(ready: Ready | None) -> Iterator[Path]:
    """The kernel's private folder; after the block it is gone, and so is a ready kernel."""
    if ready is None:
        with private_folder() as folder:
            yield Path(folder)
        return
    try:
        yield Path(ready.folder.name)
    finally:
        ready.discard()


def _log(path: Path | None) -> IO[bytes]:
    return open(path or os.devnull, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _transport(folder: Path) -> dict[str, Any]:
    """Sockets in a private folder where the platform has them: no port can clash or be reached from outside."""
    return {"transport": "ipc", "ip": str(folder / "k")} if os.name == "posix" else {}


class Kernel:
    """One kernel process and the channels to it; used within one event loop."""

    exited: asyncio.Future[int]
    """Done when the process has ended, however it came; its exit code (negative: the signal)."""

    def __init__(self, launch: Launch, folder: Path, ready: Ready | None, *, forks: bool) -> None:
        self._launch, self._ready, self._forks = launch, ready, forks
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._manager = AsyncKernelManager(
            kernel_name=launch.kernel,
            context=self._context,
            connection_file=str(folder / "manager.json"),  # a ready kernel may be reading its own still
            **_transport(folder),
        )
        if ready:
            self._manager.load_connection_info(ready.connection)
        self.client: Any = None

    @property
    def pid(self) -> int | None:
        return getattr(self._manager.provisioner, "pid", None)

    async def start(self, log: IO[bytes]) -> None:
        """The process runs; whether it answers is for `ready`."""
        launch, spec = self._launch, self._manager.kernel_spec
        assert spec is not None
        if is_local(spec):
            self._manager.provisioner = self._provisioner()
        await self._manager.start_kernel(
            cwd=str(launch.cwd), env=dict(launch.env), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            extra_arguments=own_arguments(spec.argv),
        )  # fmt: skip
        self.exited = asyncio.ensure_future(self._watch())
        self.client = self._manager.client(context=self._context)
        self.client.start_channels(stdin=False, hb=False, control=False)
        if self._ready and (source := self._ready.settle(launch.cwd, {**launch.env, **spec.env})):
            self.client.execute(source, silent=True, store_history=False, allow_stdin=False)

    def _provisioner(self) -> WarmProvisioner:
        manager = self._manager
        found = WarmProvisioner(kernel_id=uuid.uuid4().hex, kernel_spec=manager.kernel_spec, parent=manager)
        found.ready, found.modules, found.forks = self._ready, self._launch.modules, self._forks
        return found

    async def ready(self) -> dict[str, Any]:
        """What the kernel says of itself, once it answers and its outputs reach us."""
        heard = asyncio.ensure_future(self.client.get_iopub_msg(timeout=None))
        try:
            self.client.kernel_info()
            answer = await self._answer("kernel_info_reply")
            while not heard.done():
                self.client.kernel_info()
                await asyncio.wait({heard}, timeout=POLL_S)
        finally:
            heard.cancel()
        content: dict[str, Any] = answer["content"]
        return content

    async def _answer(self, kind: str) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = await self.client.get_shell_msg(timeout=None)
            if message["msg_type"] == kind:
                return message

    async def _watch(self) -> int:
        provisioner: Any = self._manager.provisioner
        process = getattr(provisioner, "process", None)
        if process is not None:
            code = await ended(process)
        else:  # a kernel that somebody else's provisioner runs, perhaps elsewhere
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


async def ended(process: Process) -> int:
    """The exit code of the process, as soon as it has ended."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[int] = loop.create_future()

    def wait() -> None:
        code = process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(future.set_result, code)

    threading.Thread(target=wait, name=f"nbsched kernel {process.pid}", daemon=True).start()
    return await asyncio.shield(future)


def exit_text(code: int) -> str:
    """An exit code in words: `was killed by SIGKILL`, `exited with code 3`."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
