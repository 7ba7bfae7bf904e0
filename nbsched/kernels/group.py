"""Child processes that are never lost: each leads a session of its own and takes all it started with it."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal

import anyio

from nbsched.kernels.forking import Forked

POSIX = os.name == "posix"
KILL = signal.SIGKILL if POSIX else signal.SIGTERM
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
    env = {name: value for name, value in os.environ.items() if not _of_kernel(name, value)}
    for layer in layers:
        env.update({name: str(value) for name, value in layer.items()})
    return env


def _of_kernel(name: str, value: str) -> bool:
    return name in _KERNEL_ONLY or is_inline(name, value)


def is_inline(name: str, value: str) -> bool:
    """Whether the variable tells matplotlib to draw as every kernel does."""
    return name == "MPLBACKEND" and value in _INLINE_BACKENDS


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


class Replies:
    """Lines that the child writes to its reply pipe."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self._hear, self._rest = hear, b""

    def feed(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hear(line)

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Child:
    """A started process that leads a session of its own; what it writes waits in its pipes."""

    process: subprocess.Popen[bytes] | Forked
    replies: BinaryIO | None

    def abandon(self) -> None:
        """It is gone, unheard."""
        _signal_group(self.process, KILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr, self.replies):
            if pipe is not None:
                pipe.close()


def start(argv: Sequence[str], *, cwd: str | Path, env: Mapping[str, str], replies: bool = False) -> Child:
    """A running child; with `replies` its last argument is the descriptor of a pipe for lines of its own.

    OSError and ValueError when it cannot be started.
    """
    if not replies:
        return Child(_start(argv, cwd, env, ()), None)
    ours, theirs = os.pipe()
    try:
        process = _start((*argv, str(theirs)), cwd, env, (theirs,))
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Child(process, os.fdopen(ours, "rb", buffering=0))


def _start(
    argv: Sequence[str], cwd: str | Path, env: Mapping[str, str], descriptors: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=env, start_new_session=True,
        pass_fds=descriptors,
    )  # fmt: skip


def _signal_group(process: subprocess.Popen[bytes] | Forked, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if POSIX:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


@asynccontextmanager
async def process_group(
    child: Child, tell: Tell, hear: Callable[[bytes], None] | None = None
) -> AsyncIterator[ProcessGroup]:
    """The child is heard inside the block, and nothing that it started is there after it.

    `tell` gets its output by lines, `hear` each line of its reply pipe.
    """
    group = ProcessGroup(child, tell)
    try:
        with anyio.CancelScope(shield=True):
            await group._listen(hear)
        yield group
    finally:
        with anyio.CancelScope(shield=True):
            await group._close()


class ProcessGroup:
    """A child that is heard, and all that it starts; made by `process_group`."""

    def __init__(self, child: Child, tell: Tell) -> None:
        self.stdout = Lines(lambda text: tell(text, "stdout"))
        self.stderr = Lines(lambda text: tell(text, "stderr"))
        self.pid = child.process.pid
        """Also the id of the group."""
        self._child = child
        self._pipes: list[_Pipe] = []
        self._ended = anyio.Event()
        self._silent = anyio.Event()

    async def wait(self, grace: Callable[[], timedelta]) -> int:
        """The leader's exit status, negative for a signal that killed it; when cancelled, `stop(grace())`."""
        try:
            await self._ended.wait()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self.stop(grace())
            raise
        return int(self._child.process.wait())

    async def stop(self, grace: timedelta) -> None:
        """The group was interrupted, and killed when its leader had not ended after `grace`."""
        _signal_group(self._child.process, signal.SIGINT)
        with anyio.move_on_after(grace.total_seconds()):
            await self._ended.wait()
        self.kill()
        await self._ended.wait()

    def kill(self) -> None:
        """Nothing of the group runs any more."""
        _signal_group(self._child.process, KILL)

    async def _listen(self, hear: Callable[[bytes], None] | None) -> None:
        loop, process = asyncio.get_running_loop(), self._child.process
        threading.Thread(
            target=self._watch, args=(loop,), name=f"nbsched child {self.pid}", daemon=True
        ).start()
        self._pipes = [_Pipe(self._pipe_closed, process.stdout, self.stdout)]
        self._pipes.append(_Pipe(self._pipe_closed, process.stderr, self.stderr))
        if hear:
            self._pipes.append(_Pipe(self._pipe_closed, self._child.replies, Replies(hear)))
        for pipe in self._pipes:
            await pipe.open(loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._child.process.wait()
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            loop.call_soon_threadsafe(self._ended.set)

    def _pipe_closed(self) -> None:
        if all(pipe.closed for pipe in self._pipes):
            self._silent.set()

    async def _close(self) -> None:
        """What was still to be said is heard, for a moment; then nothing of the group is left."""
        if not self._ended.is_set():
            self.kill()
            await self._ended.wait()
        for _ in range(2):
            with anyio.move_on_after(DRAIN_S):
                await self._silent.wait()
            self.kill()
        for pipe in self._pipes:
            pipe.close()
        assert self._child.process.stdin
        self._child.process.stdin.close()


class _Pipe(asyncio.Protocol):
    """What arrives through a pipe, on its way to those who want it."""

    def __init__(self, when_closed: Callable[[], None], file: Any, sink: Lines | Replies) -> None:
        self.closed = False
        self._when_closed, self._file, self._sink = when_closed, file, sink

    async def open(self, loop: asyncio.AbstractEventLoop) -> None:
        await loop.connect_read_pipe(lambda: self, self._file)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._sink.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        self._when_closed()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._sink.close()
            self._transport.close()
