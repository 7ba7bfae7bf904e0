"""The core with the files of a folder of its own around it, and functions referred to by module and name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsched.core import ports
from nbsched.engine.surroundings import Files
from nbsched.executors.lookup import named

MakeNotebook = Callable[..., Path]


@pytest.fixture(autouse=True)
def lent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ports, "_lent", ports._Lent())
    ports.use(Files())
    ports.set_function_reference(lambda function: f"{function.__module__}:{_name(function)}")
    ports.set_named_function(named)
    ports.set_scheduler(lambda work, trigger: None)


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@pytest.fixture
def make_notebook(tmp_path: Path) -> MakeNotebook:
    """A notebook file in the current folder whose parameters cell has the given source."""

    def make(name: str, parameters: str | None = None) -> Path:
        cells = [] if parameters is None else [
            {"cell_type": "code", "id": "p", "metadata": {"tags": ["parameters"]}, "source": parameters,
             "outputs": [], "execution_count": None}]  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return make
