"""Random pipelines end as a small model of the contract says, whatever happens to them on the way."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import nbsched as nb
from nbsched.core.errors import InvalidState
from nbsched.store import recovery
from nbsched.testing import VirtualRuntime
from tests.engine.conftest import START
from tests.engine.random_pipelines import OPTIONS, check, ends_of, failures, nodes, pipeline
from tests.engine.reference import Node, ends, whole

MOMENTS = ("cancels all", "cancels itself", "loses host")


@contextmanager
def runtime(slots: int, works: ModuleType) -> Iterator[VirtualRuntime]:
    """A runtime whose steps can cancel their runs, or take their host from it."""
    works.calls.clear()
    with (
        tempfile.TemporaryDirectory() as folder,
        VirtualRuntime(START, Path(folder) / "store.db", slots=slots) as rt,
    ):
        works.moments.update({
            "failures": lambda run: failures(rt.get_run(run)),
            "cancels itself": lambda run: cancel(rt, run),
            "cancels all": lambda run: cancel(rt, rt.get_run(run).parent),
            "loses host": lambda run: rt.database.write(recovery.give_up, rt.host.id, rt.now_ms()),
        })  # fmt: skip
        yield rt


def cancel(rt: VirtualRuntime, run: Any) -> None:
    """It is asked to stop, unless it has ended: what a lost attempt does may come late."""
    with suppress(InvalidState):
        rt.cancel(run)


def ended(rt: VirtualRuntime, found: Sequence[Node], options: Mapping[str, Any], works: ModuleType) -> nb.Run:
    run = rt.run(pipeline(found, options, works))
    rt.advance_blocking("1h")
    assert run.state.final, {name: step.state for name, step in run.steps.items()}
    return run


def of_examples(number: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=number, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


def agrees(works: ModuleType, found: Sequence[Node], options: Mapping[str, Any]) -> None:
    expected = ends(found)
    with runtime(options["slots"], works) as rt:
        run = ended(rt, found, options, works)
        assert ends_of(run) == expected
        assert (run.state, run.reason) == whole(found, expected, cancelled=False)
        check(run, found)
    assert Counter(works.calls) == Counter({name: end.tries for name, end in expected.items()})


def agrees_when_disturbed(works: ModuleType, found: Sequence[Node], options: Mapping[str, Any]) -> None:
    with runtime(options["slots"], works) as rt:
        run = ended(rt, found, options, works)
        check(run, found)
        check_teardowns(run, found)


def check_teardowns(run: nb.Run, found: Sequence[Node]) -> None:
    """What had begun when its pipeline was cancelled is torn down all the same; a second cancel says not to."""
    begun = {node.name for node in found if node.moment == "cancels all" and run.steps[node.name].attempt}
    for node in found:
        if node.teardown and node.moment is None and len(begun) == 1 and begun <= set(node.needs):
            assert run.steps[node.name].state != "cancelled", node


@given(found=nodes(9), options=OPTIONS)
@of_examples(60)
def test_a_random_pipeline_ends_as_the_contract_says(
    works: ModuleType, found: list[Node], options: dict[str, Any]
) -> None:
    agrees(works, found, options)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # an interrupt may fall anywhere
@given(found=nodes(9, MOMENTS), options=OPTIONS)
@of_examples(60)
def test_a_random_pipeline_that_is_cancelled_or_loses_its_hosts_ends_as_the_contract_allows(
    works: ModuleType, found: list[Node], options: dict[str, Any]
) -> None:
    agrees_when_disturbed(works, found, options)


@pytest.mark.slow
@pytest.mark.timeout(280)
@given(found=nodes(25), options=OPTIONS)
@of_examples(250)
def test_many_larger_random_pipelines_end_as_the_contract_says(
    works: ModuleType, found: list[Node], options: dict[str, Any]
) -> None:
    agrees(works, found, options)


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@given(found=nodes(25, MOMENTS), options=OPTIONS)
@of_examples(250)
def test_many_larger_random_pipelines_that_are_disturbed_end_as_the_contract_allows(
    works: ModuleType, found: list[Node], options: dict[str, Any]
) -> None:
    agrees_when_disturbed(works, found, options)


def test_a_skip_before_a_failure_gives_the_same_reason_as_a_failure_before_a_skip(
    real: nb.Runtime, works: ModuleType, until: Callable[..., None]
) -> None:
    """Found by the model: the reason, and so what follows, hung on which of them came first."""
    with nb.pipeline("race") as p:
        skips = nb.task(works.skips).options(name="skips")()
        fails = nb.task(works.held).options(name="fails", retries=0)("gate")
        after = nb.task(works.ok).options(name="after")()
        rescue = nb.task(works.ok).options(name="rescue", rule="one_failed")()
        [skips, fails] >> after >> rescue
    run = real.run(p)
    until(real, lambda: run.steps["skips"].state == "skipped")
    assert run.steps["after"].state == "pending"
    run.steps["fails"].cancel()
    run.wait(10)
    assert (run.steps["after"].reason, run.steps["rescue"].state) == ("upstream_failed", "succeeded")
