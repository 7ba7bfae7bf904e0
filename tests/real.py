"""Waiting for what really happens, in processes that know no virtual time."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path


def until(holds: Callable[[], object], seconds: float = 20) -> float:
    """The condition has come true; after how many seconds."""
    began = time.perf_counter()
    while not holds():
        assert time.perf_counter() - began < seconds, "it has not come true"
        threading.Event().wait(0.02)
    return time.perf_counter() - began


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """The process has ended: asked to, or killed when that takes longer."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process has ended as by a crash."""
    process.kill()
    process.wait()


def is_alive(pid: int) -> bool:
    """Running, and not merely waiting to be reaped by whoever adopts orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    return any(not is_alive(pid) or threading.Event().wait(0.1) for _ in range(100))
