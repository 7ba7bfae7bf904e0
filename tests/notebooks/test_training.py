"""The training pipeline, as a Python file and as cells."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.notebooks.conftest import Example, Ran

pytestmark = pytest.mark.timeout(180)

MODELS = {"logistic", "forest", "svm"}


def pictures(ran: Ran, step: str) -> int:
    """How many pictures the step's output notebook shows."""
    cells = json.loads(Path(ran.run["steps"][step]["output"]).read_text())["cells"]
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def test_the_best_of_three_models_is_deployed(example: Callable[[str], Example]) -> None:
    training = example("training")
    ran = training.run("pipeline.py")
    assert ran.code == 0, ran.progress
    assert set(ran.states.values()) == {"succeeded"}
    accuracy = ran.values("evaluate")["accuracy"]
    assert set(accuracy) == MODELS
    best = ran.run["steps"]["choose"]["result"]
    assert best == {"name": max(accuracy, key=accuracy.get), "accuracy": max(accuracy.values())}
    assert json.loads((training.folder / "results/deployed/about.json").read_text())["model"] == best["name"]
    with tarfile.open(training.folder / ran.run["steps"]["pack"]["result"]) as archive:
        assert archive.getnames() == ["results/deployed/model.joblib"]
    assert ran.values("report") == {"best": best["name"], "accuracy": best["accuracy"], "deployed": True}
    assert [pictures(ran, step) for step in ("prepare", "train_svm", "evaluate", "report")] == [1, 1, 2, 1]


@pytest.mark.slow
def test_what_is_not_good_enough_is_not_deployed_and_the_report_says_so(
    example: Callable[[str], Example],
) -> None:
    training = example("training")
    ran = training.run("pipeline.py", "-p", "threshold=0.999")
    assert ran.code == 0, ran.progress
    assert (ran.run["steps"]["deploy"]["state"], ran.run["steps"]["deploy"]["reason"]) == (
        "skipped",
        "condition",
    )
    assert ran.states["pack"] == "skipped"
    assert ran.values("report")["deployed"] is False
    assert not (training.folder / "results/deployed").exists()


@pytest.mark.slow
def test_the_cells_make_the_same_pipeline_from_a_terminal(example: Callable[[str], Example]) -> None:
    ran = example("training").run("training.ipynb", "-p", "threshold=0.95")
    assert ran.code == 0, ran.progress
    assert set(ran.states.values()) == {"succeeded"}
    assert ran.values("report")["deployed"] is True
