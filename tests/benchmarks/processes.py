"""What processes have taken, by what Linux says of them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SET_SUBREAPER, GET_SUBREAPER = 36, 37


@dataclass(frozen=True)
class Process:
    """`seconds` are of its CPU and of those of its children that it has waited for."""

    pid: int
    parent: int
    seconds: float
    ended: bool
    """Only its parent does not know yet."""


def processes() -> dict[int, Process]:
    """All of the machine's, by their id."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            found[pid] = Process(pid, int(fields[1]), sum(map(int, fields[11:15])) / TICKS, fields[0] == "Z")
    return found


def below(top: int) -> list[Process]:
    """The processes that descend from this one, parents first."""
    children: dict[int, list[Process]] = {}
    for process in processes().values():
        children.setdefault(process.parent, []).append(process)
    found, left = [], [top]
    while left:
        mine = children.get(left.pop(), [])
        found += mine
        left += [process.pid for process in mine]
    return found


def cpu_below(top: int) -> float:
    """Seconds of CPU that the process and all that descends from it have taken, ended ones too.

    A process that detaches itself stays among them while this one gathers orphans.
    """
    return processes()[top].seconds + sum(process.seconds for process in below(top))


def machine_cpu() -> float:
    """Seconds of CPU that anything on the machine has taken; those who were waited for or not."""
    user, nice, system, _idle, _waiting, hardware, software = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + hardware + software) / TICKS


def pss(pid: int) -> int:
    """Bytes of memory that the process has, what it shares divided among those that share it."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def resident(pid: int) -> int:
    """Bytes of memory that are in use by the process."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:")


def peak_resident(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def _kilobytes(path: Path, figure: str) -> int:
    return 1024 * next(
        int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(figure)
    )


def descriptors(pid: int) -> int:
    """How many files and sockets the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextmanager
def gathering_orphans() -> Iterator[None]:
    """What a descendant leaves behind when it ends becomes a child of this process, and so is counted as its."""
    libc, before = ctypes.CDLL(None, use_errno=True), ctypes.c_int()
    libc.prctl(GET_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    libc.prctl(SET_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(SET_SUBREAPER, before.value, 0, 0, 0)
