"""What a notebook's attempt needs before its kernel is started: all that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from nbsched.core import sources
from nbsched.core.declared import check_parameters, declared_parameters
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Notebook
from nbsched.executors.contract import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A notebook ready to be executed."""

    notebook: Mapping[str, Any]
    """Python parameters are in it."""
    values: Mapping[str, Any]
    """All parameters, typed."""
    left: Mapping[str, Any]
    """The parameters that are not in it yet, as JSON: those of other languages."""
    source: str
    output: Path
    copy: Path | None
    kernel: str
    language: str
    cwd: Path


def prepare(assignment: Assignment) -> Prepared:
    """The notebook of the assignment; UsageError or OSError when it cannot be run."""
    from nbsched.kernels.launch import kernel_language

    found = _found(assignment)
    values = check_parameters(
        declared_parameters(found.notebook), assignment.params, notebook=found.output.name
    )
    kernel = found.kernel or sources.kernel_name(found.notebook)
    language = kernel_language(kernel)
    python = language == "python"
    return Prepared(
        notebook=sources.with_parameters(found.notebook, values) if python and values else found.notebook,
        values=values,
        left={} if python else plain(values),
        source=found.source,
        output=found.output,
        copy=found.copy,
        kernel=kernel,
        language=language,
        cwd=found.cwd,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A work as a notebook, as yet without parameters."""

    notebook: Mapping[str, Any]
    source: str
    output: Path
    copy: Path | None
    kernel: str | None
    cwd: Path


def _found(assignment: Assignment) -> _Found:
    work = assignment.work
    if isinstance(work, Notebook):
        return _notebook(work, assignment.folder)
    if isinstance(work, Cell):
        return _cell(work, assignment.folder)
    raise DefinitionError(
        f"{work.name!r} is a {type(work).__name__}: only notebooks and cells run in a kernel"
    )


def _notebook(work: Notebook, folder: Path) -> _Found:
    from nbsched.kernels.journal import parse_notebook

    path = Path(work.path)
    return _Found(
        notebook=parse_notebook(path.read_text("utf-8"), str(path)),
        source=str(path),
        output=folder / path.name,
        copy=copy_of(work),
        kernel=work.kernel,
        cwd=path.parent / work.cwd if work.cwd else path.parent,
    )


def copy_of(work: Notebook) -> Path | None:
    """Where its output is to be copied; DefinitionError when that is the notebook itself."""
    path = Path(work.path)
    copy = path.parent / work.output if work.output else None
    if copy and copy.resolve() == path.resolve():
        raise DefinitionError(
            f"the output of {work.name!r} is the notebook itself: give another path as output="
        )
    return copy


def _cell(work: Cell, folder: Path) -> _Found:
    home = Path(work.notebook or "")
    return _Found(
        notebook={"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": work.source}]},
        source="",
        output=folder / f"{work.name.replace('/', '_')}.ipynb",
        copy=None,
        kernel=None,
        cwd=home.parent if home.is_file() else Path.cwd(),
    )


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON: dates as ISO text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
