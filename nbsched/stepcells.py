"""Pipelines as magics write them: `%%step PIPELINE.NAME` and `%step PIPELINE.NAME PATH`, one step at a time."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from nbsched.core import ports
from nbsched.core.celledges import Edges, edges, reasons
from nbsched.core.cellnames import cell_names
from nbsched.core.checks import expression, taken
from nbsched.core.declared import Parameter
from nbsched.core.errors import DefinitionError, ParameterError, UnknownName, UsageError
from nbsched.core.graph import cycle
from nbsched.core.mapping import mapped
from nbsched.core.model import Cell, Map, Notebook, Pipeline, Step, Work
from nbsched.core.pipeline import StepTable
from nbsched.core.rawtext import RawText, meant, plain
from nbsched.core.references import FACTS, Reference
from nbsched.core.waiting import approve, wait_for
from nbsched.options import (
    Parser,
    add_params,
    add_place,
    add_policy,
    add_step,
    add_waiting,
    policy_given,
)

_NAME = re.compile(r"(?P<pipeline>\w[\w.-]*)\.(?P<step>\w[\w-]*)")
_REFERENCE = re.compile(r"@(?P<of>\w[\w-]*)(?:\.(?P<field>\w+(?:\.\w+)*))?")


def step_parser() -> Parser:
    """Reads the line of `%%step` and `%step`."""
    parser = Parser(
        "%%step", "A step of a pipeline: this cell (%%step), or a notebook, sensor or question (%step).", see="%%step?",
        examples="  %%step training.score --after train --retries 2\n"
        "  %step training.train train.ipynb -p path=@prepare.path\n"
        "  %step training.fit fit.ipynb --map region=@prepare.regions --max-parallel 4\n"
        "  %step all.training --pipeline training -p region=EU\n"
        "  %%step training.deploy -p accuracy=@score.accuracy --when 'score.accuracy > 0.9'\n"
        "  %step training.data --wait-for 'on data.available' --timeout 1h\n"
        "  %step training.sure --approve 'Deploy?' --after score",
    )  # fmt: skip
    parser.add_argument("name", metavar="PIPELINE.NAME", help="the pipeline and the step's name in it")
    parser.add_argument("path", nargs="?", metavar="PATH", help="one line: the notebook to run")
    parser.offer(
        parser.add_argument("--pipeline", metavar="NAME", help="one line: the pipeline to run as this step"),
        "pipelines",
    )
    add_params(parser)
    add_place(parser, "kernel")
    add_step(parser)
    add_waiting(parser)
    add_policy(parser, leave=("key",))
    return parser


def split_name(name: str) -> tuple[str, str]:
    """The pipeline's name and the step's; UsageError when it is not both."""
    found = _NAME.fullmatch(name)
    if not found:
        raise UsageError(f"{name!r} does not name a step: write PIPELINE.NAME, such as training.prepare")
    return found["pipeline"], found["step"]


def referring(params: Mapping[str, Any], *, inside: bool = False) -> dict[str, Any]:
    """The parameters with `@step.value`, `@step`, `@params.x`, `@event.x` and `@scheduled_date` as references.

    They may also be items of a JSON list or mapping, with `inside` of any. `@@` in front stands for a plain `@`.
    """
    return {
        name: _inside(name, value) if inside and _refers(value) else _referring(name, value)
        for name, value in params.items()
    }


def spelled(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as `referring` reads them, inside too: references as `@scheduled_date`, another `@` twice."""
    return {name: _spelled(value) for name, value in params.items()}


def _spelled(value: Any) -> Any:
    if isinstance(value, Reference):
        kind = {"param": "params.", "event": "event."}.get(value.kind, "")
        return f"@{kind}{'.'.join(value.path)}"
    if isinstance(value, dict):
        return {key: _spelled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_spelled(part) for part in value]
    return f"@{value}" if isinstance(value, str) and value.startswith("@") else value


def _referring(name: str, value: Any) -> Any:
    if isinstance(value, RawText) and value.startswith(("[", "{")):
        found = meant(value)
        return _inside(name, found) if _refers(found) else value
    return _of_text(name, value) if isinstance(value, str) and value.startswith("@") else value


