"""Child processes that are never lost: each leads a session of its own and takes all it started with it."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

import anyio

POSIX = os.name == "posix"
LONGEST_LINE = 1024 * 1024
"""Characters; a longer line is told in pieces and not remembered."""
DRAIN_S = 0.5
"""How long what is left in the pipes is waited for when the leader has ended."""

Stream = Literal["stdout", "stderr"]
Tell = Callable[[str, Stream], None]

_KERNEL_ONLY = ("JPY_SESSION_NAME", "JPY_PARENT_PID")
_INLINE_BACKENDS = ("module://matplotlib_inline.backend_inline", "module://ipykernel.pylab.backend_inline")


def child_environment(*layers: Mapping[str, Any]) -> dict[str, str]:
    """This process's environment without what is true only of a kernel, with the layers laid over it."""
    env = {name: value for name, value in os.environ.items() if name not in _KERNEL_ONLY}
    if env.get("MPLBACKEND") in _INLINE_BACKENDS:
        del env["MPLBACKEND"]
    for layer in layers:
        env.update({name: str(value) for name, value in layer.items()})
    return env


def ending(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


class Lines:
    """Bytes as they arrive, handed on as text by whole lines; the last lines are remembered in `tail`."""

    def __init__(self, tell: Callable[[str], None], remember: int = 50) -> None:
        self.tail: deque[str | None] = deque(maxlen=remember)
        """Without their line ends; None stands for a line too long to remember."""
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line: list[str] = []
        self._length = 0
        self._too_long = False

    def feed(self, data: bytes, final: bool = False) -> None:
        """Bytes that are not UTF-8 become U+FFFD."""
        whole, newline, rest = self._decoder.decode(data, final).rpartition("\n")
        if newline:
            self._end_line(whole)
        self._line.append(rest)
        self._length += len(rest)
        if self._length > LONGEST_LINE:
            self._flush()
            self._too_long = True

    def close(self) -> None:
        """What had no line end counts as a line."""
        self.feed(b"", final=True)
        if "".join(self._line) or self._too_long:
            self._remember("".join(self._line))
        self._flush()

    def _end_line(self, text: str) -> None:
        lines = ("".join(self._line) + text).split("\n")
        self._line.append(text + "\n")
        self._flush()
        for line in lines:
            self._remember(line)

    def _remember(self, line: str) -> None:
        self.tail.append(None if self._too_long else line.removesuffix("\r"))
        self._too_long = False

    def _flush(self) -> None:
        text = "".join(self._line)
        self._line, self._length = [], 0
        if text:
            self._tell(text)


class _Replies(asyncio.Protocol):
    """Lines that the child writes to its reply pipe."""

    def __init__(self, reply: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._reply, self._closed, self._rest = reply, closed, b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._reply(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed()


class ProcessGroup(asyncio.SubprocessProtocol):
    """A running child and all that it starts; made by `process_group`."""

    def __init__(self, tell: Tell) -> None:
        self.stdout = Lines(lambda text: tell(text, "stdout"))
        self.stderr = Lines(lambda text: tell(text, "stderr"))
        self._open: set[int] = {1, 2}
        self._exited = anyio.Event()
        self._silent = anyio.Event()
        self._transport: asyncio.SubprocessTransport

    @property
    def pid(self) -> int:
        """Also the id of the group."""
        return self._transport.get_pid()

    async def wait(self, grace: Callable[[], timedelta]) -> int:
        """The leader's exit status, negative for the signal that killed it; when cancelled, `stop(grace())`."""
        try:
            await self._exited.wait()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self.stop(grace())
            raise
        return cast(int, self._transport.get_returncode())

    async def stop(self, grace: timedelta) -> None:
        """The group was interrupted, and killed when its leader had not ended after `grace`."""
        self._signal(signal.SIGINT)
        with anyio.move_on_after(grace.total_seconds()):
            await self._exited.wait()
        self.kill()
        await self._exited.wait()

    def kill(self) -> None:
        """Nothing of the group runs any more."""
        self._signal(signal.SIGKILL if POSIX else signal.SIGTERM)

    def feed(self, data: bytes) -> None:
        """The child's standard input gets the bytes and stays open: its end tells the child that we are gone."""
        cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        (self.stdout if fd == 1 else self.stderr).feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in (1, 2):
            (self.stdout if fd == 1 else self.stderr).close()
        self._closed(fd)

    def process_exited(self) -> None:
        self._exited.set()

    def _closed(self, fd: int) -> None:
        self._open.discard(fd)
        if not self._open:
            self._silent.set()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self.pid, number)
            else:
                self._transport.send_signal(number)

    async def _listen(self, descriptor: int, reply: Callable[[bytes], None]) -> asyncio.BaseTransport:
        self._open.add(descriptor)
        protocol = _Replies(reply, lambda: self._closed(descriptor))
        pipe = os.fdopen(descriptor, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        return transport

    async def _close(self) -> None:
        """What was still to be said is heard, for a moment; then nothing of the group is left."""
        if not self._exited.is_set():
            self.kill()
            await self._exited.wait()
        for _ in range(2):
            with anyio.move_on_after(DRAIN_S):
                await self._silent.wait()
            self.kill()
        self.stdout.close()
        self.stderr.close()
        self._transport.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start, where and with which environment."""

    argv: Sequence[str]
    cwd: str | Path
    env: Mapping[str, str]


@asynccontextmanager
async def process_group(
    command: Command, tell: Tell, reply: Callable[[bytes], None] | None = None
) -> AsyncIterator[ProcessGroup]:
    """The child is running inside the block, and nothing that it started is after it.

    `tell` gets its output by lines. With `reply` the child's last argument is the descriptor of a pipe to
    write lines to. OSError and ValueError when it cannot be started.
    """
    with anyio.CancelScope(shield=True):
        group, replies = await _start(command, tell, reply)
    try:
        yield group
    finally:
        with anyio.CancelScope(shield=True):
            await group._close()
            if replies:
                replies.close()


async def _start(
    command: Command, tell: Tell, reply: Callable[[bytes], None] | None
) -> tuple[ProcessGroup, asyncio.BaseTransport | None]:
    if reply is None:
        return await _spawn(command, tell, ()), None
    ours, theirs = os.pipe()
    try:
        group = await _spawn(command, tell, (theirs,))
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return group, await group._listen(ours, reply)


async def _spawn(command: Command, tell: Tell, descriptors: tuple[int, ...]) -> ProcessGroup:
    _, group = await asyncio.get_running_loop().subprocess_exec(
        lambda: ProcessGroup(tell),
        *command.argv,
        *(str(descriptor) for descriptor in descriptors),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=command.cwd,
        env=command.env,
        start_new_session=True,
        pass_fds=descriptors,
    )
    return group
