"""What must hold for a pipeline before it may run; every refusal names the step and the pipeline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from nbsched.core.errors import DefinitionError, ExpressionError, UnknownName
from nbsched.core.executors import refuse_out_of_reach
from nbsched.core.expressions import Expression, parse_expression
from nbsched.core.graph import cycle
from nbsched.core.model import Map, Pipeline, Step, Work
from nbsched.core.references import Reference, references_in, referred

_NEED_SOMETHING = frozenset({"one_success", "one_failed", "one_done", "none_failed_min_one_success"})
_ENDED_WITHOUT_VALUES = {"all_failed": "failed", "all_skipped": "been skipped"}


def checked(pipeline: Pipeline) -> Pipeline:
    """The pipeline with every edge that values and conditions imply; DefinitionError if it cannot run."""
    if not pipeline.steps:
        raise DefinitionError(f"pipeline {pipeline.name!r} has no steps: write at least one")
    _refuse_twice(pipeline)
    names = {step.name for step in pipeline.steps}
    steps = tuple(_with_edges(step, names, pipeline) for step in pipeline.steps)
    found = cycle({step.name: step.needs for step in steps})
    if found:
        raise DefinitionError(
            f"pipeline {pipeline.name!r} has a cycle: {' → '.join(found)}: take one of these edges away"
        )
    for step in steps:
        _refuse_unreachable(step, pipeline)
    refuse_out_of_reach(pipeline, pipeline.policy)
    return replace(pipeline, steps=steps)


def taken(step: Step) -> Iterator[Reference]:
    """The references that the step's work is given."""
    return references_in([given for given in _given(step.work) if given])


def _given(work: Work) -> Iterator[Any]:
    yield from (work.params, getattr(work, "args", ()), getattr(work, "env", {}))
    if isinstance(work, Map):
        yield work.over
        yield from _given(work.work)


def expression(step: str, when: str) -> Expression:
    """The condition of the step, read; ExpressionError names both."""
    try:
        return parse_expression(when)
    except ExpressionError as error:
        raise ExpressionError(f"step {step!r}: {error}") from None


def read(step: Step, names: Collection[str], declared: Mapping[str, object]) -> Iterator[Reference]:
    """The references that the step's condition reads; DefinitionError for a path that means nothing here."""
    if step.when is None:
        return
    for path in expression(step.name, step.when).paths:
        reference = referred(path, names, declared)
        if reference is None:
            unknown = UnknownName("step or parameter", path[0], (*names, *declared))
            raise DefinitionError(f"the condition {step.when!r} of step {step.name!r}: {unknown}")
        yield reference


def _refuse_twice(pipeline: Pipeline) -> None:
    seen: set[str] = set()
    for step in pipeline.steps:
        if step.name in seen:
            raise DefinitionError(f"pipeline {pipeline.name!r} has two steps {step.name!r}: rename one")
        seen.add(step.name)


def implied(step: Step, pipeline: Pipeline) -> Iterator[str]:
    """The steps that it needs for a value or for its condition, in the order in which it reads them."""
    names = {other.name for other in pipeline.steps}
    return _needed([*taken(step), *read(step, names, pipeline.declared)])


def _needed(references: Iterable[Reference]) -> Iterator[str]:
    return (reference.path[0] for reference in references if reference.kind == "step")


def _with_edges(step: Step, names: set[str], pipeline: Pipeline) -> Step:
    references = [*taken(step), *read(step, names, pipeline.declared)]
    needs = dict.fromkeys((*step.needs, *_needed(references)))
    place = f"step {step.name!r} of pipeline {pipeline.name!r}"
    for name in needs:
        if name not in names:
            raise DefinitionError(f"{place} can never run: {UnknownName('step', name, names)}")
    for reference in references:
        if reference.kind == "param" and reference.path[0] not in pipeline.declared:
            unknown = UnknownName("parameter", reference.path[0], pipeline.declared)
            raise DefinitionError(f"{place}: {unknown}")
    return replace(step, needs=tuple(needs)) if len(needs) != len(step.needs) else step


def _refuse_unreachable(step: Step, pipeline: Pipeline) -> None:
    reason = _without_needs(step) or _without_values(step, pipeline)
    if reason:
        raise DefinitionError(f"step {step.name!r} of pipeline {pipeline.name!r} can never run: {reason}")


def _without_needs(step: Step) -> str | None:
    rule = step.work.policy.get("rule")
    if step.needs or rule not in _NEED_SOMETHING:
        return None
    return f"its rule {rule!r} waits for a step before it, and there is none: put one before it, or take another rule"


def _without_values(step: Step, pipeline: Pipeline) -> str | None:
    rule = step.work.policy.get("rule", pipeline.policy.get("rule"))
    if rule not in _ENDED_WITHOUT_VALUES:
        return None
    for reference in taken(step):
        if reference.kind == "step" and (len(reference.path) == 1 or rule == "all_skipped"):
            ended = f"{reference.path[0]!r} has {_ENDED_WITHOUT_VALUES[rule]}"
            return (
                f"its rule {rule!r} waits until {ended}, and then there is no {reference.written} to take: "
                "take no value of it, or another rule"
            )
    return None
