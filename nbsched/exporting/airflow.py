"""A pipeline as an Airflow DAG: a file for the DAGs folder of Airflow 2.9 or later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from nbsched.core.checks import expression, taken
from nbsched.core.durations import duration
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Function, Notebook, Pipeline, Shell, Step, Work
from nbsched.core.parameters import required
from nbsched.core.references import Reference, references_in, referred
from nbsched.exporting.airflow_policy import (
    Options,
    dag_options,
    operator_options,
    pipeline_notes,
    policy_of,
    rule_of,
    step_notes,
)
from nbsched.exporting.airflow_support import CONSTANTS, FUNCTIONS, IMPORTS, MODULES
from nbsched.exporting.airflow_timing import timing_notes, timing_options
from nbsched.exporting.functions import Definitions
from nbsched.exporting.literals import Names, call, keywords, literal, text
from nbsched.exporting.subject import Exported, Subject, refuse, with_defaults

_ALWAYS = """\
Results must be what XCom can hold: JSON, or what your XCom backend keeps. A value that a step gives by name is a key of
the mapping it returns, or what its notebook gave with nb.emit(); functions that ask nb.context() find no run here.
Notebooks and process cells need papermill, and the kernel they name, beside Airflow."""


def to_airflow(subject: Subject) -> Exported:
    """A file that defines the DAG, with an operator for each step and one for each condition."""
    pipeline = with_defaults(subject.pipeline, subject.params)
    dag = _Dag(pipeline)
    notes = (
        *pipeline_notes(pipeline), *timing_notes(subject.timing), *_parameter_notes(pipeline), *_event_notes(pipeline),
        *(note for step in pipeline.steps for note in _step_notes(step, pipeline)),
    )  # fmt: skip
    options = {
        "dag_id": text(_key(pipeline.name)), **timing_options(subject.timing), **dag_options(pipeline),
        **_params(pipeline),
    }  # fmt: skip
    body = "\n".join([
        f"with {call('DAG', keywords(options))} as dag:", *dag.tasks(), "", *dag.edges(),
    ]).rstrip()  # fmt: skip
    code = "\n\n".join([*dag.definitions.blocks, body])
    return Exported(_file(pipeline, notes, dag.definitions, code), notes)


@dataclass
class _Dag:
    """The tasks as they are written."""

    pipeline: Pipeline
    definitions: Definitions = field(default_factory=Definitions)
    names: Names = field(default_factory=lambda: Names((*MODULES, "dag", "DAG", "Param", "OUTPUTS", "VALUE")))
    variables: dict[str, str] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    """By step with a condition: the variable of the task that decides it."""
    keys: dict[str, str] = field(default_factory=dict)
    """By step: its task's id."""

    def __post_init__(self) -> None:
        for step in self.pipeline.steps:
            key = _key(step.name)
            if key in self.keys.values():
                raise DefinitionError(
                    f"step {step.name!r} would be one task with another one, {key!r}, in Airflow: rename one of them"
                )
            self.keys[step.name] = key

    def tasks(self) -> Iterator[str]:
        """The statements that make the operators."""
        for step in self.pipeline.steps:
            if isinstance(step.work, Function) and step.work.bound:
                self.names.take(self.definitions.add(step.work.ref, step.name))
        for step in self.pipeline.steps:
            self.variables[step.name] = self.names.take(step.name, "_task")
            if step.when is not None and not step.teardown:
                self.gates[step.name] = self.names.take(f"{step.name}_when")
                yield f"    {self.gates[step.name]} = {self._gate(step, step.when)}"
            yield f"    {self.variables[step.name]} = {self._operator(step)}"

    def edges(self) -> Iterator[str]:
        """The statements that order the operators."""
        for step in self.pipeline.steps:
            task = self.variables[step.name]
            if step.name in self.gates:
                yield f"    {self.gates[step.name]} >> {task}"
            if step.needs:
                before = [self.variables[need] for need in step.needs]
                source = before[0] if len(before) == 1 else f"[{', '.join(before)}]"
                yield f"    {source} >> {self.gates.get(step.name, task)}"
        for step in self.pipeline.steps:
            if step.teardown:
                yield f"    {self.variables[step.name]}.as_teardown()"
            if step.setup and can_be_setup(step, self.pipeline):
                yield f"    {self.variables[step.name]}.as_setup()"

    def _gate(self, step: Step, when: str) -> str:
        source = expression(step.name, when).source(lambda path: self._python(self._referred(step, path)))
        return call("ShortCircuitOperator", keywords({
            "task_id": text(f"{self.keys[step.name]}.when"), "ignore_downstream_trigger_rules": "False",
            "python_callable": f"lambda **context: bool({source})", **_rule(step),
        }), indent=4)  # fmt: skip

    def _referred(self, step: Step, path: tuple[str, ...]) -> Reference:
        found = referred(path, self.keys, self.pipeline.declared)
        assert found is not None, f"the condition of {step.name!r} was checked when it was written"
        return found

    def _operator(self, step: Step) -> str:
        write = _WRITERS.get(type(step.work))
        if write is None:
            raise refuse(step, "Airflow", "export the steps around it, and add this one by hand")
        operator, own = write(self, step)
        rule = {} if step.name in self.gates or step.teardown else _rule(step)
        options = {"task_id": text(self.keys[step.name]), **own, **rule, **self._policy(step)}
        return call(operator, keywords(options), indent=4)

    def _policy(self, step: Step) -> Options:
        return operator_options(policy_of(step, self.pipeline))

    # What references become -----------------------------------------------------------------------------------

    def python(self, value: Any) -> str:
        """The value's source in a function that has the task's `context`."""
        return literal(value, self._python)

    def _python(self, reference: Reference) -> str:
        first, *rest = reference.path or ("",)
        match reference.kind:
            case "step":
                return call("_step", ["context", text(self.keys[first]), *map(repr, rest)])
            case "param":
                return self._param(first) + "".join(f"[{name!r}]" for name in rest)
            case "event":
                return 'context["dag_run"].conf' + "".join(f"[{name!r}]" for name in reference.path)
        return _FACTS[first]

    def _param(self, name: str) -> str:
        default = self.pipeline.declared[name]
        if any(references_in(default)):
            return self.python(default)
        source, kind = f'context["params"][{name!r}]', required(default) or type(default).__name__
        return f"datetime.{kind}.fromisoformat({source})" if kind in ("date", "datetime") else source

    def template(self, value: Any) -> str:
        """The value as a text of a template field, as a shell gets it."""
        if not any(references_in(value)):
            return raw(str(value))
        return f"{{{{ {literal(value, self._jinja)} }}}}"

    def _jinja(self, reference: Reference) -> str:
        first, *rest = reference.path or ("",)
        if reference.kind == "fact":
            return _CONTEXT.sub(r"\1", _FACTS[first])
        if reference.kind == "param" and any(references_in(self.pipeline.declared[first])):
            return literal(self.pipeline.declared[first], self._jinja)
        base = {
            "step": f"ti.xcom_pull(task_ids={self.keys.get(first)!r})",
            "param": f"params[{first!r}]",
            "event": "dag_run.conf",
        }
        names = reference.path if reference.kind == "event" else rest
        return base[reference.kind] + "".join(f"[{name!r}]" for name in names)


