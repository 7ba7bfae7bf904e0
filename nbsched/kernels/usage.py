"""What a cell uses: time on the clock, time of the processor, memory."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import psutil

from nbsched.core.usage import Usage

MB = 1_000_000


class Meter:
    """Measures one cell after the other in the process of their kernel; None: one that is not on this machine.

    The processor's time is that of the process and of those it has started and waited for: what still runs counts
    once it has ended. The peak of memory is that of the process alone; where the system cannot begin it anew (all
    but Linux), it is what the process has in memory when the cell ends.
    """

    def __init__(self, pid: int | None) -> None:
        self._process = None
        if pid is not None:
            with suppress(psutil.Error):
                self._process = psutil.Process(pid)

    def begin(self) -> None:
        """What is used from now on is the next cell's."""
        self._has_peak = self._process is not None and _forget_peak(self._process.pid)
        self._cpu_s = self._spent()
        self._began_s = time.perf_counter()

    def end(self) -> Usage:
        """What the cell has used; of a kernel that is gone only its time on the clock."""
        usage = Usage(wall_s=round(time.perf_counter() - self._began_s, 3))
        spent, memory = self._spent(), self._memory()
        if spent is not None and self._cpu_s is not None:
            usage["cpu_s"] = round(spent - self._cpu_s, 2)
        if memory:
            usage["peak_memory_mb"] = round(memory / MB, 1)
        return usage

    def _spent(self) -> float | None:
        """Seconds of the processor."""
        if self._process is None:
            return None
        try:
            times = self._process.cpu_times()
        except psutil.Error:
            return None
        return float(times.user + times.system + times.children_user + times.children_system)

    def _memory(self) -> int | None:
        """Bytes."""
        if self._process is None:
            return None
        if self._has_peak:
            return _peak(self._process.pid)
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return None


def _forget_peak(pid: int) -> bool:
    """Whether the peak of the process's memory counts from now on."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _peak(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return None
    kilobytes = status.partition(b"VmHWM:")[2].split(maxsplit=1)
    return int(kilobytes[0]) * 1024 if kilobytes else None
