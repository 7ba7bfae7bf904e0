"""A store with a thousand schedules or finished runs, and one with a million."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import Spent, in_turns
from tests.benchmarks.processes import peak_resident
from tests.benchmarks.results import Report, Row, table
from tests.benchmarks.workers import PEERS, Worker, worker

MB = 1_000_000
MOST = 5
CALLS = {
    "schedules": {"add": "add_schedule", "remove": "remove_schedule", "what is next": "look_ahead"},
    "finished runs": {
        "add": "add_run", "remove": "remove_run", "what is next": "look_ahead", "carry out a function": "carry_out",
        "list the newest 50": "list_newest",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """Bytes: the process at its peak, and the store's file."""

    peak: int
    file: int


def report(few: int = 1_000, many: int = 1_000_000, calls: int = 50, rounds: int = 5) -> Report:
    found = [_grown(what, few, many, calls, rounds) for what in CALLS]
    return sum(found[1:], found[0])


def _grown(what: str, few: int, many: int, calls: int, rounds: int) -> Report:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workers = {}
        for number in (few, many):
            store = Path(folder, f"{number}.db")
            command = [sys.executable, PEERS / "filling.py", what.rsplit(maxsplit=1)[-1], str(number), store]
            subprocess.run(command, check=True)
            workers[number] = stack.enter_context(worker("growing.py", store))
        found = {name: in_turns({str(number): partial(_call, one, verb, calls) for number, one in workers.items()},
                                rounds) for name, verb in CALLS[what].items()}  # fmt: skip
        sizes = {number: Size(peak_resident(one.pid), Path(folder, f"{number}.db").stat().st_size)
                 for number, one in workers.items()}  # fmt: skip
    return told(what, few, many, found, sizes)


def _call(worker: Worker, verb: str, calls: int) -> Spent:
    return Spent(worker.ask(verb, calls), 0)


def told(
    what: str, few: int, many: int, found: dict[str, dict[str, Spent]], sizes: dict[int, Size]
) -> Report:
    def row(label: str, unit: str, ours: float, theirs: float, most: float | None = None) -> Row:
        return Row(f"{many:,} {what}: {label}", ours, unit, f"{few:,}", theirs, most)

    rows = [
        row(name, "µs", both[str(many)].wall * 1e6, both[str(few)].wall * 1e6, MOST)
        for name, both in found.items()
    ]
    rows.append(row("memory at the peak", "MB", sizes[many].peak / MB, sizes[few].peak / MB))
    rows.append(row("file", "MB", sizes[many].file / MB, sizes[few].file / MB))
    columns = ["", f"{many:,}", f"{few:,}", "ratio", "target"]
    return Report(
        table(f"{many:,} {what} beside {few:,}", columns, [row.cells() for row in rows]), tuple(rows)
    )