_CONTEXT = re.compile(r'context\["(\w+)"\]')
_FACTS: Mapping[str, str] = {
    "scheduled_at": 'context["data_interval_end"]',
    "interval": '(context["data_interval_start"], context["data_interval_end"])',
    "interval_end": 'context["data_interval_end"]',
    "interval_start": 'context["data_interval_start"]',
    "scheduled_date": 'context["data_interval_end"].in_timezone(context["dag"].timezone).date()',
    "run_id": 'context["run_id"]',
    "run_key": '(context["dag"].dag_id + "/" + context["run_id"] + "/" + context["ti"].task_id)',
}


def _rule(step: Step) -> Options:
    rule = rule_of(step)
    return {} if rule == "all_success" else {"trigger_rule": text(rule)}


def raw(value: str) -> str:
    """The text with nothing in it that a template would read."""
    return f"{{{{ {value!a} }}}}" if re.search(r"\{[{%#]", value) else value


# One function for each kind of step ---------------------------------------------------------------------


def _shell(dag: _Dag, step: Step) -> tuple[str, Options]:
    work = step.work
    assert isinstance(work, Shell)
    own = {"bash_command": text(f"set -eo pipefail\n{raw(work.command)}\n")}
    if work.env:
        env = {name: dag.template(value) for name, value in work.env.items()}
        own |= {"env": literal(env, dag.python), "append_env": "True"}
    return "BashOperator", own | ({"cwd": text(work.cwd)} if work.cwd else {})


def _function(dag: _Dag, step: Step) -> tuple[str, Options]:
    work = step.work
    assert isinstance(work, Function)
    place, _, name = work.ref.rpartition(":")
    if work.bound:
        function = dag.definitions.add(work.ref, step.name)
    else:
        function = f"_found({text(place)}, {text(name)})"
    arguments = keywords({name: dag.python(value) for name, value in work.params.items()})
    return _python_operator(call("_called", [function, *map(dag.python, work.args), *arguments], indent=8))


def _python_operator(source: str) -> tuple[str, Options]:
    return "PythonOperator", {"python_callable": f"lambda **context: {source}"}


def _notebook(dag: _Dag, step: Step) -> tuple[str, Options]:
    work = step.work
    assert isinstance(work, Notebook)
    options = {name: text(value) for name in ("output", "kernel", "cwd") if (value := getattr(work, name))}
    return _papermill("_notebook", work.path, dag, step, options)


def _cell(dag: _Dag, step: Step) -> tuple[str, Options]:
    work = step.work
    assert isinstance(work, Cell)
    if work.where != "process":
        raise DefinitionError(
            f"the cell {step.name!r} runs in its notebook's kernel, which Airflow has not: give it "
            "--where process (where='process'), or make it a function"
        )
    return _papermill("_cell", work.source, dag, step, {})


