"""Figures and files as values: made anywhere, had by later steps, and by whoever opens the store."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb

Write = Callable[..., Path]


def pipeline_of(where: str, works: ModuleType, folder: Path, write_notebook: Write) -> Any:
    made = inspect.getsource(works.of_every_kind)
    with nb.pipeline("report") as p:
        if where == "notebook":
            path = write_notebook(
                folder / "make.ipynb",
                "import nbsched as nb",
                made,
                "of_every_kind(folder)",
                parameters="folder = ''",
            )
            make = nb.notebook(path, params={"folder": str(folder)}, name="make")
        elif where == "cell":
            source = f"import nbsched as nb\n{made}\nof_every_kind({str(folder)!r})"
            make = nb.cell(source, name="make", where="process")
        else:
            make = nb.task(works.of_every_kind, where=where).options(name="make")(str(folder))
        nb.task(works.kinds_of).options(name="take")(make["figure"], make["file"])
        path = write_notebook(
            folder / "take.ipynb",
            "import nbsched as nb; nb.emit(text=open(file).read())",
            parameters="file: str",
        )
        nb.notebook(path, params={"file": make["file"]}, name="read")
    return p


@pytest.mark.parametrize("where", ["thread", "process", "notebook", "cell"])
def test_figures_and_files_reach_later_steps_and_other_programs(
    rt: nb.Runtime, works: ModuleType, tmp_path: Path, write_notebook: Write, where: str
) -> None:
    run = rt.run(pipeline_of(where, works, tmp_path, write_notebook)).wait(50)
    assert run.state == "succeeded", [step.error for step in run.steps.values()]
    assert run.steps["take"].result == ["Figure", "PosixPath", "made.txt", "as it was"]
    assert run.steps["read"].values == {"text": "as it was"}
    shown = json.loads(json.dumps(run.steps["make"].row))["values"]
    assert {name: value["type"] for name, value in shown.items()} == {"figure": "figure", "file": "file"}
    with nb.Runtime(rt.store_path) as other:
        values = other.get_run(run.id).steps["make"].values
        assert values["figure"]._repr_png_().startswith(b"\x89PNG")
        assert values["file"].read_text() == "as it was"


@pytest.mark.parametrize("where", ["thread", "process", "notebook", "cell"])
def test_a_value_that_is_too_large_fails_at_the_step_that_made_it_and_is_not_tried_again(
    rt: nb.Runtime, works: ModuleType, tmp_path: Path, write_notebook: Write, where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("NBSCHED_VALUE_LIMIT", "100")
    run = rt.run(pipeline_of(where, works, tmp_path, write_notebook), retries=2).wait(50)
    made = run.steps["make"]
    assert (made.state, made.reason, made.attempt) == ("failed", "fatal", 1)
    assert "ValueTooLarge: the value 'figure' has" in made.error
    assert {name: step.reason for name, step in run.steps.items()}["take"] == "upstream_failed"
