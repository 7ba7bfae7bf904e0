"""What `%step`, `%%step` and `%pipeline` do."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbsched as nb
from nbsched.core.celledges import shown
from nbsched.core.declared import Parameter
from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.core.model import Pipeline, Step, Work
from nbsched.core.parameters import read_texts
from nbsched.core.pipeline import PipelineBuilder
from nbsched.core.policy import policy_of
from nbsched.core.rawtext import RawText
from nbsched.core.references import references_in
from nbsched.core.steps import data
from nbsched.core.tables import Table
from nbsched.core.work import declared_by
from nbsched.engine import default
from nbsched.jupyter import identity
from nbsched.jupyter.cellwork import cell_work, inside_a_run
from nbsched.jupyter.grammar import parser_of
from nbsched.jupyter.scheduling import register
from nbsched.jupyter.showing import show
from nbsched.lines import expand, words
from nbsched.options import export_given, params_given, policy_given
from nbsched.stepcells import StepCells, read_step, referring, split_name, waiting_work
from nbsched.verbs import VERBS
from nbsched.verbs.exports import write_export
from nbsched.verbs.runs import run_table
from nbsched.verbs.why import ask

step_cells = StepCells()
"""The pipelines of this kernel that `%step` and `%%step` put together."""

_SETTLED_S = 5
"""So long at most a cell that waits for its pipeline waits for the panel to be plain HTML, as it is saved."""


def add_step(shell: Any, given: argparse.Namespace, source: str | None) -> None:
    """The cell or notebook is a step of its pipeline; run again, it replaces itself."""
    pipeline, name = split_name(given.name)
    step = read_step(given, _step_work(shell, given, name, source))
    if inside_a_run():
        return
    replaced = step_cells.add(pipeline, step, ordered=hasattr(given, "after"))
    names = " ".join(found.name for found in step_cells.steps(pipeline))
    before = shown(step_cells.inferred(pipeline).get(name, {}))
    after = f"; after {before}" if before else ""
    print(f"{pipeline}.{name}: {'replaced' if replaced else 'added'}{after}; {pipeline} has {names}")
    try:
        step_cells.in_order(pipeline)
    except DefinitionError as error:  # the next cell may mend it; a run is refused
        print(f"nbsched: {error}")


def _step_work(shell: Any, given: argparse.Namespace, name: str, source: str | None) -> Work:
    path, waits = getattr(given, "path", None), waiting_work(given)
    if waits is not None:
        return _without_cell(waits, given, source)
    if source is not None:
        if hasattr(given, "pipeline"):
            raise UsageError(
                f"%%step runs the cell below it, not {given.pipeline}: write one % for a pipeline"
            )
        if path:
            raise UsageError(f"%%step runs the cell below it, not {path}: write one % for a notebook")
        return cell_work(shell, source, name, given, "kernel")
    if hasattr(given, "pipeline"):
        return _inner(shell, given, path)
    if path is None:
        raise UsageError(
            f"%step {given.name}: name the notebook to run, or write %% to make this cell the step; "
            "--wait-for and --approve make one that waits"
        )
    if hasattr(given, "where"):
        raise UsageError("--where is for cells: a notebook always runs in a fresh kernel, leave it out")
    params = referring(params_given(given))
    work: Work = nb.notebook(
        Path(path).expanduser().absolute(), name=name, params=params, **policy_given(given)
    )
    return work


def _without_cell(work: Work, given: argparse.Namespace, source: str | None) -> Work:
    if source is not None:
        raise UsageError(f"%%step runs the cell below it: write one % for {given.name}, which waits")
    return work


def _inner(shell: Any, given: argparse.Namespace, path: str | None) -> Pipeline:
    """The pipeline that the step runs, as it is now."""
    if path or hasattr(given, "where"):
        raise UsageError(
            f"%step {given.name} runs the pipeline {given.pipeline}: leave out the path and --where"
        )
    params = referring(params_given(given))
    known = {name: None if any(references_in(value)) else value for name, value in params.items()}
    work, _ = _found(shell, argparse.Namespace(name=given.pipeline, params=list(known.items())))
    params = read_texts(work.declared, params)
    policy = {**work.policy, **policy_of(f"step {given.name}", policy_given(given))}
    return replace(work, params=data(params, given.name, None), policy=policy)


def run(shell: Any, given: argparse.Namespace) -> None:
    """The pipeline runs, shown in the panel; with `--wait` the cell ends when it has."""
    work, params = _found(shell, given)
    if inside_a_run():
        return
    policy = policy_given(given)
    started = nb.run(work, params, **policy)
    panel = nb.dashboard(focus=started.id)
    show(panel)
    if hasattr(given, "wait"):
        started.wait()
        panel.settle(_SETTLED_S)


def form(shell: Any, given: argparse.Namespace) -> None:
    """The form of the pipeline's parameters is shown; its cells are read again when its button is pressed."""
    from nbsched.jupyter.forms import Form

    def start(values: Mapping[str, Any]) -> nb.Run:
        return nb.run(*_found(shell, argparse.Namespace(name=given.name, params=list(values.items()))))

    if given.name in step_cells.pipelines:
        declared: Mapping[str, Parameter] = step_cells.parameters(given.name)
    else:
        declared = declared_by(_found(shell, given)[0])
    show(Form(given.name, declared, start))


