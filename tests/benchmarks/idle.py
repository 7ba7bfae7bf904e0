"""What schedules cost that are not due."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.measure import OURS
from tests.benchmarks.processes import cpu_below, resident
from tests.benchmarks.results import Report, Row, table
from tests.benchmarks.workers import worker

PEER = "APScheduler 3, SQLite"
MB = 1_000_000


def report(number: int = 1_000, seconds: float = 20) -> Report:
    """Both are idle side by side."""
    with ExitStack() as stack:
        workers = {}
        for name, side in {OURS: "nbsched", PEER: "apscheduler"}.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            workers[name] = stack.enter_context(worker("idling.py", side, number, folder))
        time.sleep(1)
        before = {name: cpu_below(one.pid) for name, one in workers.items()}
        time.sleep(seconds)
        shares = {name: (cpu_below(one.pid) - before[name]) / seconds for name, one in workers.items()}
        memory = {name: resident(one.pid) / MB for name, one in workers.items()}
    title = f"{number:,} schedules, none due"
    text = table(f"{title}, for {seconds:g} s", ["", "CPU, % of a core", "MB in memory"],
                 [[name, f"{shares[name]:.3%}", f"{memory[name]:.1f}"] for name in workers])  # fmt: skip
    return Report(text, (
        Row(f"{title}: CPU", shares[OURS] * 100, "% of a core", most=0.1),
        Row(f"{title}: memory", memory[OURS], "MB", PEER, memory[PEER]),
    ))  # fmt: skip
