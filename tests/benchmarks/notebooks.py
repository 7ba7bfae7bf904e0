"""Notebooks from the request to the finished output file, beside the tools that people run them with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import OURS, comparison, in_turns
from tests.benchmarks.results import Report
from tests.benchmarks.workers import Worker, worker

IN_PROCESS, COMMAND, NBCLIENT = "papermill in process", "papermill's command", "nbclient"
TOOLS = {
    OURS: "nbsched", f"{OURS}, its engine in papermill alone": "nbsched engine", IN_PROCESS: "papermill",
    NBCLIENT: "nbclient", COMMAND: "papermill command",
}  # fmt: skip
WARM = tuple(name for name in TOOLS if name != COMMAND)
IMPORTS = "import numpy, pandas"
LINE = 100
POOL = {"NBSCHED_KERNELS": "pool"}


@dataclass(frozen=True)
class Case:
    title: str
    cells: Sequence[str]
    rounds: int
    tools: Sequence[str] = WARM
    target: Mapping[str, float] = field(default_factory=dict)


def trivial(number: int) -> list[str]:
    return [f"x = {at}\nprint(x)" for at in range(number)]


def loud(number: int, size: int) -> list[str]:
    """Cells that print so many bytes each."""
    return [f"print(('x' * {LINE - 1} + '\\n') * {size // LINE}, end='')"] * number


def cases(rounds: int, cells: tuple[int, int, int], size: int) -> list[Case]:
    few, some, many = cells
    return [
        Case(f"Notebook of {few} trivial cell", trivial(few), rounds, list(TOOLS), {IN_PROCESS: 0.2, COMMAND: 0.05}),
        Case(f"Notebook of {some} trivial cells", trivial(some), rounds),
        Case(f"Notebook of {many} trivial cells", trivial(many), rounds, WARM, {IN_PROCESS: 0.25, NBCLIENT: 0.6}),
        Case(f"Notebook of {many} cells of {size // 1000} kB output", loud(many, size), (rounds + 1) // 2, WARM,
             {IN_PROCESS: 0.12, NBCLIENT: 1.1}),
        Case("Notebook importing numpy and pandas", [IMPORTS], rounds),
    ]  # fmt: skip


def report(rounds: int = 5, cells: tuple[int, int, int] = (1, 10, 100), size: int = 200_000,
           tools: Sequence[str] = tuple(TOOLS)) -> Report:  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, opened(TOOLS, tools, Path(folder)) as workers:
        found = [_measured(case, workers, Path(folder)) for case in cases(rounds, cells, size)]
    return sum(found[1:], found[0])


def report_pool(rounds: int = 5) -> Report:
    """One cell, where kernels are started ahead and not forked."""
    ours = f"{OURS}, without fork"
    tools = {ours: "nbsched", IN_PROCESS: "papermill"}
    with tempfile.TemporaryDirectory() as folder, opened(tools, tuple(tools), Path(folder), POOL) as workers:
        case = Case(
            "Notebook of 1 trivial cell, without fork", trivial(1), rounds, list(tools), {IN_PROCESS: 0.7}
        )
        return _measured(case, workers, Path(folder), ours)  # fmt: skip


def _measured(case: Case, workers: Mapping[str, Worker], folder: Path, ours: str = OURS) -> Report:
    source = written(folder / "case.ipynb", case.cells)
    tools = [name for name in case.tools if name in workers]
    found = in_turns({name: partial(workers[name].took, "one", source) for name in tools}, case.rounds)
    target = {name: ratio for name, ratio in case.target.items() if name in workers}
    return comparison(case.title, found, target, 1e-3, ours, machine=True)


@contextmanager
def opened(
    tools: Mapping[str, str], names: Sequence[str], folder: Path, env: Mapping[str, str] | None = None,
    *slots: int,
) -> Iterator[dict[str, Worker]]:  # fmt: skip
    """A worker for each of the names, warm: it has carried out a notebook that imports what others do."""
    warm = written(folder / "warm.ipynb", [IMPORTS])
    with ExitStack() as stack:
        found = {}
        for name in names:
            (own := folder / str(len(found))).mkdir()
            found[name] = stack.enter_context(worker("notebooks.py", tools[name], own, *slots, env=env))
            if name != COMMAND:
                found[name].ask("one", warm)
        yield found


def written(path: Path, cells: Sequence[str]) -> str:
    """The path of a notebook with these cells."""
    made = [{"cell_type": "code", "id": f"cell-{at}", "metadata": {}, "source": source, "outputs": [],
             "execution_count": None} for at, source in enumerate(cells)]  # fmt: skip
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"}}  # fmt: skip
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": spec, "cells": made}))
    return str(path)
