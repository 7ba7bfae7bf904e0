"""What can be run, as people write it: notebooks, functions, shell commands, cells.

Inside a pipeline's block each call makes a step; outside it gives the work itself.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import Any, overload

from nbsched.core import ports
from nbsched.core.declared import Parameter, typed
from nbsched.core.errors import DefinitionError, ParameterError, UnknownName
from nbsched.core.executors import refuse_out_of_reach
from nbsched.core.mapping import is_list, mapped
from nbsched.core.model import Cell, Function, Notebook, Pipeline, Place, Shell, Work
from nbsched.core.parameters import notebook_params, parameter, with_params
from nbsched.core.pipeline import PipelineBuilder, StepTable
from nbsched.core.policy import located, split_policy
from nbsched.core.ports import set_function_reference, set_runner, use
from nbsched.core.rawtext import RawText
from nbsched.core.references import Reference, Value
from nbsched.core.signatures import parameters_of
from nbsched.core.sources import cell_compiles
from nbsched.core.steps import BUILDING, StepHandle, check_name, data, handles, settled, step_name

__all__ = [
    "FunctionTask", "as_work", "cell", "chord", "notebook", "set_function_reference", "set_runner", "shell",
    "task", "use",
]  # fmt: skip

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional ones, and the others by name."""


def notebook(
    path: Any, *, params: Mapping[str, Any] | None = None, output: Any = None, kernel: str | None = None,
    cwd: Any = None, name: str | None = None, **policy: Any,
) -> Any:  # fmt: skip
    """A whole notebook, run in a fresh kernel; refused when it is not there or has no such parameter."""
    files = ports.surroundings()
    text = _text("a notebook's path", str(path))
    named = _stem(text) if name is None else name
    with _naming(named):
        options, steps_only = split_policy(f"notebook {text!r}", policy)
        found = files.existing(text)
        work = Notebook(
            name=named, params=_notebook_params(found, text, params), path=found, kernel=kernel,
            policy=located(options, lambda file: files.absolute(file, found)),
            output=None if output is None else files.absolute(str(output)),
            cwd=None if cwd is None else files.existing(str(cwd)),
        )  # fmt: skip
    return placed(work, name, steps_only)


def shell(
    command: str, *, env: Mapping[str, Any] | None = None, cwd: Any = None, name: str | None = None,
    **policy: Any,
) -> Any:  # fmt: skip
    """A command line under `bash -eo pipefail`, run in the folder that is current now unless `cwd`."""
    files = ports.surroundings()
    with _naming(name):
        text = _text("a shell command", command)
    named = _first_word(text) if name is None else name
    with _naming(named):
        options, steps_only = split_policy(f"shell command {text!r}", policy)
        folder = files.absolute("") if cwd is None else files.existing(str(cwd))
        work = Shell(
            name=named, command=command, env=_mapping(text, env), cwd=folder,
            policy=located(options, lambda file: files.absolute(file, folder)),
        )  # fmt: skip
    return placed(work, name, steps_only)


def cell(
    source: str, *, name: str, where: Place = "kernel", params: Mapping[str, Any] | None = None, **policy: Any
) -> Any:
    """A cell's source, run in this kernel, in a thread of it, or as a one-cell notebook in a process."""
    options, steps_only = split_policy(f"cell {name!r}", policy)
    place = _place(f"cell {name!r}", where, ("kernel", "thread", "process"))
    with _naming(name):
        fault = cell_compiles(_text("a cell's source", source))
    if fault:
        raise DefinitionError(f"cell {name!r}: {fault}")
    policy = located(options, lambda file: ports.surroundings().beside(file))
    work = Cell(name=name, params=_mapping(name, params), policy=policy, source=source, where=place)
    refuse_out_of_reach(work, policy)
    return placed(work, name, steps_only)


