"""Exported files, read back in."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbsched.api  # noqa: F401  # lends the core what it needs of files and functions
from nbsched.core.definitions import work_to_json
from nbsched.core.model import Pipeline
from nbsched.core.pipeline import PipelineBuilder
from nbsched.core.triggers import parse_trigger
from nbsched.executors.lookup import load_file
from nbsched.exporting import Exported, Subject, Timing, export

WORKS = Path(__file__).with_name("works.py")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a notebook that has parameters."""
    folder = tmp_path_factory.mktemp("exported")
    cell = {"cell_type": "code", "id": "p", "metadata": {"tags": ["parameters"]}, "outputs": [],
            "execution_count": None, "source": "day = None\nvalue = None"}  # fmt: skip
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "report.ipynb").write_text(json.dumps(notebook))
    return folder


def work_of(pipeline: Any) -> Pipeline:
    return pipeline.work if isinstance(pipeline, PipelineBuilder) else pipeline


def exported(pipeline: Any, to: str, schedule: str | None = None, **given: Any) -> Exported:
    """The pipeline's text for the target."""
    timing = None if schedule is None else Timing(trigger=parse_trigger(schedule))
    return export(Subject(pipeline=work_of(pipeline), timing=timing, **given), to)


@pytest.fixture(scope="session")
def read_again(folder: Path) -> Callable[[str], Any]:
    """The module that the text makes as a file of its own."""
    numbers = itertools.count()

    def read(text: str) -> Any:
        file = folder / f"again_{next(numbers)}.py"
        file.write_text(text, encoding="utf-8")
        return load_file(file)

    return read


def as_json(pipeline: Any) -> dict[str, Any]:
    return work_to_json(work_of(pipeline))
