"""Fresh processes for functions: forked where they can be, else started ahead."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbsched.core.errors import UsageError
from nbsched.kernels import worker
from nbsched.kernels.forking import CannotFork, Zygote
from nbsched.kernels.forks import own_forks
from nbsched.kernels.group import Child, child_environment, start
from nbsched.kernels.obstacles import environment_obstacle
from nbsched.kernels.wanted import Way, way_of

HOME = str(Path(worker.__file__).parents[2])


class Workers:
    """Fresh workers for one entry, each for one request."""

    def __init__(self, entry: str) -> None:
        self._entry = entry
        self._lock = threading.Lock()
        self._waiting: tuple[Child, weakref.finalize[[], Workers]] | None = None

    def ask(
        self, payload: bytes, env: Mapping[str, str], modules: Sequence[str] = (), launch: str = "auto"
    ) -> Child:
        """A worker that has been given the payload, with these modules imported ahead where it is forked."""
        child = self._wanted(way_of(launch), env, modules)
        assert child.process.stdin
        with suppress(BrokenPipeError):  # it has died, as whoever listens to it will see
            data = memoryview(worker.request(payload, env))
            while data:
                data = data[os.write(child.process.stdin.fileno(), data) :]
        return child

    def _wanted(self, way: Way | None, env: Mapping[str, str], modules: Sequence[str]) -> Child:
        """UsageError when it can only be forked and cannot be."""
        no_fork = environment_obstacle(env)
        if way == "cold":
            return self._start()
        if no_fork and way == "fork":
            raise UsageError(f"no process can be forked: {no_fork}; leave out launch='fork'")
        forked = None if no_fork or way == "pool" else self._forked(env, modules)
        return forked or self._started()

    def _forked(self, env: Mapping[str, str], modules: Sequence[str]) -> Child | None:
        request = {
            "job": "worker", "entry": self._entry, "path": HOME, "cwd": os.getcwd(), "env": dict(env), "unset": [],
        }  # fmt: skip
        needed = (self._entry.partition(":")[0], "cloudpickle", *modules)
        with suppress(CannotFork):
            return _child(own_forks().prepare(None, needed), request)
        return None

    # --- where nothing can be forked: one waits, and ends with us at the latest ---

    def _started(self) -> Child:
        child = self._take() or self._start()
        self.start_ahead()
        return child

    def _start(self) -> Child:
        return start(worker.command(self._entry), cwd=os.getcwd(), env=child_environment(), replies=True)

    def _take(self) -> Child | None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        child, end = waiting
        if child.process.poll() is None:
            end.detach()
            return child
        end()
        return None

    def start_ahead(self) -> None:
        """One is waiting, or on its way."""
        with self._lock:
            if self._waiting is None:
                child = self._start()
                self._waiting = child, weakref.finalize(self, child.abandon)


def _child(zygote: Zygote, request: Mapping[str, Any]) -> Child:
    """A worker of the zygote, with pipes to its stdin and from its stdout, stderr and replies; CannotFork."""
    ins, *outs = pairs = [os.pipe() for _ in range(4)]
    theirs = [ins[0], *(write for _, write in outs)]
    try:
        process = zygote.fork(request, theirs)
    except BaseException:
        _close(end for pair in pairs for end in pair)
        raise
    _close(theirs)
    process.stdin = os.fdopen(ins[1], "wb", buffering=0)
    process.stdout, process.stderr, replies = (os.fdopen(read, "rb", buffering=0) for read, _ in outs)
    return Child(process, replies)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
