"""Work of files, begun without executing them in the process that asks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.loading.apart import begin

PIPELINE = """
import os, pathlib
import nbsched as nb

print("read")
first = pathlib.Path(__file__).with_name("read-by.txt")
first.exists() or first.write_text(str(os.getpid()))

@nb.task
def double(n): return 2 * n

with nb.pipeline("doubling", params={"n": 1}, schedule="@daily") as p:
    double(p.params["n"])
"""


@pytest.fixture
def rt(tmp_path: Path) -> Iterator[nb.Runtime]:
    with nb.Runtime(tmp_path / "store.db", slots=2) as runtime:
        yield runtime


def file(folder: Path, text: str, name: str = "work.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_pipeline_of_a_file_runs_though_another_process_has_read_it(rt: nb.Runtime, tmp_path: Path) -> None:
    run = rt.get_run(int(begin(rt, "run", file(tmp_path, PIPELINE), {"params": {"n": 4}, "key": "once"})))
    run.wait(20, check=True)
    assert (run.name, run.key, run.steps["double"].result) == ("doubling", "once", 8)
    assert int((tmp_path / "read-by.txt").read_text()) != os.getpid()
    assert rt.schedules() == []


def test_a_pipeline_of_a_file_is_scheduled_with_references_in_its_parameters(
    rt: nb.Runtime, tmp_path: Path
) -> None:
    path = file(tmp_path, PIPELINE.replace('{"n": 1}', '{"n": "today"}'))
    asked = {"trigger": "0 2 * * *", "tz": "Europe/Berlin", "params": {"n": "@scheduled_date"},
             "policy": {"retries": 2}, "options": {"name": "nightly", "overlap": "queue_one"}}  # fmt: skip
    assert begin(rt, "schedule", path, asked) == "nightly"
    schedule = rt.get_schedule("nightly")
    assert (str(schedule.trigger), schedule.overlap) == ("0 2 * * * tz Europe/Berlin", "queue_one")
    assert rt.trigger("nightly").record.retries == 2


@pytest.mark.parametrize(
    ("text", "asked", "says"),
    [
        ("import os; os._exit(3)", {}, "ended the process that read it (3): correct it"),
        ("import sys; sys.exit('no')", {}, "ended the process that read it (no): correct it"),
        ("1 / 0", {}, "line 1: ZeroDivisionError"),
        ("with", {}, "work.py line 1: invalid syntax"),
        ("x = 1", {}, "defines no pipeline"),
        (PIPELINE, {"pipeline": "doubled"}, "did you mean 'doubling'"),
        (PIPELINE, {"params": {"m": 1}}, "no parameter 'm'"),
        (PIPELINE, {"policy": {"retries": -1}}, "retries -1"),
        ("import nbsched as nb\nwith nb.pipeline('p'):\n nb.task(lambda: 1, name='f')()", {}, "no other process"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_be_is_one_sentence_and_changes_nothing(
    rt: nb.Runtime, tmp_path: Path, text: str, asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        begin(rt, "run", file(tmp_path, text), asked)
    assert says in str(refused.value)
    assert rt.runs() == []


def test_a_file_that_takes_too_long_is_given_up(
    rt: nb.Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbsched.loading.apart.LONGEST_S", 1)
    with pytest.raises(UsageError, match="was not read within 1 s"):
        begin(rt, "run", file(tmp_path, "import threading; threading.Event().wait()"), {})


def test_modules_beside_the_file_do_not_take_the_place_of_pythons_own(rt: nb.Runtime, tmp_path: Path) -> None:
    file(tmp_path, "raise SystemExit('mine')", "json.py")
    assert begin(rt, "run", file(tmp_path, PIPELINE), {}) == 1


def test_a_notebook_of_steps_is_refused_with_what_to_do(rt: nb.Runtime, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "metadata": {}, "source": "%%step training.fit\n1", "outputs": [],
            "execution_count": None}  # fmt: skip
    content = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    with pytest.raises(UsageError, match=r"open it and use %pipeline run training there"):
        begin(rt, "run", file(tmp_path, content, "steps.ipynb"), {})


def test_files_in_the_policy_are_looked_for_beside_the_notebook(rt: nb.Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    content = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    path = file(folder, content, "empty.ipynb")
    asked = {"trigger": "@daily", "policy": {"inputs": ["data/*.csv"]}, "options": {}}
    assert begin(rt, "schedule", path, asked) == "empty"
    assert str(folder / "data/*.csv") in rt.database.read(
        lambda db: db.execute("SELECT work FROM schedules").fetchone()[0]
    )
    assert "work" not in sys.modules
