"""What is exported: a pipeline, when it runs, and where it is written down; and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from nbsched.core.errors import DefinitionError
from nbsched.core.model import Pipeline, Step, Work
from nbsched.core.parameters import bind_params, required
from nbsched.core.policy import INHERITED
from nbsched.core.steps import step_name
from nbsched.core.trigger_kinds import Trigger


class Exported(str):
    """The text for the other system; `notes` say, one sentence each, what it cannot express."""

    notes: tuple[str, ...]

    def __new__(cls, text: str, notes: tuple[str, ...] = ()) -> Self:
        self = super().__new__(cls, text)
        self.notes = notes
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it runs; all but the trigger as `nb.schedule` takes it."""

    trigger: Trigger
    overlap: str = "skip"
    missed: str = "latest"
    catchup: timedelta = timedelta(days=1)
    jitter: timedelta | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A pipeline to be exported."""

    pipeline: Pipeline
    params: Mapping[str, Any] = field(default_factory=dict)
    """Given for the export: they go before the pipeline's own."""
    timing: Timing | None = None
    path: str | None = None
    """The file that `nbsched run` takes for it, absolute."""
    repository: str | None = None
    """The folder of the repository in which that file lies."""
    program: str = "nbsched"
    """How a shell starts nbsched."""


def as_pipeline(work: Work) -> Pipeline:
    """The pipeline itself; of other work a pipeline with it as its one step."""
    if isinstance(work, Pipeline):
        return work
    name = step_name(work.name)
    own = {option: value for option, value in work.policy.items() if option not in INHERITED}
    step = replace(
        work,
        name=name,
        policy={option: value for option, value in work.policy.items() if option in INHERITED},
    )
    return Pipeline(name=name, policy=own, steps=(Step(name=name, work=step),))


def with_defaults(pipeline: Pipeline, params: Mapping[str, Any]) -> Pipeline:
    """The pipeline with the given parameters as its defaults; ParameterError when one does not fit."""
    if not params:
        return pipeline
    asked = {
        name: default
        for name, default in pipeline.declared.items()
        if name in params or not required(default)
    }
    bound = bind_params(asked, params)
    return replace(pipeline, declared={**pipeline.declared, **bound})


def refuse(step: Step, target: str, remedy: str) -> DefinitionError:
    """The step is of a kind that is not exported to the target."""
    kind = type(step.work).__name__.lower()
    return DefinitionError(f"step {step.name!r} is a {kind}, which is not exported to {target}: {remedy}")
