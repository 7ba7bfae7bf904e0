"""From the path of a file to the work it is or defines."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import nbsched as nb
from nbsched.core import ports
from nbsched.core.errors import NbschedError, UnknownName, UsageError
from nbsched.core.model import Pipeline, Work, parts
from nbsched.core.pipeline import PipelineBuilder
from nbsched.stepcells import split_name

_OURS = str(Path(nb.__file__).parent)
_RUN = re.compile(r"^[ \t]*%pipeline[ \t]+run[ \t]+(?P<line>.+)$", re.MULTILINE)
_STEP = re.compile(r"^\s*%{1,2}step\s+(?P<name>[^\s-]\S*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StepNotebook:
    """A notebook whose `%%step` cells make the pipeline `name`."""

    path: Path
    name: str
    cells: Sequence[str]
    """The sources of its code cells."""
    line: str
    """What its own `%pipeline run` line says: its parameters and options are the defaults."""


def load(path: str, pipeline: str | None) -> Work | StepNotebook:
    """The work that the file is or defines; UsageError says why there is none."""
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        raise UsageError(f"there is no file {path!r}: check the path")
    if file.suffix == ".py":
        return _of_script(file, pipeline)
    if file.suffix == ".ipynb":
        return _of_notebook(file, pipeline)
    raise UsageError(f"{path!r} is neither a notebook (.ipynb) nor a Python file (.py): give one of them")


def _of_notebook(file: Path, pipeline: str | None) -> Work | StepNotebook:
    cells = code_cells(file)
    names = _pipelines_of(cells)
    if names:
        name = _choose(file, names, pipeline)
        return StepNotebook(file, name, cells, _own_line(cells, name))
    if pipeline is not None:
        raise UsageError(
            f"{file.name} has no %%step cells, so no pipeline {pipeline!r}: leave out --pipeline"
        )
    work: Work = nb.notebook(file)
    return work


def code_cells(file: Path) -> list[str]:
    """The sources of the notebook's code cells."""
    try:
        cells = json.loads(file.read_text("utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{str(file)!r} is not a notebook of format 4: save it again with Jupyter") from None


def _pipelines_of(cells: Sequence[str]) -> list[str]:
    found = (split_name(step["name"])[0] for cell in cells for step in _STEP.finditer(cell))
    return list(dict.fromkeys(found))


def _own_line(cells: Sequence[str], name: str) -> str:
    lines = (found["line"] for cell in cells for found in _RUN.finditer(cell))
    return next((line for line in lines if name in line.split()), name)


def _choose(file: Path, names: Sequence[str], wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        raise UsageError(
            f"{file.name} defines {len(names)} pipelines: add --pipeline with {' or '.join(names)}"
        )
    if wanted not in names:
        raise UnknownName("pipeline", wanted, names, f"{file.name} defines {' and '.join(names)}")
    return wanted


def _of_script(file: Path, wanted: str | None) -> Pipeline:
    written: list[tuple[PipelineBuilder, str]] = []
    ports.set_written(lambda one: written.append((one, _writer())))
    held = [work for work in map(_as_pipeline, vars(_executed(file)).values()) if work]
    own = [one.work for one, writer in written if writer == str(file) or not held]
    found = {work.name: work for work in [*own, *held]}
    if not found:
        raise UsageError(
            f"{file.name} defines no pipeline: write `with nb.pipeline(...) as p:` at its top level"
        )
    return found[_choose(file, list(found) if wanted else _outermost(found), wanted)]


def _outermost(found: Mapping[str, Pipeline]) -> list[str]:
    """Those of the pipelines that are no part of another."""
    inner = (part for work in found.values() for part in parts(work) if part is not work)
    inside = {id(part.steps) for part in inner if isinstance(part, Pipeline)}
    return [name for name, work in found.items() if id(work.steps) not in inside]


def _writer() -> str:
    """The file of the code that is writing a pipeline."""
    frames = (frame.filename for frame in reversed(traceback.extract_stack(limit=8)))
    return next((name for name in frames if not name.startswith(_OURS)), "")


def _as_pipeline(value: Any) -> Pipeline | None:
    if isinstance(value, PipelineBuilder):
        return value.work
    return value if isinstance(value, Pipeline) else None


def _executed(file: Path) -> ModuleType:
    """The module that the file makes; its `if __name__ == "__main__"` blocks do not run."""
    from nbsched.executors.lookup import load_file

    try:
        return load_file(file)
    except NbschedError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{file.name} line {error.lineno}: {error.msg}: correct it") from None
    except Exception as error:  # the user's file may raise anything
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
        ]
        where = f" line {lines[-1]}" if lines else ""
        raise UsageError(f"{file.name}{where}: {type(error).__name__}: {error}: correct it") from error
