"""Kernels that are made ready before anybody asks, each for one use."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_client.connect import KernelConnectionInfo, write_connection_file

from nbsched.kernels.forking import Forked
from nbsched.kernels.once import Once

KEPT_S = 60.0
"""A kernel that nobody wanted for so long is let go."""
MOST = min(os.cpu_count() or 1, 4)
"""So many of a kind are kept ready at most."""

Process = subprocess.Popen[bytes] | Forked


@dataclass
class Ready:
    """A kernel that has no work yet, in a private folder of its own."""

    folder: TemporaryDirectory[str]
    connection: KernelConnectionInfo
    process: Process
    settle: Callable[[Path, Mapping[str, str]], str]
    """Told its working directory and environment; gives back what is still to be executed for it."""
    channel: socket.socket | None = None
    born: float = field(default_factory=time.monotonic)

    @property
    def log(self) -> Path:
        return log_in(Path(self.folder.name))

    def discard(self) -> None:
        """It is gone, whether it was used or not."""
        if self.channel is not None:
            self.channel.close()
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self.process.kill()
            self.process.wait()
        self.folder.cleanup()


LONGEST_FOLDER = 80
"""Characters: the path of a socket may have a hundred."""


def private_folder() -> TemporaryDirectory[str]:
    """A new folder for a kernel's sockets, whose path is short enough for them where that can be had."""
    usual = tempfile.gettempdir()
    shorter = len(usual) > LONGEST_FOLDER and os.access("/tmp", os.W_OK)
    return TemporaryDirectory(prefix="nbs-", dir="/tmp" if shorter else usual)


def new_connection(folder: Path, kernel: str) -> tuple[str, Any]:
    """The file that says where a kernel of this private folder listens, and what it says."""
    ports = {
        f"{name}_port": at for at, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), start=1)
    }
    sockets: dict[str, Any] = (
        {"transport": "ipc", "ip": str(folder / "k"), **ports} if os.name == "posix" else {}
    )
    return write_connection_file(
        str(folder / "kernel.json"), key=uuid.uuid4().hex.encode(), kernel_name=kernel, **sockets
    )


def log_in(folder: Path) -> Path:
    return folder / "kernel.log"


Make = Callable[[], Ready]


class Ahead:
    """Keeps as many ready of each kind as were lately used in `KEPT_S`, up to `MOST`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: dict[Hashable, deque[Ready]] = defaultdict(deque)
        self._used: dict[Hashable, deque[float]] = defaultdict(deque)
        self._making: dict[Hashable, int] = defaultdict(int)
        self._expiry: threading.Timer | None = None
        self._closed = False

    def take(self, kind: Hashable, make: Make) -> Ready | None:
        """One that is ready, if there is; others are made meanwhile."""
        found = self._taken(kind)
        threading.Thread(target=self._refill, args=(kind, make), name="nbsched ahead", daemon=True).start()
        return found

    def _taken(self, kind: Hashable) -> Ready | None:
        with self._lock:
            self._used[kind].append(time.monotonic())
            while self._ready[kind]:
                found = self._ready[kind].popleft()
                if found.process.poll() is None:
                    return found
                found.discard()
        return None

    def _refill(self, kind: Hashable, make: Make) -> None:
        while self._wants(kind):
            try:
                made = make()
            except Exception:  # whoever asks next is told why, by making one for themselves
                break
            finally:
                with self._lock:
                    self._making[kind] -= 1
            self._keep(kind, made)

    def _wants(self, kind: Hashable) -> bool:
        """Whether one more is to be made; it then counts as being made."""
        with self._lock:
            used = self._used[kind]
            while used and used[0] < time.monotonic() - KEPT_S:
                used.popleft()
            wanted = min(len(used), MOST)
            more = not self._closed and len(self._ready[kind]) + self._making[kind] < wanted
            self._making[kind] += more
            return more

    def _keep(self, kind: Hashable, made: Ready) -> None:
        with self._lock:
            closed = self._closed
            if not closed:
                self._ready[kind].append(made)
                self._await_expiry()
        if closed:
            made.discard()

    def _await_expiry(self) -> None:
        if self._expiry is None:
            self._expiry = threading.Timer(KEPT_S / 2, self._expire)
            self._expiry.daemon = True
            self._expiry.start()

    def _expire(self) -> None:
        self._expiry = None
        self.discard(before=time.monotonic() - KEPT_S)
        with self._lock:
            if any(self._ready.values()):
                self._await_expiry()

    def discard(self, *, before: float = float("inf")) -> None:
        """None is left that was born before then."""
        with self._lock:
            gone = [one for ready in self._ready.values() for one in ready if one.born < before]
            for kind, ready in list(self._ready.items()):
                self._ready[kind] = deque(one for one in ready if one.born >= before)
        for one in gone:
            one.discard()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            timer, self._expiry = self._expiry, None
        if timer is not None:
            timer.cancel()
        self.discard()


own_ahead = Once(Ahead)
"""The kernels that this process keeps ready."""
