"""Which process a pid means: a name for this machine's start and the process's own."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"{socket.gethostname()}/?"


def birth_of(pid: int) -> str | None:
    """A text that no other process ever has; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if _machine().rpartition("/")[2] != "?" else f"{_machine()}/?"
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_machine()}/{fields[19]}"


def is_dead(pid: int, birth: str) -> bool:
    """True only when it is certain: the process was on this machine and is not there any more."""
    machine, _, start = birth.rpartition("/")
    return machine == _machine() and start != "?" and birth_of(pid) != birth
