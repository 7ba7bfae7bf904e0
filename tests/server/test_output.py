"""What a run shows, asked of a real server while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.real import until

HALF = "print('half ✓', flush=True)\nimport pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"


@pytest.fixture(scope="module")
def report(server: Any) -> Path:
    cells = [
        nbformat.v4.new_code_cell(source, id=f"c{at}")
        for at, source in enumerate(("n = 1", HALF, "print(n)"))
    ]
    cells[0].metadata["tags"] = ["parameters"]
    path: Path = server.root / "report.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_output_and_the_log_are_read_while_the_run_goes_on(server: Any, report: Path) -> None:
    go = server.root / "go"
    go.unlink(missing_ok=True)
    with Visitor(server.store) as visitor:
        run = visitor.run(nb.notebook(report))
        cells, since, path = dict[int, Any](), 0, f"/runs/{run.id}"

        def ask() -> dict[str, Any]:
            nonlocal since
            status, part = server.ask("GET", f"{path}/notebook?since={since}")
            assert status == 200
            if part["all"]:
                cells.clear()
            cells.update((one["index"], one["cell"]) for one in part["cells"])
            since = part["next"]
            return dict(part)

        until(lambda: ask() and "half" in str(cells.get(1, {}).get("outputs")))
        assert server.ask("GET", f"{path}/log?offset=0")[1]["text"] == "half ✓\n"
        go.touch()
        until(lambda: ask()["ended"])
        assert run.output is not None
        assert [cells[at] for at in range(len(cells))] == nbformat.read(run.output, 4).cells
        log = server.ask("GET", f"{path}/log?offset=5")[1]
        assert log == {"text": "✓\n1\n", "next": 11, "ended": True}


def test_two_runs_are_set_side_by_side(server: Any, report: Path) -> None:
    (server.root / "go").touch()
    with Visitor(server.store) as visitor:
        one, other = (visitor.run(nb.notebook(report), {"n": n}).wait() for n in (1, 2))
    status, found = server.ask("GET", f"/runs/{other.id}/compare/{one.id}")
    assert (status, found["params"]) == (200, [{"name": "n", "this": 2, "other": 1}])
    assert [pair["verdict"] for pair in found["cells"]] == ["same", "source", "same", "outputs"]


def test_a_run_that_is_not_there_is_not_found(server: Any) -> None:
    for path in ("/runs/99/notebook", "/runs/99/log", "/runs/99/compare/1"):
        status, refused = server.ask("GET", path)
        assert (status, refused["message"]) == (404, "no run 99: `nbsched runs` lists them")
