"""Memory of kernels that have imported a lot, several at once, what they share divided among them."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from tests.benchmarks.measure import OURS
from tests.benchmarks.notebooks import opened, written
from tests.benchmarks.processes import below, processes, pss
from tests.benchmarks.results import Report, Row, table
from tests.benchmarks.workers import Worker

MB = 1_000_000
PATIENCE_S = 120
PEER = "jupyter_client's kernels"
IMPORTS = "import matplotlib.pyplot, pandas"
WAITING = """
import os, pathlib, time
folder = pathlib.Path({folder!r})
(folder / f"{{os.getpid()}}.pid").touch()
while not (folder / "go").exists():
    time.sleep(0.1)
"""


@dataclass(frozen=True)
class Memory:
    """Bytes: of a kernel, of the processes they were forked from, and of whatever else the tool keeps."""

    kernel: float
    preloaded: float
    others: float


def report(kernels: int = 4) -> Report:
    tools = {OURS: "nbsched", PEER: "nbclient"}
    found = {}
    for name in tools:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(tools, [name], Path(folder), None, kernels) as one,
        ):
            one[name].ask("one", written(Path(folder, "warm.ipynb"), [IMPORTS]))
            found[name] = _measured(one[name], Path(folder), kernels)
    lines = [[name, *(f"{value / MB:.1f}" for value in (one.kernel, one.preloaded, one.others, share(one, kernels)))]
             for name, one in found.items()]  # fmt: skip
    columns = ["MB (PSS)", "each kernel", "preloaded process", "other processes, such as kernels forked ahead",
               f"a kernel and 1/{kernels} of the preloaded process"]  # fmt: skip
    title = f"Memory of {kernels} kernels at once that have imported pandas and matplotlib"
    row = Row(f"{title}, each (PSS, the preloaded process shared out)", share(found[OURS], kernels) / MB, "MB",
              PEER, share(found[PEER], kernels) / MB, most=0.4)  # fmt: skip
    return Report(table(title, columns, lines), (row,))


def share(found: Memory, kernels: int) -> float:
    return found.kernel + found.preloaded / kernels


def _measured(worker: Worker, folder: Path, kernels: int) -> Memory:
    source = written(folder / "waiting.ipynb", [IMPORTS, WAITING.format(folder=str(folder))])
    worker.send("together", source, kernels)
    try:
        pids = _started(folder, kernels)
        time.sleep(1)
        return taken(worker.pid, pids)
    finally:
        (folder / "go").touch()
        assert worker.answer() == 0


def _started(folder: Path, kernels: int) -> set[int]:
    """The kernels' processes, once all have got so far."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := {int(path.stem) for path in folder.glob("*.pid")}) < kernels:
        assert time.monotonic() < deadline, f"{len(found)} of {kernels} kernels have started"
        time.sleep(0.1)
    return found


def taken(worker: int, kernels: set[int]) -> Memory:
    """By those that descend from the worker, or were left by one that does."""
    all_ = processes()
    preloaded, ends = set[int](), {worker, os.getpid(), 1, 0}
    for kernel in kernels:
        while (kernel := all_[kernel].parent) not in ends:
            preloaded.add(kernel)
    living = {process.pid for process in below(os.getpid()) if not process.ended}
    others = living - kernels - preloaded - {worker}
    return Memory(mean(map(pss, kernels)), sum(map(pss, preloaded)), sum(map(pss, others)))
