"""The `nbsched run` line of a pipeline that is written down in a file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Notebook, Pipeline, parts
from nbsched.core.references import references_in
from nbsched.exporting.subject import Subject


@dataclass(frozen=True, slots=True)
class Command:
    """The words behind the program's name, and what they cannot say."""

    words: Sequence[str]
    notes: tuple[str, ...]


def run_command(subject: Subject, target: str) -> Command:
    """`run PATH …`; DefinitionError when no file says what is to be run."""
    path = _path(subject, target)
    notebook = _one_notebook(subject.pipeline, path)
    chosen = [] if notebook else ["--pipeline", subject.pipeline.name]
    params = {**(notebook.params if notebook else {}), **subject.params}
    policy = {**subject.pipeline.policy, **notebook.policy} if notebook else {}
    words = ["run", path, *chosen, *_params(params), *_policy(policy)]
    return Command(words, (*_param_notes(params), *_policy_notes(policy)))


def quoted(words: Sequence[str]) -> str:
    """The words as a shell takes them."""
    return " ".join(map(shlex.quote, words))


def _path(subject: Subject, target: str) -> str:
    name = subject.pipeline.name
    if subject.path is None:
        raise DefinitionError(
            f"{name!r} is in no file that {target} could run: export it to python first, then name that file with "
            "path= (--path)"
        )
    cells = [
        part.name for part in parts(subject.pipeline) if isinstance(part, Cell) and part.where != "process"
    ]
    if cells and subject.path.endswith(".py"):
        raise DefinitionError(
            f"the cell {cells[0]!r} of {name!r} needs its notebook's kernel, which {target} has not: give the notebook "
            "with its %%step cells as path= (--path), or the cell where='process'"
        )
    return subject.path


def _one_notebook(pipeline: Pipeline, path: str) -> Notebook | None:
    """The notebook that is itself the file."""
    work = pipeline.steps[0].work
    return work if len(pipeline.steps) == 1 and isinstance(work, Notebook) and work.path == path else None


def _params(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        if not any(references_in(value)):
            yield from ("-p", f"{name}={_value(value)}")


def _value(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _param_notes(params: Mapping[str, Any]) -> Iterator[str]:
    for name, value in params.items():
        for reference in references_in(value):
            yield f"parameter {name!r}, which is nb.{reference.written} (no command line has it: give it with -p)"


def _policy(policy: Mapping[str, Any]) -> Iterator[str]:
    for name, value in policy.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            yield flag if value else f"--no-{name.replace('_', '-')}"
        elif name == "resources":
            yield from (word for label, amount in value.items() for word in (flag, f"{label}={amount:g}"))
        elif isinstance(value, list):
            yield from (flag, *value) if value else ()
        elif isinstance(value, Mapping):
            yield from (flag, json.dumps(value)) if "call" not in value else ()
        elif value is not None:
            yield from (flag, str(value))


def _policy_notes(policy: Mapping[str, Any]) -> Iterator[str]:
    for name, value in policy.items():
        if isinstance(value, Mapping) and "call" in value:
            yield f"{name}={value['call']!r} (a command line takes an event or an address, no function)"