def _task_options(owner: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    options, steps_only = split_policy(owner, given)
    return located(options, lambda file: ports.surroundings().beside(file)), steps_only


@contextmanager
def _naming(step: object) -> Iterator[None]:
    """A refusal inside a pipeline's block names the step that it is about."""
    try:
        yield
    except (DefinitionError, ParameterError) as error:
        draft = BUILDING.get()
        if draft is None or step is None or repr(step) in str(error):
            raise
        raise type(error)(f"step {step!r} of pipeline {draft.name!r}: {error}") from None


def placed(work: Work, name: str | None, steps_only: Mapping[str, Any]) -> Any:
    """The work's step inside a pipeline's block, else the work itself."""
    draft = BUILDING.get()
    if draft is not None:
        return draft.add(work, name, steps_only)
    for option in steps_only:
        raise DefinitionError(f"{work.name!r}: {option}= is for the steps of a pipeline: write it inside one")
    return settled(work, _text("a name", work.name), None)


def _notebook_params(path: str, written: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Checked against what the notebook declares; its run, or a `map`, may still give it the rest."""
    given = data(_mapping(written, params), written, BUILDING.get())
    return notebook_params(path, given, written, complete=False)


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DefinitionError(f"{what} must be a text that is not empty, not {value!r}: write it out")
    return value


def _mapping(owner: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ParameterError(
            f"{owner!r} is given {value!r}, which is not a mapping of names to values: "
            "write it like {'limit': 3}"
        )
    return dict(value)


def _place(owner: str, where: Any, places: tuple[str, ...]) -> Any:
    if where not in places:
        remedy = f"use {' or '.join(map(repr, places))}"
        raise DefinitionError(f"{owner}: {UnknownName('place', where, places, remedy)}")
    return where


def _first_word(command: str) -> str:
    return step_name(command.split(maxsplit=1)[0].rsplit("/", 1)[-1])


def _stem(path: str) -> str:
    return step_name(path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0])


class FunctionTask:
    """A function as work: called inside a pipeline's block it makes a step, outside it just runs."""

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self, function: Callable[..., Any], *, stem: str | None, where: Any, policy: Mapping[str, Any],
        steps_only: Mapping[str, Any], step: str | None = None,
    ) -> None:  # fmt: skip
        functools.update_wrapper(self, function)
        self.__name__ = _function_name(function)
        self._stem, self._step = stem or step_name(self.__name__), step
        self._where = _place(f"task {self.name!r}", where, ("thread", "process"))
        self._policy, self._steps_only = policy, steps_only

    @property
    def name(self) -> str:
        return self._step or self._stem

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        draft = BUILDING.get()
        if draft is None:
            self._refuse_steps((*args, *kwargs.values()))
            return self.__wrapped__(*args, **kwargs)
        return draft.add(self._work(*self._bound(args, kwargs)), self._step, self._steps_only)

    def map(
        self, *lists: Any, product: bool = False, chunk: int | None = None, max_parallel: int | None = None,
        **arguments: Any,
    ) -> Any:  # fmt: skip
        """The task once for each item of the lists, side by side or their product; its result is the list of results.

        Lists, steps and values given by position are mapped and the named arguments the same for all; without
        positional ones the named lists, steps and values are mapped. `chunk` items at a time are one run.
        """
        over = {name: value for name, value in arguments.items() if is_list(value)} if not lists else {}
        same = {name: value for name, value in arguments.items() if name not in over}
        items = [Reference("item", (str(at),)) for at in range(len(lists))]
        args, params = self._bound(tuple(items), {**same, **dict.fromkeys(over, Reference("item", ("",)))})
        names = {
            str(at): name for at in range(len(lists)) for name, value in params.items() if value is items[at]
        }
        positional = {names.get(str(at), str(at)): given for at, given in enumerate(lists)}
        template = self._work(args, {name: value for name, value in params.items() if name not in over})
        work = mapped(template, positional | over, product=product, chunk=chunk, max_parallel=max_parallel)
        return placed(work, self._step, self._steps_only)

    def options(self, *, name: str | None = None, where: str | None = None, **policy: Any) -> FunctionTask:
        """A copy with these options over its own; `name` is the name of its one step."""
        options, steps_only = _task_options(f"task {name or self.name!r}", policy)
        return FunctionTask(
            self.__wrapped__, stem=self._stem, where=where or self._where, policy={**self._policy, **options},
            steps_only={**self._steps_only, **steps_only}, step=name or self._step,
        )  # fmt: skip

    def run(self, params: Mapping[str, Any] | None = None, **policy: Any) -> Any:
        """A run of the function with the parameters as its arguments, started now."""
        return ports.start(self, params, policy)

    def work(self, params: Mapping[str, Any] | None = None) -> Function:
        """The function as work of its own; `params`, when given, must be what its signature asks for."""
        for option in self._steps_only:
            raise DefinitionError(f"task {self.name!r}: {option}= is for steps of a pipeline: take it away")
        if params is None:
            return self._work((), {})
        positional, named = self._bound((), self._read(_mapping(self.name, params)))
        return self._work(data(positional, self.name, None), data(named, self.name, None))

    def _work(self, args: tuple[Any, ...], params: Mapping[str, Any]) -> Function:
        return Function(
            name=self.name, params=params, policy=self._policy, ref=self._ref, where=self._where, args=args
        )

    @property
    def declared(self) -> Mapping[str, Parameter]:
        """What its signature asks for by name."""
        return parameters_of(self._signature) if self._signature else {}

    def _read(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters, what was typed as text in the types of the signature."""
        declared = self.declared if any(isinstance(value, RawText) for value in params.values()) else {}
        return {
            name: typed(declared.get(name), value, name, self.name) if isinstance(value, RawText) else value
            for name, value in params.items()
        }

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
        """The arguments that must stay positional, and the others by their names."""
        signature = self._signature
        if signature is None:
            return args, dict(kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            call = f"{self.__name__}{signature}"
            raise ParameterError(f"task {self.name!r}: {error}; call it as {call}") from None
        return _by_name(signature, bound)

    @functools.cached_property
    def _signature(self) -> inspect.Signature | None:
        try:
            return inspect.signature(self.__wrapped__)
        except (TypeError, ValueError):
            return None  # some built-in functions do not tell theirs

    @functools.cached_property
    def _ref(self) -> str:
        return ports.function_reference(self.__wrapped__)

    def _refuse_steps(self, arguments: Iterable[Any]) -> None:
        for argument in arguments:
            if isinstance(argument, (StepHandle, Value)):
                data(argument, self.name, None)

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"


def _by_name(signature: inspect.Signature, bound: inspect.BoundArguments) -> Arguments:
    kinds = {name: signature.parameters[name].kind for name in bound.arguments}
    if inspect.Parameter.VAR_POSITIONAL in kinds.values():
        return bound.args, bound.kwargs
    positional = tuple(value for name, value in bound.arguments.items()
                       if kinds[name] is inspect.Parameter.POSITIONAL_ONLY)  # fmt: skip
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif kinds[name] is not inspect.Parameter.POSITIONAL_ONLY:
            named[name] = value
    return positional, named


def _function_name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


@overload
def task(
    function: Callable[..., Any] | str, /, *, name: str | None = ..., where: str = ..., **policy: Any
) -> FunctionTask: ...
@overload
def task(
    *, name: str | None = ..., where: str = ..., **policy: Any
) -> Callable[[Callable[..., Any]], FunctionTask]: ...
def task(function: Any = None, /, *, name: str | None = None, where: str = "thread", **policy: Any) -> Any:
    """The function, or that of a `module:name` or `/file.py:name`, as a task; without one, a decorator."""
    if function is None:
        return functools.partial(task, name=name, where=where, **policy)
    if isinstance(function, str):
        function = copy_context().run(_function_named, function)
    if not callable(function):
        raise DefinitionError(f"{function!r} is not a function: give nb.task a function")
    if isinstance(function, FunctionTask):
        raise DefinitionError(f"{function!r} is a task already: use its .options(...)")
    stem = None if name is None else check_name("step", name)
    options, steps_only = _task_options(f"task {stem or _function_name(function)!r}", policy)
    return FunctionTask(function, stem=stem, where=where, policy=options, steps_only=steps_only)


def _function_named(ref: str) -> Any:
    """Found outside of the pipeline that is being written: its file may write others."""
    BUILDING.set(None)
    return ports.function_named(ref)


def chord(header: Iterable[StepHandle], callback: Callable[..., Any]) -> StepHandle:
    """A step of the task that gets the list of the header's results, in the header's order."""
    if BUILDING.get() is None:
        raise DefinitionError("a chord is made of a pipeline's steps: write it inside a pipeline's block")
    last = callback if isinstance(callback, FunctionTask) else task(callback)
    made: StepHandle = last(handles(header, last.name))
    return made


def declared_by(value: Any) -> Mapping[str, Parameter]:
    """What the work asks for, by name, with what it has been given already as defaults."""
    work = value if isinstance(value, FunctionTask) else as_work(value)
    if isinstance(work, FunctionTask):
        return work.declared
    if isinstance(work, Pipeline):
        return {name: parameter(name, default) for name, default in work.declared.items()}
    declared = ports.surroundings().declared_parameters(work.path) if isinstance(work, Notebook) else None
    known = declared or {name: Parameter(name=name) for name in work.params}
    return {
        name: replace(one, default=work.params[name], required=False) if name in work.params else one
        for name, one in known.items()
    }


def as_work(value: Any, params: Mapping[str, Any] | None = None) -> Work:
    """The work that the value stands for; with `params` given, all its parameters bound and checked."""
    if isinstance(value, PipelineBuilder):
        value = value.work
    if isinstance(value, StepTable):
        value = value.build()
    if isinstance(value, StepHandle):
        raise DefinitionError(f"{value!r} runs with its pipeline only: run the pipeline")
    if isinstance(value, Work):
        return value if params is None else with_params(value, _mapping(value.name, params))
    if callable(value):
        return (value if isinstance(value, FunctionTask) else task(value)).work(params)
    raise DefinitionError(
        f"{value!r} is not work: give nb.notebook(path), a function, nb.shell(command), a cell or a pipeline"
    )
