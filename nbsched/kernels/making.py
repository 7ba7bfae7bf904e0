"""Making kernels ready ahead: forked ones, and started ones of languages that can be told where they work."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nbsched.kernels.ahead import Ready, log_in, new_connection, private_folder
from nbsched.kernels.forking import Zygote
from nbsched.kernels.group import child_environment
from nbsched.kernels.launch import own_arguments
from nbsched.kernels.obstacles import kernel_arguments

Changes = tuple[Mapping[str, str], Sequence[str]]
"""Variables to be set, and names of those to be unset."""


def forked(zygote: Zygote, argv: Sequence[str], kernel: str, own_env: Mapping[str, str]) -> Ready:
    """A kernel forked from the zygote, with the environment of its kernelspec; CannotFork."""
    folder, base = private_folder(), {**child_environment(), **own_env}
    file, connection = new_connection(Path(folder.name), kernel)
    ours, theirs = socket.socketpair()
    try:
        with theirs, open(os.devnull, "rb") as nothing, _private(log_in(Path(folder.name))) as log:
            request = {
                "job": "kernel", "argv": [*kernel_arguments(argv, file), *own_arguments(argv)], "cwd": folder.name,
                "env": base, "unset": [],
            }  # fmt: skip
            descriptors = [nothing.fileno(), log.fileno(), log.fileno(), theirs.fileno()]
            process = zygote.fork(request, descriptors)
    except BaseException:
        ours.close()
        folder.cleanup()
        raise
    return Ready(folder, connection, process, partial(_tell, ours, base), ours)


def _tell(channel: socket.socket, base: Mapping[str, str], cwd: Path, env: Mapping[str, str]) -> str:
    setting, unsetting = changes(base, env)
    message = {"cwd": str(cwd), "env": setting, "unset": unsetting}
    with channel, suppress(OSError):  # it has died, as whoever watches it will see
        channel.sendall(json.dumps(message).encode() + b"\n")
    return ""


def changes(base: Mapping[str, str], env: Mapping[str, str]) -> Changes:
    """What makes the one environment of the other."""
    setting = {name: value for name, value in env.items() if base.get(name) != value}
    return setting, [name for name in base if name not in env]


def started(argv: Sequence[str], kernel: str, language: str, own_env: Mapping[str, str]) -> Ready:
    """A kernel started as any other, with the environment of its kernelspec."""
    folder, base = private_folder(), {**child_environment(), **own_env}
    file, connection = new_connection(Path(folder.name), kernel)
    command = [argument.replace("{connection_file}", file) for argument in (*argv, *own_arguments(argv))]
    with _private(log_in(Path(folder.name))) as log:
        process = subprocess.Popen(
            command, cwd=folder.name, env={**base, "JPY_PARENT_PID": str(os.getpid())}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip

    def settle(cwd: Path, env: Mapping[str, str]) -> str:
        return MOVES[language](str(cwd), changes(base, env))

    return Ready(folder, connection, process, settle)


def _private(path: Path) -> Any:
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def _python(cwd: str, changed: Changes) -> str:
    setting, unsetting = changed
    steps = [f"os.chdir({cwd!r})", f"os.environ.update({dict(setting)!r})"]
    steps += [f"os.environ.pop({name!r}, None)" for name in unsetting]
    return f"(lambda os: ({', '.join(steps)}))(__import__('os'))"


def _bash(cwd: str, changed: Changes) -> str:
    setting, unsetting = changed
    lines = [f"cd -- {shlex.quote(cwd)}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in setting.items() if name.isidentifier()]
    lines += [f"unset {name}" for name in unsetting if name.isidentifier()]
    return "\n".join(lines)


MOVES: Mapping[str, Callable[[str, Changes], str]] = {"python": _python, "bash": _bash}
"""How a kernel of the language is told where it works and with what environment, once it runs."""
