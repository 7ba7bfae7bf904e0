"""What a file's work asks for, as the help of `nbsched run` lists it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nbsched.core.declared import Parameter
from nbsched.core.errors import NbschedError
from nbsched.core.model import Cell, Notebook, Work
from nbsched.core.rawtext import json_or_text
from nbsched.core.work import declared_by
from nbsched.lines import words
from nbsched.loading.files import StepNotebook, load
from nbsched.options import params_given
from nbsched.stepcells import StepCells, read_step, referring, split_name, step_parser

_STEP_LINE = re.compile(r"^\s*(?P<signs>%{1,2})step\s+(?P<line>.+)$", re.MULTILINE)
_PAIR = re.compile(r"(?P<name>[^\W\d]\w*)=(?P<value>.*)", re.DOTALL)


def about(tokens: Sequence[str]) -> str:
    """The parameters of the file that a command line names, or the sentence that says why they cannot be told."""
    path = next((token for token in tokens if token.endswith((".py", ".ipynb"))), None)
    if path is None:
        return ""
    before = ("", *tokens)
    pipeline = next(
        (token for flag, token in zip(before, tokens, strict=False) if flag == "--pipeline"), None
    )
    try:
        work = load(path, pipeline)
        declared = _of_steps(work) if isinstance(work, StepNotebook) else declared_by(work)
    except NbschedError as error:
        return " ".join(str(error).split())
    return _listed(f"{work.name} ({Path(path).name})", list(declared.values()))


def _listed(work: str, parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return f"{work} declares no parameters"
    width = max(len(one.name) for one in parameters) + 2
    lines = (f"  {one.name:{width}}{_said(one)}" for one in parameters)
    return "\n".join([f"parameters of {work}:", *lines])


def _said(parameter: Parameter) -> str:
    kinds = " or ".join(map(repr, parameter.choices)) or parameter.type
    default = "" if parameter.default is None else f", default {parameter.default!r}"
    return f"{kinds}{', required' if parameter.required else default}" + (
        parameter.help and f": {parameter.help}"
    )


def _of_steps(notebook: StepNotebook) -> Mapping[str, Parameter]:
    """What the `%%step` cells read, told without running them; the notebook's own run line gives defaults."""
    cells = StepCells()
    for source in notebook.cells:
        for line, body in _step_lines(source):
            with suppress(NbschedError):  # a line that only its kernel can read
                _add(cells, notebook, line, body)
    known = cells.parameters(notebook.name) if notebook.name in cells.pipelines else {}
    pairs = (_PAIR.fullmatch(word) for word in words(notebook.line))
    given = {pair["name"]: json_or_text(pair["value"]) for pair in pairs if pair}
    return {
        name: replace(one, default=given[name], required=False) if name in given else one
        for name, one in known.items()
    }


def _step_lines(source: str) -> Iterator[tuple[str, str | None]]:
    """Each line of a step and, of a cell that is one, the cell below it."""
    for found in _STEP_LINE.finditer(source):
        yield found["line"], source[found.end() :] if found["signs"] == "%%" else None


def _add(cells: StepCells, notebook: StepNotebook, line: str, body: str | None) -> None:
    given = step_parser().read([word for word in words(line) if word not in ("-h", "--help")])
    pipeline, name = split_name(given.name)
    params = referring(params_given(given))
    work: Work = Cell(name=name, source=body or "", params=params)
    if body is None:
        path = notebook.path.parent / getattr(given, "path", "")
        work = Notebook(name=name, path=str(path), params=params) if path.is_file() else work
    cells.add(pipeline, read_step(given, work))