def _papermill(name: str, first: str, dag: _Dag, step: Step, options: Options) -> tuple[str, Options]:
    limit = policy_of(step, dag.pipeline).get("cell_timeout")
    if limit is not None:
        options = {**options, "cell_timeout": f"{duration(limit).total_seconds():g}"}
    arguments = ["context", text(first), dag.python(step.work.params), *keywords(options)]
    return _python_operator(call(name, arguments, indent=8))


_WRITERS: Mapping[type[Work], Callable[[_Dag, Step], tuple[str, Options]]] = {
    Shell: _shell,
    Function: _function,
    Notebook: _notebook,
    Cell: _cell,
}


# What the DAG is given, and what it cannot be -----------------------------------------------------------

_SCHEMA: Mapping[str, str] = {
    "int": "type='integer'", "float": "type='number'", "bool": "type='boolean'", "str": "type='string'",
    "list": "type='array'", "dict": "type='object'", "date": "type='string', format='date'",
    "datetime": "type='string', format='date-time'",
}  # fmt: skip


def _params(pipeline: Pipeline) -> Options:
    found = {
        name: _param(default)
        for name, default in pipeline.declared.items()
        if not any(references_in(default))
    }
    pairs = ", ".join(f"{name!r}: {source}" for name, source in found.items())
    return {"params": f"{{{pairs}}}"} if found else {}


def _param(default: Any) -> str:
    kind = required(default)
    if kind:
        return f"Param({_SCHEMA[kind]})"
    shown = default.isoformat() if isinstance(default, date) else json.loads(json.dumps(default, default=str))
    schema = _SCHEMA.get(type(default).__name__)
    return call("Param", [literal(shown, str), *([schema] if schema else [])])


def can_be_setup(step: Step, pipeline: Pipeline) -> bool:
    """Airflow lets only tasks with the usual rule follow a setup."""
    followers = [other for other in pipeline.steps if step.name in other.needs and not other.teardown]
    return all(rule_of(other) == "all_success" for other in followers)


def _step_notes(step: Step, pipeline: Pipeline) -> Iterator[str]:
    yield from step_notes(step, policy_of(step, pipeline))
    if step.setup and not can_be_setup(step, pipeline):
        yield f"step {step.name!r}: setup (Airflow lets no other rule than all_success follow a setup)"
    if step.teardown and "rule" in step.work.policy:
        yield f"step {step.name!r}: its rule {rule_of(step)!r} (Airflow has one rule for every teardown)"
    if step.teardown and step.when is not None:
        yield f"step {step.name!r}: its condition {step.when!r} (Airflow skips no teardown)"
    if step.setup and step.when is not None:
        yield f"step {step.name!r}: its condition is a task before the setup, which Airflow does not call setup"


def _parameter_notes(pipeline: Pipeline) -> Iterator[str]:
    for name, default in pipeline.declared.items():
        if any(references_in(default)):
            yield f"parameter {name!r} cannot be given to a run (its default is known only when the run starts)"


def _event_notes(pipeline: Pipeline) -> Iterator[str]:
    if any(reference.kind == "event" for step in pipeline.steps for reference in taken(step)):
        yield "events (what nb.event says is read from the conf of the DAG run instead)"


# The file -----------------------------------------------------------------------------------------------


def _file(pipeline: Pipeline, notes: tuple[str, ...], definitions: Definitions, code: str) -> str:
    functions = _used(FUNCTIONS, code)
    constants = _used(CONSTANTS, "\n".join(functions.values()))
    everything = "\n".join([*functions.values(), *constants.values(), code])
    modules = [f"import {name}" for name in MODULES if _is_in(everything, name)]
    statements = [
        source for names, source in IMPORTS.items() if any(_is_in(everything, name) for name in names)
    ]
    imports = "\n".join(sorted({*modules, *definitions.imports})) + "\n\n" + "".join(statements)
    parts = [
        f"{_docstring(pipeline, notes)}\n{imports}",
        "".join(constants.values()),
        *functions.values(),
        code,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _used(table: Mapping[str, str], code: str) -> dict[str, str]:
    """The entries that the code uses, and those which they use."""
    found: dict[str, str] = {}
    for name, source in table.items():
        if _is_in("\n".join([code, *found.values()]), name):
            found[name] = source
    return found


def _is_in(code: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", code) is not None


def _docstring(pipeline: Pipeline, notes: tuple[str, ...]) -> str:
    missing = "".join(f"- {note}\n" for note in notes)
    said = f"\n\nNot exported:\n{missing.rstrip()}" if notes else ""
    body = f"The pipeline {pipeline.name!r} for Airflow 2.9 or later.\n\n{_ALWAYS}{said}\n"
    escaped = body.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{escaped}"""\n'


def _key(name: str) -> str:
    """The name as Airflow allows it."""
    return re.sub(r"[^\w.-]", "_", name)
