"""Pipelines inside pipelines, branches, and retries of a part."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, ParameterError


def states(run: nb.Run) -> dict[Any, str]:
    return {name: step.state.value for name, step in run.steps.items()}


@pytest.fixture
def inner(works: ModuleType) -> Any:
    """Doubles `x`, then adds one to it."""
    with nb.pipeline("inner", params={"x": int, "day": date(2026, 1, 1)}) as p:
        doubled = nb.task(works.times).options(name="doubled")(p.params["x"], 2)
        nb.task(works.plus).options(name="added")(doubled, 1)
    return p


def test_a_pipeline_inside_takes_parameters_and_gives_its_last_result(
    real: nb.Runtime, works: ModuleType, inner: Any
) -> None:
    with nb.pipeline("outer", params={"start": 5}) as p:
        first = nb.task(works.ok).options(name="first")(p.params["start"])
        sub = inner(x=first, day=nb.scheduled_date)
        nb.task(works.ok).options(name="last")(sub)
        nb.task(works.ok).options(name="inside")(sub["doubled"])
    run = real.run(p).wait(20)
    assert (run.state, states(run)) == (
        "succeeded", dict.fromkeys(["first", "inner", "last", "inside"], "succeeded"))  # fmt: skip
    within = run.steps["inner"]
    assert (within.result, run.steps["last"].result, run.steps["inside"].result) == (11, 11, 10)
    assert within.params == {"x": 5, "day": run.scheduled_at.astimezone().date()}
    assert within.steps["added"].pipeline == "inner"
    assert [step.row["parent"] for step in within.steps.values()] == [within.id, within.id]
    assert real.runs() == [run]


def test_a_pipeline_is_mapped_and_nested_deeper(real: nb.Runtime, works: ModuleType, inner: Any) -> None:
    with nb.pipeline("middle", params={"x": int}) as middle:
        inner.options(name="once")(x=middle.params["x"])
    with nb.pipeline("outer") as p:
        each = inner.map(x=[1, 2, 3])
        nb.task(works.total).options(name="sum")(each)
        nb.task(works.ok).options(name="doubles")(each["doubled"])
        middle.map(x=nb.task(works.ok).options(name="list")([10, 20]), max_parallel=1)
    run = real.run(p).wait(30)
    assert run.state == "succeeded"
    assert run.steps["inner"].result == [3, 5, 7]
    assert (run.steps["sum"].result, run.steps["doubles"].result) == (15, [2, 4, 6])
    assert run.steps["middle"].result == [21, 41]
    assert run.steps["middle"].steps[1].steps["once"].steps["added"].result == 41


def test_the_key_of_a_step_deep_inside_is_its_own(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("inner") as inner:
        nb.task(works.about).options(name="about").map(value=[1, 2])
    with nb.pipeline("outer") as p:
        inner()
    run = real.run(p).wait(20, check=True)
    items = run.steps["inner"].steps["about"].steps
    assert [item.result["key"] for item in items.values()] == [
        f"run-{run.id}/inner/about/0", f"run-{run.id}/inner/about/1"]  # fmt: skip


def test_a_failure_inside_fails_the_step_and_with_it_the_pipeline(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("inner") as inner:
        nb.task(works.bad).options(name="bad")("deep down")
    with nb.pipeline("outer") as p:
        inner() >> nb.task(works.ok).options(name="after")()
    run = real.run(p).wait(20)
    assert (run.state, str(run.error), run.steps["after"].reason) == (
        "failed", "ValueError: deep down", "upstream_failed")  # fmt: skip


def test_cancelling_reaches_everything_inside_and_teardowns_still_run(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("inner") as inner:
        held = nb.task(works.held, grace="1s").options(name="held")("a")
        held >> nb.task(works.ok).options(name="tidy", teardown=True)("tidied")
        held >> nb.task(works.ok).options(name="next")("next")
    with nb.pipeline("outer") as p:
        inner() >> nb.task(works.ok).options(name="after")("after")
    run = real.run(p)
    assert works.begun["a"].wait(10)
    run.cancel()
    run.wait(10)
    assert (run.state, states(run)) == ("cancelled", {"inner": "cancelled", "after": "cancelled"})
    assert states(run.steps["inner"]) == {"held": "cancelled", "tidy": "succeeded", "next": "cancelled"}


def test_the_limit_of_a_pipeline_holds_for_what_is_inside(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("inner") as inner:
        for number in range(4):
            nb.task(works.counted)(number)
    with nb.pipeline("outer", max_parallel=2) as p:
        inner.options(name="one")()
        inner.options(name="two")()
    assert real.run(p).wait(20).state == "succeeded"
    assert works.most_at_once["counted"] <= 2


def test_what_a_pipeline_inside_is_given_is_checked(inner: Any) -> None:
    with nb.pipeline("outer"):
        with pytest.raises(ParameterError, match="no parameter 'y'"):
            inner(x=1, y=2)
        with pytest.raises(ParameterError, match=r"parameter 'x' \(int\) has no value"):
            inner()
        with pytest.raises(ParameterError, match="'x' must be int, not the str 'a'"):
            inner(x="a")
        inner(x=1)
    with pytest.raises(DefinitionError, match="called outside of a pipeline's block"):
        inner(x=1)


def test_a_wrong_value_from_a_step_fails_the_pipeline_inside_before_it_begins(
    real: nb.Runtime, works: ModuleType, inner: Any
) -> None:
    with nb.pipeline("outer") as p:
        inner(x=nb.task(works.ok)("no number"))
    run = real.run(p).wait(20)
    assert "parameter 'x' must be int, not the str 'no number'" in str(run.steps["inner"].error)
    assert run.steps["inner"].steps == {}


@pytest.mark.parametrize(("value", "ran"), [("big", "train"), ("small", "skip"), ("odd", "other")])
def test_of_a_branch_runs_what_the_value_says(
    real: nb.Runtime, works: ModuleType, value: str, ran: str
) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("branches", params={"size": value}) as p:
        size = ok.options(name="size")(p.params["size"])
        steps = {name: ok.options(name=name)(name) for name in ("train", "skip", "other")}
        nb.branch(size, {"big": steps["train"], "small": [steps["skip"]]}, default=steps["other"])
        list(steps.values()) >> ok.options(name="join", rule="none_failed_min_one_success")()
    run = real.run(p).wait(20)
    assert run.state == "succeeded"
    assert {name for name in steps if run.steps[name].state == "succeeded"} == {ran}
    assert {run.steps[name].reason for name in steps if name != ran} == {"condition"}
    assert run.steps["join"].state == "succeeded"


def test_a_function_may_choose_and_a_condition_of_a_step_stays(real: nb.Runtime, works: ModuleType) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("chosen", params={"go": False}) as p:
        a = ok.options(name="a", when=p.params["go"] == True)()  # noqa: E712
        b = ok.options(name="b")()
        nb.branch(works.ok, {1: [a, b]})
    run = real.run(p).wait(20)
    assert states(run) == {"a": "skipped", "b": "succeeded", "ok": "succeeded"}


def test_conditions_and_branches_read_what_a_map_or_a_pipeline_inside_gave(
    real: nb.Runtime, works: ModuleType, inner: Any
) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("outer") as p:
        sub, each = inner(x=5), ok.options(name="each").map([1, 2])
        ok.options(name="more", when=sub["doubled"] > 9)()
        ok.options(name="less", when=sub["doubled"] < 9)()
        ok.options(name="both", when=each == [1, 2])()
        ok.options(name="none", when=each == [])()
        nb.branch(sub, {11: ok.options(name="eleven")(), 12: ok.options(name="twelve")()})
    run = real.run(p).wait(20)
    assert {name for name, state in states(run).items() if state == "skipped"} == {"less", "none", "twelve"}
    assert run.state == "succeeded"


def test_what_cannot_be_a_branch_is_refused(works: ModuleType) -> None:
    with pytest.raises(DefinitionError, match="inside a pipeline's block"):
        nb.branch(works.ok, {1: []})
    with nb.pipeline("p") as p:
        step = nb.task(works.ok)()
        for paths, message in ({}, "needs its steps by key"), ({1: "step"}, "'step' is not a step"):
            with pytest.raises(DefinitionError, match=message):
                nb.branch(step, paths)
        with pytest.raises(DefinitionError, match="cannot stand in a condition"):
            nb.branch(step, {(1, 2): step})
    assert list(p.steps) == ["ok"]


def test_a_retry_goes_on_inside_where_it_failed_and_prepares_again(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("inner") as inner:
        ready = nb.task(works.ok).options(name="ready", setup=True)("ready")
        first = nb.task(works.ok).options(name="first")("first")
        ready >> first >> nb.task(works.fails_once_on).options(name="second")(2, 2)
    with nb.pipeline("outer") as p:
        before = nb.task(works.ok).options(name="before")("before")
        before >> inner()
    run = real.run(p).wait(20)
    assert run.state == "failed"
    works.calls.clear()
    again = run.retry().wait(20)
    assert (again.state, works.calls) == ("succeeded", ["ready", 2])
    assert {name: step.reason for name, step in again.steps["inner"].steps.items()} == {
        "ready": None, "first": "reused", "second": None}  # fmt: skip


def test_a_retry_from_a_step_does_it_and_what_is_behind_it_again(real: nb.Runtime, works: ModuleType) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("chain", params={"start": 1}) as p:
        first = ok.options(name="first")(p.params["start"])
        second = ok.options(name="second")("second")
        ok.options(name="third")([first, second])
    run = real.run(p).wait(20)
    works.calls.clear()
    again = run.retry(from_step="second").wait(20)
    assert {name: step.reason for name, step in again.steps.items()} == {
        "first": "reused", "second": None, "third": None}  # fmt: skip
    assert works.calls == ["second", [1, "second"]]
    works.calls.clear()
    other = nb.Run.retry(again, params={"start": 7}).wait(20)
    assert (other.params, other.steps["third"].result) == ({"start": 7}, [7, "second"])
    assert works.calls == [7, [7, "second"]]
    with pytest.raises(nb.UnknownName, match=r"no step of run .* 'sekond': did you mean 'second'"):
        run.retry(from_step="sekond")
    with pytest.raises(ParameterError, match="'start' must be int"):
        run.retry(params={"start": "x"})
    assert len(real.runs()) == 3
