"""A pipeline as the Python file that defines it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbsched.core.checks import implied
from nbsched.core.model import Cell, Function, Notebook, Pipeline, Shell, Step, Work
from nbsched.core.parameters import required
from nbsched.core.references import Reference
from nbsched.exporting.functions import Definitions
from nbsched.exporting.literals import Names, call, keywords, literal, text
from nbsched.exporting.subject import Exported, Subject, Timing, refuse, with_defaults


def to_python(subject: Subject) -> Exported:
    """A file whose pipeline is equal to the subject's, but for which cell of which notebook a cell was typed into."""
    pipeline = with_defaults(subject.pipeline, subject.params)
    file = _File(pipeline)
    body = [*file.steps(), *file.edges()]
    notes = (*_timing_notes(subject.timing), *_cell_notes(pipeline))
    opening = _opening(file, pipeline, subject.timing)
    parts = [
        _header(pipeline, notes, f"{opening}{''.join(body)}", file),
        *file.definitions.blocks,
        *file.tasks,
        opening,
    ]
    return Exported("\n\n".join(part.rstrip("\n") for part in parts if part) + "\n" + "".join(body), notes)


@dataclass
class _File:
    """What is written so far."""

    pipeline: Pipeline
    definitions: Definitions = field(default_factory=Definitions)
    names: Names = field(default_factory=lambda: Names(("nb", "p", "datetime", "Reference")))
    variables: dict[str, str] = field(default_factory=dict)
    """By step: the variable that holds it."""
    functions: dict[str, str] = field(default_factory=dict)
    """By reference: the variable that holds the task."""
    tasks: list[str] = field(default_factory=list)
    early: bool = False
    """A value is taken of a step that is written only later."""

    def steps(self) -> list[str]:
        """The steps' lines, in their order."""
        self._define()
        lines = []
        for step in self.pipeline.steps:
            source = self._call(step)
            self.variables[step.name] = self.names.take(step.name, "_step")
            lines.append(f"    {self.variables[step.name]} = {source}\n")
        return lines

    def edges(self) -> Iterator[str]:
        """The edges that no value and no condition implies."""
        for step in self.pipeline.steps:
            given = [self.variables[need] for need in _given_edges(step, self.pipeline)]
            if given:
                before = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
                yield f"    {before} >> {self.variables[step.name]}\n"

    def _define(self) -> None:
        """All functions are there before the first step, whose variables must not hide them."""
        for policy in (self.pipeline.policy, *(step.work.policy for step in self.pipeline.steps)):
            for value in policy.values():
                self.hooked(self.pipeline.name, value)
        for step in self.pipeline.steps:
            if isinstance(step.work, Function) and step.work.bound:
                self.definitions.add(step.work.ref, step.name)
        for name in self.definitions.names:
            self.names.take(name)
        for step in self.pipeline.steps:
            if isinstance(step.work, Function) and step.work.ref not in self.functions:
                self.functions[step.work.ref] = self._task(step, step.work)

    def _task(self, step: Step, work: Function) -> str:
        found = self.definitions.add(work.ref, step.name) if work.bound else text(work.ref)
        variable = self.names.take(f"{work.ref.rpartition(':')[2].rpartition('.')[2].partition('#')[0]}_task")
        self.tasks.append(f"{variable} = nb.task({found})")
        return variable

    def _call(self, step: Step) -> str:
        write = _WRITERS.get(type(step.work))
        if write is None:
            raise refuse(step, "the Python export", "export the steps around it, and add this one by hand")
        return write(self, step)

    def named(self, step: Step, fields: Mapping[str, Any]) -> list[str]:
        """What every kind of step is given by name: its fields that are not at their default, its policy, its place."""
        given = {"name": step.name, **fields, **step.work.policy, **_only_of_steps(step)}
        return keywords({name: self.hooked(step.name, value) for name, value in given.items()})

    def hooked(self, owner: str, value: Any) -> str:
        """The value's source; a function to be called is defined here when nothing else holds it."""
        ref = value.get("call") if isinstance(value, Mapping) else None
        if isinstance(ref, str) and ref.startswith("__main__:"):
            return self.definitions.add(ref, owner)
        return self.literal(value)

    def literal(self, value: Any) -> str:
        return literal(value, self._reference)

    def _reference(self, reference: Reference) -> str:
        first, *rest = reference.path or ("",)
        if reference.kind == "step" and first not in self.variables:
            self.early = True
            return f'Reference("step", {reference.path!r})'
        if reference.kind == "event":
            return "nb.event" + "".join(f"[{name!r}]" for name in reference.path)
        source = {"step": self.variables.get(first), "param": f"p.params[{first!r}]", "fact": f"nb.{first}"}[
            reference.kind
        ]
        return f"{source}" + "".join(f"[{name!r}]" for name in rest)


