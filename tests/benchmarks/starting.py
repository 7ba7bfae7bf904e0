"""What it costs to import, in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from tests.benchmarks.measure import OURS, Spent, comparison, in_turns
from tests.benchmarks.results import Report

CODE = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import {}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def imported(module: str) -> Spent:
    """What the import takes in an interpreter that has imported nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(module)], check=True, capture_output=True, text=True
    )
    return Spent(*map(float, done.stdout.split()))


def report(rounds: int = 5) -> Report:
    modules = {OURS: "nbsched", "papermill": "papermill"}
    found = in_turns({name: partial(imported, module) for name, module in modules.items()}, rounds)
    return comparison("Import", found, {"papermill": 0.1}, 1e-3)
