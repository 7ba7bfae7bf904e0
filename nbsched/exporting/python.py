"""A pipeline as the Python file that defines it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsched.core.checks import implied
from nbsched.core.model import Cell, Function, Map, Pipeline, Step, Wait, Work, parts
from nbsched.core.parameters import required
from nbsched.core.references import Reference
from nbsched.exporting.functions import Definitions
from nbsched.exporting.literals import Names, call, keywords, literal, text
from nbsched.exporting.python_steps import step_source
from nbsched.exporting.subject import Exported, Subject, Timing, with_defaults


def to_python(subject: Subject) -> Exported:
    """A file whose pipeline is equal to the subject's, but for which cell of which notebook a cell was typed into."""
    pipeline = with_defaults(subject.pipeline, subject.params)
    file = _File(pipeline)
    blocks = [*file.inner_blocks(pipeline), file.block(pipeline, "p", subject.timing)]
    notes = (*_timing_notes(subject.timing), *_cell_notes(pipeline))
    code = [*file.definitions.blocks, *file.tasks, *blocks]
    sources = [_header(pipeline, notes, file, "\n".join(code)), *code]
    return Exported("\n\n".join(source.rstrip("\n") for source in sources) + "\n", notes)


_TYPED = "__main__:"
"""How the reference of a function begins that has no file or module."""


def _ref(work: Work) -> str | None:
    """The reference of the function that the work calls."""
    return work.ref if isinstance(work, (Function, Wait)) else None


class _File:
    """What all pipelines of the file share: the names of its variables, and the functions."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.definitions = Definitions()
        self.names = Names(("nb", "p", "datetime", "Reference"))
        self.early = False
        """A value is taken of a step that is written only later."""
        self.functions: dict[str, str] = {}
        self.tasks: list[str] = []
        self.inner: list[tuple[Pipeline, str]] = []
        """The pipelines that are steps, and the variables that hold them."""
        self._define(pipeline)

    def _define(self, pipeline: Pipeline) -> None:
        """All functions are there before the first step, whose variables must not hide them."""
        for work in parts(pipeline):
            for value in work.policy.values():
                self.hooked(work.name, value)
            if (ref := _ref(work)) and ref.startswith(_TYPED):
                self.definitions.add(ref, work.name)
        for name in self.definitions.names:
            self.names.take(name)
        for work in parts(pipeline):
            if (ref := _ref(work)) and ref not in self.functions:
                self.functions[ref] = self._task(work.name, ref)

    def _task(self, owner: str, ref: str) -> str:
        found = self.definitions.add(ref, owner) if ref.startswith(_TYPED) else text(ref)
        own = ref.rpartition(":")[2].rpartition(".")[2].partition("#")[0]
        variable = self.names.take(f"{own}_task")
        self.tasks.append(f"{variable} = nb.task({found})")
        return variable

    def hooked(self, owner: str, value: Any) -> str | None:
        """The name of the function that is to be called, where it is defined here."""
        ref = value.get("call") if isinstance(value, Mapping) else None
        if isinstance(ref, str) and ref.startswith(_TYPED):
            return self.definitions.add(ref, owner)
        return None

    def inner_blocks(self, pipeline: Pipeline) -> Iterator[str]:
        """The blocks of the pipelines that its steps run, those inside them first."""
        for step in pipeline.steps:
            work = step.work.work if isinstance(step.work, Map) else step.work
            if isinstance(work, Pipeline):
                yield from self.inner_blocks(work)
                variable = self.names.take(step.name, "_pipeline")
                self.inner.append((work, variable))
                yield self.block(work, variable, None)

    def block(self, pipeline: Pipeline, variable: str, timing: Timing | None) -> str:
        """The pipeline's `with` block."""
        block = _Block(self, pipeline, variable)
        given = {
            "params": block.declared(), "schedule": text(str(timing.trigger)) if timing else "",
            "max_parallel": str(pipeline.max_parallel or ""),
            **{name: block.option(pipeline.name, value) for name, value in pipeline.policy.items()},
        }  # fmt: skip
        arguments = keywords({name: source for name, source in given.items() if source})
        opening = f"with {call('nb.pipeline', [text(pipeline.name), *arguments])} as {variable}:"
        return "\n".join([opening, *block.steps(), *block.edges()])