def _notebook(file: _File, step: Step) -> str:
    work = step.work
    assert isinstance(work, Notebook)
    fields = _given(params=work.params, output=work.output, kernel=work.kernel, cwd=work.cwd)
    return call("nb.notebook", [text(work.path), *file.named(step, fields)], indent=4)


def _shell(file: _File, step: Step) -> str:
    work = step.work
    assert isinstance(work, Shell)
    return call(
        "nb.shell", [text(work.command), *file.named(step, _given(env=work.env, cwd=work.cwd))], indent=4
    )


def _cell(file: _File, step: Step) -> str:
    work = step.work
    assert isinstance(work, Cell)
    fields = _given(where=None if work.where == "kernel" else work.where, params=work.params)
    return call("nb.cell", [text(work.source), *file.named(step, fields)], indent=4)


def _function(file: _File, step: Step) -> str:
    work = step.work
    assert isinstance(work, Function)
    options = file.named(step, _given(where=None if work.where == "thread" else work.where))
    task = call(f"{file.functions[work.ref]}.options", options, indent=4)
    arguments = {name: file.literal(value) for name, value in work.params.items()}
    return call(task, [*map(file.literal, work.args), *keywords(arguments)], indent=4)


_WRITERS: Mapping[type[Work], Callable[[_File, Step], str]] = {
    Notebook: _notebook,
    Shell: _shell,
    Cell: _cell,
    Function: _function,
}


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, {}, ())}


def _only_of_steps(step: Step) -> dict[str, Any]:
    found = {"when": step.when, "setup": step.setup, "teardown": step.teardown}
    return {name: value for name, value in found.items() if value}


def _given_edges(step: Step, pipeline: Pipeline) -> tuple[str, ...]:
    """The shortest beginning of its needs to which its values and its condition add the rest, in their order."""
    taken = list(implied(step, pipeline))
    for count in range(len(step.needs) + 1):
        if tuple(dict.fromkeys((*step.needs[:count], *taken))) == step.needs:
            return step.needs[:count]
    return step.needs


# The file around the steps ------------------------------------------------------------------------------


def _opening(file: _File, pipeline: Pipeline, timing: Timing | None) -> str:
    given = {
        "params": _declared(file, pipeline.declared), "schedule": text(str(timing.trigger)) if timing else "",
        "max_parallel": str(pipeline.max_parallel or ""),
        **{name: file.hooked(pipeline.name, value) for name, value in pipeline.policy.items()},
    }  # fmt: skip
    arguments = keywords({name: source for name, source in given.items() if source})
    return f"with {call('nb.pipeline', [text(pipeline.name), *arguments])} as p:"


def _declared(file: _File, declared: Mapping[str, Any]) -> str:
    pairs = (f"{name!r}: {_type(kind) if (kind := required(default)) else file.literal(default)}"
             for name, default in declared.items())  # fmt: skip
    return f"{{{', '.join(pairs)}}}" if declared else ""


def _type(kind: str) -> str:
    return f"datetime.{kind}" if kind in ("date", "datetime") else kind


def _header(pipeline: Pipeline, notes: Iterable[str], body: str, file: _File) -> str:
    rest = "\n".join([*file.definitions.blocks, body])
    imports = dict.fromkeys(["import nbsched as nb", *file.definitions.imports])
    if "datetime." in rest:
        imports["import datetime"] = None
    if file.early:
        imports["from nbsched.core.references import Reference"] = None
    said = "".join(f"# Not exported: {note}.\n" for note in notes)
    remark = f"# The pipeline {pipeline.name!r}. Run it: nbsched run FILE\n{said}"
    return remark + "\n" + "\n".join(sorted(imports))


def _timing_notes(timing: Timing | None) -> Iterator[str]:
    """What `nb.pipeline(schedule=…)` cannot say of a schedule."""
    if timing is None:
        return
    usual = Timing(trigger=timing.trigger)
    for name in ("overlap", "missed", "catchup", "jitter", "start", "end", "limit"):
        value = getattr(timing, name)
        if value != getattr(usual, name):
            yield f"the schedule's {name} {value}: give it to nb.schedule(p, …, {name}=…)"


def _cell_notes(pipeline: Pipeline) -> Iterator[str]:
    for step in pipeline.steps:
        if isinstance(step.work, Cell) and step.work.where != "process":
            yield (
                f"the kernel of the cell {step.name!r}, with whose variables it runs: load the file in a notebook, "
                "or make it where='process'"
            )
