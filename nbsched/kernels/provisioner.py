"""The kernel provisioner `nbsched`: kernels are forked from a preloaded process where they can be.

For whoever starts kernels through jupyter_client: papermill, nbclient, nbconvert, JupyterLab. It is used for all
kernels of a program with `JUPYTER_DEFAULT_PROVISIONER_NAME=nbsched`, or for those of one kernelspec that names it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from nbsched.kernels.ahead import Ready
from nbsched.kernels.forking import CannotFork, Forked
from nbsched.kernels.forks import own_forks
from nbsched.kernels.obstacles import interpreter_options, obstacle

NAME = "nbsched"


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel as `local-provisioner` does, only sooner."""

    ready: Ready | None = None
    """A kernel that runs already and is to be used; its manager knows where it listens."""
    modules: Sequence[str] = ()
    """What is to be imported ahead for it."""
    forks = True
    """Whether it may be forked."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        process = self.ready.process if self.ready else await asyncio.to_thread(self._forked, cmd, kwargs)
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = process
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    def _forked(self, cmd: list[str], given: Mapping[str, Any]) -> Forked | None:
        if not self.forks or obstacle(cmd, given["env"]):
            return None
        request = {
            "job": "kernel", "argv": cmd[cmd.index("-f") :], "cwd": str(given.get("cwd") or Path.cwd()),
            "env": given["env"], "unset": [],
        }  # fmt: skip
        with _descriptors(given) as descriptors, contextlib.suppress(CannotFork):
            return own_forks().prepare(interpreter_options(cmd), self.modules).fork(request, descriptors)
        return None


@contextlib.contextmanager
def _descriptors(given: Mapping[str, Any]) -> Iterator[list[int]]:
    """Of stdin, stdout and stderr, as `subprocess` would take them; a kernel never reads its own stdin."""
    with ExitStack() as opened:
        nothing = opened.enter_context(open(os.devnull, "r+b"))
        outputs = [
            _descriptor(given.get(name), default, nothing) for name, default in (("stdout", 1), ("stderr", 2))
        ]
        yield [nothing.fileno(), *outputs]


def _descriptor(given: int | IO[Any] | None, default: int, nothing: IO[bytes]) -> int:
    if given is None:
        return default
    if given in (subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT):
        return nothing.fileno()
    return given if isinstance(given, int) else given.fileno()
