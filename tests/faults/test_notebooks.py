"""A notebook whose host is killed in the middle: what it had shown can be read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

import nbsched as nb
from nbsched.engine.output import NotebookPart, read_notebook
from nbsched.engine.visiting import Visitor

CELLS = [
    "print('first is done')",
    "import pathlib, time\nprint('half is done', flush=True)\ntime.sleep(60)",
]
PROGRAM = """
import nbsched as nb, threading
half = threading.Event()
nb.subscribe("run.output", lambda event: half.set() if "half" in event.data.get("text", "") else None)
nb.run(nb.notebook('long.ipynb', rerun=False))
half.wait()
print('half', flush=True)
threading.Event().wait()
"""


class Read:
    """What somebody has who reads a run's output from before its host was killed."""

    def __init__(self) -> None:
        self.cells: list[Any] = []

    def take(self, part: NotebookPart) -> None:
        if part["all"]:
            self.cells = [one["cell"] for one in part["cells"]]
        for one in part["cells"]:
            self.cells[one["index"]] = one["cell"]


def test_the_output_of_a_killed_hosts_notebook_has_all_that_its_cells_had_shown(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    cells = [{"cell_type": "code", "id": f"c{at}", "source": source, "metadata": {}, "outputs": [],
              "execution_count": None} for at, source in enumerate(CELLS)]  # fmt: skip
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    (tmp_path / "long.ipynb").write_text(json.dumps(whole))
    (tmp_path / "program.py").write_text(PROGRAM)
    program = start(tmp_path / "program.py")
    assert program.stdout is not None
    assert program.stdout.readline() == "half\n"
    read = Read()
    with Visitor(tmp_path / "store.db") as visitor:
        before = read_notebook(visitor.get_run(1))
        read.take(before)
        assert [len(cell["outputs"]) for cell in read.cells] == [1, 1]
    program.kill()
    program.wait()
    with nb.Runtime(tmp_path / "store.db") as runtime:
        [run] = runtime.runs()
        assert (run.wait("5s").state, run.reason) == ("failed", "lost")
        assert run.output is not None
        output = Path(run.output)
        read.take(read_notebook(run, before["next"]))
    first, second = json.loads(output.read_text())["cells"]
    assert read.cells == nbformat.read(output, 4).cells
    assert first["outputs"][0]["text"] == ["first is done\n"]
    assert second["outputs"][0]["text"] == ["half is done\n"]
    assert [cell["metadata"]["papermill"]["status"] for cell in (first, second)] == ["completed", "running"]
    assert not list(output.parent.glob("*.journal"))
