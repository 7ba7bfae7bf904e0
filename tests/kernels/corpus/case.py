"""A notebook of the corpus, and what it may differ in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

import nbformat
from nbformat import NotebookNode

Executed = dict[str, Any]
"""A normalised output notebook."""
PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"}}
EXPECTED = "PapermillExecutionError"
"""Papermill raises it for exceptions that are expected too, at the end; a run of ours has succeeded then."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Where ours is not to be what papermill's own engine makes, and why."""

    reason: str
    change: Callable[[Executed], None]
    """Makes of what papermill's engine made what ours is to make."""
    forget: Callable[[Executed], None] = lambda ours: None
    """Takes out of ours, having checked it, what papermill's engine has nothing like."""
    raised: str | None = None
    """What plain papermill is to raise with ours, where that differs."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A notebook that is executed in several ways, all with one result."""

    name: str
    cells: tuple[NotebookNode, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of `papermill.execute_notebook`."""
    metadata: Mapping[str, Any] = field(default_factory=lambda: PYTHON)
    raised: str | None = None
    """The exception of papermill with its own engine."""
    state: str = "succeeded"
    """Of the run of ours."""
    as_run: bool = False
    """Whether it is also executed as a run of ours."""
    slow: bool = False
    """Left out of the default run."""
    minor: int = 5
    """Of the notebook's format."""
    difference: Difference | None = None

    def text(self) -> str:
        notebook = nbformat.v4.new_notebook(cells=list(self.cells), metadata=dict(self.metadata))
        return json.dumps(notebook if self.minor == 5 else _without_ids(notebook, self.minor))


def _without_ids(notebook: NotebookNode, minor: int) -> dict[str, Any]:
    cells = [{name: part for name, part in cell.items() if name != "id"} for cell in notebook.cells]
    return {**notebook, "nbformat_minor": minor, "cells": cells}


def case(name: str, *cells: str | NotebookNode, **how: Any) -> Case:
    """The case, with a code cell for each text; cells are named by their number."""
    nodes = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    for number, node in enumerate(nodes):
        node["id"] = f"cell-{number}"
    return Case(name=name, cells=tuple(nodes), **how)


def code(source: str, *tags: str, **metadata: Any) -> NotebookNode:
    if tags:
        metadata["tags"] = list(tags)
    return nbformat.v4.new_code_cell(dedent(source).strip("\n"), metadata=metadata)


def expected_to_raise(source: str) -> NotebookNode:
    """A cell whose exception does not end the notebook."""
    return code(source, "raises-exception")


def marked(cells: list[Executed]) -> tuple[list[Executed], list[Executed]]:
    """The cells by which papermill marks an error, and all others."""
    parts: tuple[list[Executed], list[Executed]] = ([], [])
    for cell in cells:
        parts["papermill-error-cell-tag" not in cell["metadata"]["tags"]].append(cell)
    return parts