def schedule(shell: Any, given: argparse.Namespace) -> None:
    """The pipeline runs at the trigger's instants."""
    work, params = _found(shell, given)
    policy = {**work.policy, **policy_given(given)}
    register(
        replace(work, params=params, policy=policy),
        " ".join(given.words),
        getattr(given, "called", None),
        given,
    )


def why(shell: Any, given: argparse.Namespace) -> None:
    """What of the pipeline, as it stands in this notebook, would run again now, and why."""
    work, _ = _found(shell, given)
    show(ask(default.runtime(), work, given).view)


def export(shell: Any, given: argparse.Namespace) -> None:
    """The pipeline, or what is scheduled under that name, is written for another system."""
    options = export_given(given)
    exported = nb.export(_exportable(shell, given.name, options), **options)
    show(write_export(given, exported))


def _exportable(shell: Any, name: str, options: dict[str, Any]) -> Any:
    """What has that name; cells take the parameters themselves, and their notebook is the file that defines them."""
    if name in step_cells.pipelines:
        here = identity.notebook(shell).key
        if here.endswith(".ipynb"):
            options.setdefault("path", here)
        return step_cells.build(name, options["params"])
    return _built(shell).get(name, name)


def backfill(shell: Any, given: argparse.Namespace) -> None:
    """The past instants of the pipeline's schedule run; the grid shows how far they are."""
    if given.name in _names(shell) and given.name not in {schedule.name for schedule in nb.schedules()}:
        raise UsageError(
            f"the pipeline {given.name!r} has no schedule of its name, so it has no instants: "
            f"%pipeline schedule {given.name} TRIGGER gives it one"
        )
    if not inside_a_run():
        show(VERBS["backfill"].do(default.runtime(), given).view)


def list_(shell: Any, given: argparse.Namespace) -> None:
    """A row for each pipeline of this notebook."""
    rows = [(name, str(len(steps)), " ".join(steps)) for name, steps in sorted(_names(shell).items())]
    show(Table(("pipeline", "steps", ""), rows, "no pipelines yet: put %%step NAME.first above a cell"))


def describe(shell: Any, given: argparse.Namespace) -> None:
    """The pipeline's steps with what they need, and its last run."""
    inferred = step_cells.inferred(given.name) if given.name in step_cells.pipelines else {}
    rows = [
        (
            step.name,
            type(step.work).__name__.lower(),
            _needs(step, inferred.get(step.name, {})),
            step.when or "",
        )
        for step in _steps(shell, given.name)
    ]
    show(Table(("step", "is", "after", "when"), rows))
    last = nb.runs(name=given.name, limit=1)
    if last:
        show(run_table(default.runtime(), last[0].id))


def _needs(step: Step, inferred: Mapping[str, Sequence[str]]) -> str:
    """The steps before it, with the names for which a cell was found to be one: `train (model)`."""
    needs = dict.fromkeys((*step.needs, *inferred))
    return " ".join(f"{need} ({' '.join(inferred[need])})" if need in inferred else need for need in needs)


def names(shell: Any) -> list[str]:
    """Every pipeline this notebook has, by steps or by `with nb.pipeline(...)`."""
    return sorted(_names(shell))


def _names(shell: Any) -> dict[str, list[str]]:
    built = {name: list(pipeline.steps) for name, pipeline in _built(shell).items()}
    return built | {name: list(steps) for name, steps in step_cells.pipelines.items()}


_written: dict[str, PipelineBuilder] = {}


def remember(pipeline: PipelineBuilder) -> None:
    """`%pipeline` finds the pipeline by its name, also when no variable holds it."""
    _written[pipeline.name] = pipeline


def _built(shell: Any) -> Mapping[str, PipelineBuilder]:
    held = (value for value in list(shell.user_ns.values()) if isinstance(value, PipelineBuilder))
    return {**{pipeline.name: pipeline for pipeline in held}, **_written}


def _found(shell: Any, given: argparse.Namespace) -> tuple[Pipeline, dict[str, Any]]:
    """The pipeline of that name as work, and the parameters of the line."""
    params = params_given(given)
    if given.name in step_cells.pipelines:
        work = step_cells.build(given.name, params)
        return work, dict(work.declared)
    if given.name in (built := _built(shell)):
        return built[given.name].work, params
    raise UnknownName("pipeline", given.name, _names(shell), "run its %%step cells first")


def _steps(shell: Any, name: str) -> Any:
    """The steps with every edge; of a pipeline that cannot run yet those that its cells have written."""
    try:
        return _found(shell, argparse.Namespace(name=name))[0].steps
    except DefinitionError:
        return step_cells.steps(name)


def start(arguments: str) -> int:
    """The run's id of a pipeline of this kernel, started from outside.

    JSON of the notebook's own `%pipeline run` line, the name, and the policy and parameters (as they were typed) that
    go before the line's.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    line, name, params, policy = json.loads(arguments)
    given = parser_of("pipeline", "run").read([expand(word, shell.user_ns) for word in words(line)])
    typed = {param: RawText(text) for param, text in params.items()}
    given.params = list({**params_given(given), **typed}.items())
    work, found = _found(shell, argparse.Namespace(name=name, params=given.params))
    return int(nb.run(work, found, **{**policy_given(given), **policy}).id)
