"""Our end of a zygote: it is started once, and asked for fresh processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any

from nbsched.core.errors import NbschedError
from nbsched.kernels import zygote

PROGRAM = Path(zygote.__file__)
BASE = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger",
    "ipykernel.subshell_manager", "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger",
    "IPython.core.oinspect", "IPython.extensions.storemagic", "comm",
    "tornado.platform.asyncio", "zmq.eventloop.zmqstream", "pdb", "faulthandler", "sqlite3", "psutil",
)  # fmt: skip
"""What every ipykernel imports by its first cell; what that says is in no cell's output."""
AS_KERNELS = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Arrow starts no thread while it is imported, which a fork would not have."""
ANSWER_S = 60.0
"""A zygote that has not answered by then hangs in an import."""


class CannotFork(NbschedError):
    """No process can be forked; the text says why."""


class Forked:
    """A process that a zygote has forked, with the face of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self._ended: Future[int] = Future()

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        try:
            return self._ended.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def end(self, status: int) -> None:
        """It has ended so."""
        if not self._ended.done():
            self._ended.set_result(status)


class Zygote:
    """A preloaded process and what it has imported; `alive` until it ends or is retired."""

    def __init__(self, options: Sequence[str], env: Mapping[str, str], base: Sequence[str]) -> None:
        self.modules: frozenset[str] = frozenset()
        self.alive = True
        self._lock = threading.Lock()
        self._answers: list[Future[dict[str, Any]]] = []
        self._children: dict[int, Forked] = {}
        self._early: dict[int, int] = {}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, zygote.LONGEST_MESSAGE)
            command = [sys.executable, *options, str(PROGRAM), str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, env={**AS_KERNELS, **env, **NO_THREADS}, cwd="/", start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip
        threading.Thread(target=self._hear, name="nbsched zygote", daemon=True).start()
        self.preload(base, aloud=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    def preload(self, modules: Sequence[str], *, aloud: bool = False) -> None:
        """They are imported; Unfit, and the zygote is retired, when one of them must not be."""
        new = [module for module in modules if module not in self.modules]
        if not new:
            return
        unfit = self._ask({"op": "preload", "modules": new, "aloud": aloud})["unfit"]
        if unfit:
            self.retire()
            raise Unfit(*unfit)
        self.modules |= set(new)

    def checked(self) -> Zygote:
        """Itself, if it may still fork; else it is retired: CannotFork."""
        why = self._ask({"op": "check"})["unsafe"]
        if why:
            self.retire()
            raise CannotFork(f"no kernel can be forked: {why}")
        return self

    def fork(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> Forked:
        """A fresh process that does what the request says; CannotFork when the zygote has gone."""
        answer = self._ask({"op": "fork", **request}, descriptors)
        with self._lock:
            child = self._children[answer["pid"]] = Forked(answer["pid"])
            if child.pid in self._early:
                self._bury(child.pid, self._early.pop(child.pid))
        return child

    def retire(self) -> None:
        """It forks no more, and ends when its last child has."""
        self.alive = False
        with contextlib.suppress(OSError):
            self._control.send(json.dumps({"op": "retire"}).encode())

    def close(self) -> None:
        """It is gone, and its children are."""
        self.alive = False
        self._control.shutdown(socket.SHUT_RDWR)
        self._process.wait()

    def _ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        try:
            return self._sent(request, descriptors).result(ANSWER_S)
        except TimeoutError:
            self._process.kill()
            raise CannotFork(f"the process that forks kernels has not answered in {ANSWER_S:g} s") from None
        except OSError as error:
            raise CannotFork(f"the process that forks kernels cannot be asked: {error}") from None

    def _sent(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> Future[dict[str, Any]]:
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            self._answers.append(answer)
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], list(descriptors))
            except OSError:
                self._answers.remove(answer)
                raise
        return answer

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._control.recv(zygote.LONGEST_MESSAGE):
                self._heard(json.loads(data))
        self._process.wait()
        self._orphan()

    def _heard(self, message: dict[str, Any]) -> None:
        with self._lock:
            if "ended" in message:
                self._bury(message["ended"], message["status"])
            else:
                self._answers.pop(0).set_result(message)

    def _bury(self, pid: int, status: int) -> None:
        child = self._children.pop(pid, None)
        if child is None:
            self._early[pid] = status
        else:
            child.end(status)

    def _orphan(self) -> None:
        """The zygote has gone: so have its children, and nobody answers."""
        self.alive = False
        with self._lock:
            children, answers = list(self._children.values()), list(self._answers)
            self._children.clear()
            self._answers.clear()
            self._control.close()
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.end(-signal.SIGKILL)
        for answer in answers:
            answer.set_exception(OSError("it has ended"))


class Unfit(CannotFork):
    """A module must not be preloaded."""

    def __init__(self, module: str, why: str) -> None:
        super().__init__(f"{module} cannot be preloaded: {why}")
        self.module, self.why = module, why
