"""Whole notebooks: typed parameters, their own folder, their end, and magics inside a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from nbsched.store import records

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "a folder"
    found.mkdir()
    return found


def test_parameters_are_typed_as_the_notebook_declares_and_the_rest_is_as_it_was(
    rt: nb.Runtime, folder: Path, write_notebook: Write
) -> None:
    path = write_notebook(
        folder / "typed.ipynb",
        "import os, nbsched as nb\nkinds = [type(v).__name__ for v in (day, at, text, n)]",
        "nb.emit(kinds=kinds, text=text, cwd=os.getcwd(), run=os.environ['NBSCHED_RUN'])",
        parameters="from datetime import date, datetime\n"
        "day: date = None\nat: datetime = None\ntext: str = ''\nn: float = 1.5",
    )
    before = path.read_bytes()
    quote = "'); raise SystemExit(1) #\n{x} $y"
    given = {"day": nb.scheduled_date, "at": nb.scheduled_at, "text": quote, "n": 2}
    run = nb.run(nb.notebook(path, params=given)).wait(check=True)
    assert run.values == {
        "kinds": ["date", "datetime", "str", "float"], "text": quote, "cwd": str(folder), "run": str(run.id)
    }  # fmt: skip
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]
    for wrong in (
        {"zz": 1},
        {"n": "many"},
        {"day": "soon"},
        {"at": datetime(2026, 1, 1, tzinfo=UTC), "n": [1]},
    ):
        with pytest.raises(nb.NbschedError):
            nb.run(nb.notebook(path), wrong)
    assert len(nb.runs()) == 1


def test_each_cell_tells_what_it_used_and_the_next_run_how_long_it_still_needs(
    rt: nb.Runtime, folder: Path, write_notebook: Write
) -> None:
    path = write_notebook(folder / "waits.ipynb", "import time", "time.sleep(0.5)", "time.sleep(0.7)")
    told: list[dict[str, Any]] = []
    with rt.subscribe("run.progress", lambda event: told.append(event.data)):
        runs = [nb.run(nb.notebook(path)).wait(check=True) for _ in range(2)]
    first, second = ([data for data in told if data["id"] == run.id] for run in runs)
    for data in (first, second):
        used = [one for one in data if "wall_s" in one]
        assert [one["done"] for one in used] == [1, 2, 3]
        assert used[1]["wall_s"] >= 0.5
        assert all(one["cpu_s"] >= 0 and one["peak_memory_mb"] > 1 for one in used)
    assert not [one for one in first if "left_s" in one]
    left = [one["left_s"] for one in second if one["done"] == 1]
    assert all(1.2 <= one < 4 for one in left), left
    assert runs[0].output is not None
    cells = json.loads(Path(runs[0].output).read_text())["cells"]
    kept = rt.database.read(records.cells, runs[0].id)
    assert [cell["metadata"]["nbsched"] for cell in cells] == kept
    assert {"start_time", "end_time", "duration", "status", "exception"} <= set(
        cells[0]["metadata"]["papermill"]
    )


def test_the_output_notebook_is_kept_however_it_ends(
    rt: nb.Runtime, folder: Path, write_notebook: Write
) -> None:
    leaves = write_notebook(
        folder / "leaves.ipynb", "print('one')", "import sys; sys.exit(0)", "print('never')"
    )
    fails = write_notebook(folder / "fails.ipynb", "print('one')", "x = 1\n1 / 0", "print('never')")
    runs = [nb.run(nb.notebook(path)).wait() for path in (leaves, fails)]
    assert [run.state for run in runs] == ["succeeded", "failed"]
    for run in runs:
        assert run.output is not None
        texts = json.dumps(
            [cell.get("outputs") for cell in json.loads(Path(run.output).read_text())["cells"]]
        )
        assert "one" in texts
        assert "never" not in texts
    error = runs[1].error
    assert error is not None
    assert (str(error), error.cell, error.line) == ("ZeroDivisionError: division by zero", 2, "1 / 0")


def test_magics_in_a_run_are_checked_and_register_nothing(
    rt: nb.Runtime, folder: Path, write_notebook: Write
) -> None:
    path = write_notebook(
        folder / "magics.ipynb", "%load_ext nbsched", "%%schedule @daily --name inner\n1", "%%task\n1",
        "%%on data.ready\n1", "%schedule pause", "%%schedule @dail\n1",
    )  # fmt: skip
    run = nb.run(nb.notebook(path)).wait()
    assert run.log.count("checked, not registered") == 4
    assert "@dail" in run.log
    assert (nb.schedules(), len(nb.runs())) == ([], 1)