def _refers(value: Any) -> bool:
    if isinstance(value, (list, dict)):
        return any(map(_refers, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value.startswith("@")


def _inside(name: str, value: Any) -> Any:
    """The value of JSON with a reference for each of its texts that is one."""
    if isinstance(value, dict):
        return {key: _inside(name, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_inside(name, part) for part in value]
    return _of_text(name, value) if _refers(value) else value


def _of_text(name: str, value: str) -> Any:
    if value.startswith("@@"):
        return value[1:]
    found = _REFERENCE.fullmatch(value)
    if not found:
        raise UsageError(
            f"parameter {name}={value!r} refers to nothing: write @step.value, or @@ for a plain @"
        )
    return _reference(found["of"], tuple(found["field"].split(".")) if found["field"] else ())


def _reference(of: str, path: tuple[str, ...]) -> Reference:
    if of in FACTS and not path:
        return Reference("fact", (of,))
    if of == "event" and path:
        return Reference("event", path)
    if of == "params" and path:
        return Reference("param", path)
    return Reference("step", (of, *path))


def waiting_work(given: argparse.Namespace) -> Work | None:
    """The sensor or the question that the line describes; None when it describes neither."""
    asked = {name: getattr(given, name) for name in ("wait_for", "approve") if hasattr(given, name)}
    stray = [name for name, of in _PART_OF.items() if hasattr(given, name) and of not in asked]
    if stray:
        raise UsageError(f"--{stray[0]} belongs to --{_PART_OF[stray[0]].replace('_', '-')}: give that too")
    if not asked:
        return None
    if len(asked) > 1 or not _RUNS.isdisjoint(vars(given)):
        raise UsageError(f"{given.name}: a step runs something, or waits, or asks: write one step for each")
    policy, name = policy_given(given), split_name(given.name)[1]
    if "approve" in asked:
        words = getattr(given, "type", ["bool"])
        return cast(
            Work, approve(given.approve, name=name, type=words[0] if len(words) == 1 else words, **policy)
        )
    if "timeout" not in policy:
        raise UsageError(f"{given.name}: give --timeout, so that it does not wait for ever")
    parts = {part: getattr(given, part) for part in ("poke", "match") if hasattr(given, part)}
    return cast(Work, wait_for(given.wait_for, name=name, **parts, **policy))


_RUNS = frozenset({"path", "where", "params", "pipeline", "map"})
"""What a step is given that runs something."""
_PART_OF = {"poke": "wait_for", "match": "wait_for", "type": "approve"}


def read_step(given: argparse.Namespace, work: Work) -> Step:
    """The step that the line describes, carrying out `work`."""
    return Step(
        name=split_name(given.name)[1],
        work=_mapped(given, work),
        needs=tuple(dict.fromkeys(getattr(given, "after", ()))),
        when=getattr(given, "when", None),
        setup=getattr(given, "setup", False),
        teardown=getattr(given, "teardown", False),
    )


def _mapped(given: argparse.Namespace, work: Work) -> Work:
    """The work over the lists of `--map`, if there are any."""
    options = {name: getattr(given, name) for name in ("product", "max_parallel") if hasattr(given, name)}
    if hasattr(given, "map"):
        return mapped(work, plain(referring(dict(given.map))), **options)
    for name in options:
        raise UsageError(f"--{name.replace('_', '-')} is about the items of --map NAME=LIST: add that")
    return work


@dataclass
class StepCells:
    """The pipelines that cells put together, each a row of steps in the order they were first written."""

    pipelines: dict[str, dict[str, Step]] = field(default_factory=dict)
    _ordered: set[tuple[str, str]] = field(default_factory=set)
    """The steps whose `--after` was given: nothing is inferred for them."""

    def add(self, pipeline: str, step: Step, *, ordered: bool = False) -> bool:
        """The step is in the pipeline, in place of the one of its name or of its cell; True when it replaced one."""
        if step.when is not None:
            expression(step.name, step.when)
        steps = self.pipelines.get(pipeline, {})
        gone = [name for name, old in steps.items() if name == step.name or _same_cell(old, step)]
        self.pipelines[pipeline] = _replaced(steps, gone, step)
        self._ordered -= {(pipeline, name) for name in gone}
        self._ordered |= {(pipeline, step.name)} if ordered else set()
        return bool(gone)

    def steps(self, pipeline: str) -> Sequence[Step]:
        """The pipeline's steps; UnknownName when no cell has made one."""
        if pipeline not in self.pipelines:
            raise UnknownName("pipeline", pipeline, self.pipelines, "run its %%step cells first")
        return tuple(self.pipelines[pipeline].values())

    def inferred(self, pipeline: str) -> Edges:
        """The edges that follow from the names which the cells of one namespace read and write."""
        works = {step.name: _carried_out(step) for step in self.steps(pipeline)}
        cells = {name: cell_names(work.source, work.params) for name, work in works.items()
                 if isinstance(work, Cell) and work.where != "process"}  # fmt: skip
        return edges(cells, [name for name in cells if (pipeline, name) not in self._ordered])

    def parameters(self, pipeline: str) -> dict[str, Parameter]:
        """The parameters that the steps read, typed as the notebooks that take them declare."""
        steps = self.steps(pipeline)
        return {
            name: parameter for step in steps for name, parameter in _read_by(step, self.pipelines[pipeline])
        }

    def build(self, pipeline: str, params: Mapping[str, Any]) -> Pipeline:
        """The pipeline as work, with the given parameters declared; DefinitionError says what does not fit."""
        known = self.parameters(pipeline)
        _refuse_unread(pipeline, params, known)
        table = StepTable(pipeline, {name: meant(value, known[name].kinds) for name, value in params.items()})
        for step in self.in_order(pipeline):
            table.add(step)
        return table.build()

    def in_order(self, pipeline: str) -> Sequence[Step]:
        """The steps with the edges that were inferred; DefinitionError when these close a cycle."""
        found = self.inferred(pipeline)
        steps = [replace(step, needs=tuple(dict.fromkeys((*step.needs, *found.get(step.name, ())))))
                 for step in self.steps(pipeline)]  # fmt: skip
        _refuse_cycle(pipeline, steps, found)
        return steps


def _carried_out(step: Step) -> Work:
    """The step's work, of a mapped one that of each item."""
    return step.work.work if isinstance(step.work, Map) else step.work


def _read_by(step: Step, steps: Collection[str]) -> Iterator[tuple[str, Parameter]]:
    """The pipeline's parameters that the step's work is given or its condition reads."""
    for reference in taken(step):
        if reference.kind == "param":
            yield reference.path[0], Parameter(name=reference.path[0], required=True)
    for path in expression(step.name, step.when).paths if step.when else ():
        name = path[1] if path[0] == "params" and len(path) > 1 else path[0]
        if name not in steps:
            yield name, Parameter(name=name, required=True)
    work = _carried_out(step)
    if isinstance(work, Notebook):
        declared = ports.surroundings().declared_parameters(work.path) or {}
        for taker, value in work.params.items():
            if isinstance(value, Reference) and value.kind == "param" and taker in declared:
                yield value.path[0], replace(declared[taker], name=value.path[0], default=None, required=True)


def _refuse_unread(pipeline: str, params: Iterable[str], known: Mapping[str, Parameter]) -> None:
    for name in params:
        if name not in known:
            read = f"its steps read {', '.join(map(repr, known))}" if known else "its steps read none"
            remedy = f"{read}; leave it out of {pipeline!r}, or give it to a step (-p {name}=@params.{name})"
            raise ParameterError(str(UnknownName("parameter", name, known, remedy)))


def _refuse_cycle(pipeline: str, steps: Sequence[Step], inferred: Edges) -> None:
    needs = {
        step.name: [*step.needs, *(ref.path[0] for ref in taken(step) if ref.kind == "step")]
        for step in steps
    }
    found = cycle({name: [need for need in before if need in needs] for name, before in needs.items()})
    why = reasons(found, inferred) if found else ""
    if found and why:
        raise DefinitionError(
            f"pipeline {pipeline!r} has a cycle, {' → '.join(found)}: {why}: "
            "give one of them --after (alone, if no step comes before it)"
        )


def _replaced(steps: Mapping[str, Step], gone: Sequence[str], step: Step) -> dict[str, Step]:
    """The steps with the new one where the first of those gone was, else last."""
    found: dict[str, Step] = {}
    for name, old in steps.items():
        if name not in gone:
            found[name] = old
        elif name == gone[0]:
            found[step.name] = step
    return found if gone else {**found, step.name: step}


def _same_cell(old: Step, new: Step) -> bool:
    ids = [work.cell_id for work in map(_carried_out, (old, new)) if isinstance(work, Cell)]
    return len(ids) == 2 and ids[0] is not None and ids[0] == ids[1]