@dataclass
class _Block:
    """One pipeline as it is written."""

    file: _File
    pipeline: Pipeline
    variable: str
    variables: dict[str, str] = field(default_factory=dict)
    """By step: the variable that holds it."""

    def steps(self) -> Iterator[str]:
        for step in self.pipeline.steps:
            source = step_source(step, self)
            self.variables[step.name] = self.file.names.take(step.name, "_step")
            yield f"    {self.variables[step.name]} = {source}"

    def edges(self) -> Iterator[str]:
        """The edges that no value and no condition implies."""
        for step in self.pipeline.steps:
            given = [self.variables[need] for need in _given_edges(step, self.pipeline)]
            if given:
                before = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
                yield f"    {before} >> {self.variables[step.name]}"

    def function(self, ref: str) -> str:
        """The variable that holds the function's task."""
        return self.file.functions[ref]

    def inside(self, work: Pipeline) -> str:
        """The variable that holds the pipeline which a step runs."""
        return next(variable for pipeline, variable in self.file.inner if pipeline is work)

    def option(self, owner: str, value: Any) -> str:
        """The source of an option of the policy."""
        return self.file.hooked(owner, value) or self.literal(value)

    def literal(self, value: Any) -> str:
        return literal(value, self._reference)

    def declared(self) -> str:
        """The parameters with their defaults or types; nothing when there are none."""
        pairs = (f"{name!r}: {_type(kind) if (kind := required(default)) else self.literal(default)}"
                 for name, default in self.pipeline.declared.items())  # fmt: skip
        return f"{{{', '.join(pairs)}}}" if self.pipeline.declared else ""

    def _reference(self, reference: Reference) -> str:
        first, *rest = reference.path or ("",)
        match reference.kind:
            case "step" if first not in self.variables:
                self.file.early = True
                return f'Reference("step", {reference.path!r})'
            case "step":
                source = self.variables[first]
            case "param":
                source = f"{self.variable}.params[{first!r}]"
            case "event":
                source, rest = "nb.event", list(reference.path)
            case _:
                source = f"nb.{first}"
        return source + "".join(f"[{name!r}]" for name in rest)


def _given_edges(step: Step, pipeline: Pipeline) -> tuple[str, ...]:
    """The shortest beginning of its needs to which its values and its condition add the rest, in their order."""
    taken = list(implied(step, pipeline))
    for count in range(len(step.needs) + 1):
        if tuple(dict.fromkeys((*step.needs[:count], *taken))) == step.needs:
            return step.needs[:count]
    return step.needs


# The file around the pipelines --------------------------------------------------------------------------


def _type(kind: str) -> str:
    return f"datetime.{kind}" if kind in ("date", "datetime") else kind


def _header(pipeline: Pipeline, notes: tuple[str, ...], file: _File, code: str) -> str:
    imports = dict.fromkeys(["import nbsched as nb", *file.definitions.imports])
    if "datetime." in code:
        imports["import datetime"] = None
    if file.early:
        imports["from nbsched.core.references import Reference"] = None
    said = "".join(f"# Not exported: {note}.\n" for note in notes)
    return f"# The pipeline {pipeline.name!r}. Run it: nbsched run FILE\n{said}\n" + "\n".join(
        sorted(imports)
    )


def _timing_notes(timing: Timing | None) -> Iterator[str]:
    """What `nb.pipeline(schedule=…)` cannot say of a schedule."""
    if timing is None:
        return
    usual = Timing(trigger=timing.trigger)
    for name in ("overlap", "missed", "catchup", "jitter", "start", "end", "limit"):
        value = getattr(timing, name)
        if value != getattr(usual, name):
            yield f"the schedule's {name} {value}: give it to nb.schedule(p, …, {name}=…)"


def _cell_notes(work: Work) -> Iterator[str]:
    for part in parts(work):
        if isinstance(part, Cell) and part.where != "process":
            yield (
                f"the kernel of the cell {part.name!r}, with whose variables it runs: load the file in a notebook, "
                "or make it where='process'"
            )
