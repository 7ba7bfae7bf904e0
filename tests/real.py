"""Waiting for what really happens, in processes that know no virtual time."""

from __future__ import annotations

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


def is_alive(pid: int) -> bool:
    """Running, and not merely waiting to be reaped by whoever adopts orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    """Whether the process ends within ten seconds."""
    return any(not is_alive(pid) or threading.Event().wait(0.1) for _ in range(100))
