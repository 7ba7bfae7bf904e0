"""Pipelines as they are written: a `with` block that collects steps, or a table filled cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from nbsched.core import ports
from nbsched.core.checks import checked, expression
from nbsched.core.errors import DefinitionError, ParameterError, TriggerError, UnknownName
from nbsched.core.mapping import is_list, mapped
from nbsched.core.model import Map, Notebook, Pipeline, Step, Work
from nbsched.core.parameters import bind_params, declare, with_params
from nbsched.core.policy import policy_of, split_policy
from nbsched.core.references import Value
from nbsched.core.steps import BUILDING, Draft, StepHandle, check_name, data

Item = TypeVar("Item")


class Named(Mapping[str, Item], Generic[Item]):
    """A live mapping by name; an unknown one is UnknownName with the nearest there are."""

    def __init__(self, kind: str, names: Mapping[str, Any], item: Callable[[str], Item]) -> None:
        self._kind, self._names, self._item = kind, names, item

    def __getitem__(self, name: str) -> Item:
        if name not in self._names:
            raise UnknownName(self._kind, name, self._names)
        return self._item(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{self._kind}s: {', '.join(self) or 'none'}>"


class PipelineBuilder:
    """`with nb.pipeline(…) as p`: what is written inside becomes its steps, checked when it is left."""

    def __init__(self, frame: Pipeline, schedule: Any) -> None:
        self.schedule = schedule
        self._frame, self._draft = frame, Draft(frame.name, frame.declared)
        self._token: Token[Draft | None] | None = None
        self._work: Pipeline | None = None

    @property
    def name(self) -> str:
        return self._frame.name

    @property
    def steps(self) -> Mapping[str, StepHandle]:
        return Named("step", self._draft.steps, self._draft.steps.__getitem__)

    @property
    def params(self) -> Mapping[str, Value]:
        return Named("parameter", self._draft.declared, lambda name: Value("param", (name,), self._draft))

    @property
    def work(self) -> Pipeline:
        """The pipeline as data; DefinitionError before its block has been left without an error."""
        if self._work is None:
            raise DefinitionError(f"pipeline {self.name!r} is not complete: write its steps in its block")
        return self._work

    def run(self, params: Mapping[str, Any] | None = None, **policy: Any) -> Any:
        """A run of the pipeline, started now."""
        return ports.start(self, params, policy)

    def form(self) -> Any:
        """A form of the parameters with a button that runs the pipeline, to be shown in a notebook."""
        return ports.form(self)

    def __call__(self, **params: Any) -> StepHandle:
        """A step of the pipeline whose block this is: a run of this one, with the parameters."""
        return self.options()(**params)

    def options(self, *, name: str | None = None, **policy: Any) -> SubPipeline:
        """This pipeline as a step of another, with these options for the step over its own."""
        return SubPipeline(self.work, name, policy)

    def map(self, *, product: bool = False, max_parallel: int | None = None, **params: Any) -> StepHandle:
        """A step of another pipeline: a run of this one for each item of the lists among the parameters."""
        return self.options().map(product=product, max_parallel=max_parallel, **params)

    def __enter__(self) -> Self:
        if self._token is not None:
            raise DefinitionError(f"pipeline {self.name!r} has had its block: write a new pipeline")
        self._token = BUILDING.set(self._draft)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token:
            BUILDING.reset(self._token)
        self._draft.open = False
        if kind is None:
            steps = tuple(_complete(handle.step, self.name) for handle in self._draft.steps.values())
            self._work = checked(replace(self._frame, steps=steps))
            if self.schedule is not None:
                ports.schedule(self, self.schedule)
            ports.written(self)

    def __repr__(self) -> str:
        return f"<pipeline {self.name!r}: {len(self._draft.steps)} steps>"


class SubPipeline:
    """A pipeline as a step of another; calling it with parameters makes the step."""

    def __init__(self, work: Pipeline, name: str | None, policy: Mapping[str, Any]) -> None:
        options, self._steps_only = split_policy(f"pipeline {work.name!r}", policy)
        self._work, self._name = replace(work, policy={**work.policy, **options}), name

    def __call__(self, **params: Any) -> StepHandle:
        draft = self._draft()
        with _naming(f"{self._work.name!r} in pipeline {draft.name!r}"):
            given = bind_params(self._work.declared, data(params, self._work.name, draft))
        return draft.add(replace(self._work, params=given), self._name, self._steps_only)

    def map(self, *, product: bool = False, max_parallel: int | None = None, **params: Any) -> StepHandle:
        """The step is a run of the pipeline for each item of the lists; the other parameters are the same for all."""
        draft = self._draft()
        given = data(params, self._work.name, draft)
        lists = {name: value for name, value in given.items() if is_list(value)}
        same = {name: value for name, value in given.items() if name not in lists}
        work = mapped(replace(self._work, params=same), lists, product=product, max_parallel=max_parallel)
        return draft.add(work, self._name, self._steps_only)

    def _draft(self) -> Draft:
        draft = BUILDING.get()
        if draft is None:
            raise DefinitionError(
                f"pipeline {self._work.name!r} is called outside of a pipeline's block: use its .run(params)"
            )
        return draft


def _complete(step: Step, pipeline: str) -> Step:
    """The step, its notebook's or pipeline's parameters all given; ParameterError names the one that is not."""
    work = step.work.work if isinstance(step.work, Map) else step.work
    if isinstance(work, (Notebook, Pipeline)):
        with _naming(f"step {step.name!r} of pipeline {pipeline!r}"):
            with_params(work, {})
    return step


def pipeline(
    name: str, params: Mapping[str, Any] | None = None, schedule: Any = None, max_parallel: int | None = None,
    **policy: Any,
) -> PipelineBuilder:  # fmt: skip
    """A pipeline to be written in a `with` block; `params` are defaults, or types for required ones."""
    return PipelineBuilder(_frame(name, params, max_parallel, policy), _schedule(name, schedule))


def _frame(
    name: str, params: Mapping[str, Any] | None, max_parallel: int | None, policy: Mapping[str, Any]
) -> Pipeline:
    check_name("pipeline", name)
    if max_parallel is not None and (type(max_parallel) is not int or max_parallel < 1):
        raise DefinitionError(
            f"pipeline {name!r}: max_parallel {max_parallel!r} is no whole number above 0: give one"
        )
    options = policy_of(f"pipeline {name!r}", policy)
    with _naming(f"pipeline {name!r}"):
        declared = declare(params)
    return Pipeline(name=name, steps=(), declared=declared, max_parallel=max_parallel, policy=options)


@contextmanager
def _naming(owner: str) -> Iterator[None]:
    """A refusal says whose mistake it is."""
    try:
        yield
    except (ParameterError, TriggerError) as error:
        raise type(error)(f"{owner}: {error}") from None


def _schedule(name: str, schedule: Any) -> Any:
    if isinstance(schedule, str):
        from nbsched.core.triggers import parse_trigger

        with _naming(f"pipeline {name!r}"):
            parse_trigger(schedule)
    return schedule


class StepTable:
    """The steps of one pipeline as they are given one by one, in any order; checked when it is built."""

    def __init__(
        self, name: str, params: Mapping[str, Any] | None = None, max_parallel: int | None = None,
        **policy: Any,
    ) -> None:  # fmt: skip
        self._frame = _frame(name, params, max_parallel, policy)
        self._steps: dict[str, Step] = {}

    @property
    def name(self) -> str:
        return self._frame.name

    @property
    def steps(self) -> Mapping[str, Step]:
        return Named("step", self._steps, self._steps.__getitem__)

    def add(self, step: Step) -> None:
        """The step is in the table, in the place of the one that had its name."""
        check_name("step", step.name)
        if step.when is not None:
            expression(step.name, step.when)
        work: Work = replace(step.work, name=step.name)
        if isinstance(work, Notebook):
            work = with_params(work, {})
        self._steps[step.name] = _complete(replace(step, work=work), self.name)

    def remove(self, name: str) -> None:
        del self._steps[self.steps[name].name]

    def build(self) -> Pipeline:
        """The pipeline of the steps there are; DefinitionError names what does not fit."""
        return checked(replace(self._frame, steps=tuple(self._steps.values())))

    def run(self, params: Mapping[str, Any] | None = None, **policy: Any) -> Any:
        """A run of the pipeline, started now."""
        return ports.start(self, params, policy)
