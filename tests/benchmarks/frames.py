"""How smooth the panel is; the browser's test of it says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.results import Report, Row, table

ROOT = Path(__file__).parents[2]
TEST = "test_ten_thousand_runs_with_a_hundred_changes_a_second_stay_smooth_and_lose_nothing"
WHAT = "Panel of 10,000 runs, 100 changes a second, scrolling"


def report() -> Report:
    command = [sys.executable, "-m", "pytest", f"tests/ui/test_panel.py::{TEST}", "-m", "ui", "-n", "0", "-s", "-q",
               "-p", "no:cacheprovider"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return told(done.stdout)


def told(printed: str) -> Report:
    """What the test has printed, or that there is no browser to print it."""
    line = re.search(r'\{"fps".*\}', printed)
    if line is None:
        nothing = Row(f"{WHAT}: frames", None, "per second", "needs Chromium", least=30)
        return Report(f"### {WHAT}\n\nnot measured: {printed.strip()[-300:]}\n", (nothing,))
    found = json.loads(line.group())
    text = table(WHAT, ["frames per second", "longest frame ms", "messages per second"],
                 [[f"{found[name]:.1f}" for name in ("fps", "worst", "messages")]])  # fmt: skip
    return Report(text, (
        Row(f"{WHAT}: frames", found["fps"], "per second", least=30),
        Row(f"{WHAT}: messages", found["messages"], "per second", most=10),
    ))  # fmt: skip
