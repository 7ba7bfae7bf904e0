"""Mapped steps: as many runs as a list that is known only at run time has items."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError


def states(run: nb.Run) -> dict[Any, str]:
    return {name: step.state.value for name, step in run.steps.items()}


def test_a_task_is_mapped_over_what_another_step_returned(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("squares") as p:
        numbers = nb.task(works.ok).options(name="numbers")([1, 2, 3])
        squares = nb.task(works.power).options(name="squares").map(numbers, exponent=2)
        nb.task(works.total).options(name="sum")(squares)
    run = real.run(p).wait(20)
    assert run.steps["sum"].result == 14
    mapped = run.steps["squares"]
    assert (mapped.state, mapped.result) == ("succeeded", [1, 4, 9])
    assert {index: (item.state, item.result, item.index) for index, item in mapped.steps.items()} == {
        0: ("succeeded", 1, 0), 1: ("succeeded", 4, 1), 2: ("succeeded", 9, 2)}  # fmt: skip
    assert mapped.steps[1].params == {"base": 2, "exponent": 2}
    assert mapped.row["result"] == [1, 4, 9]


@pytest.mark.parametrize("items", [[], [5], list(range(300))])
def test_lists_of_any_length_give_results_in_their_order(
    real: nb.Runtime, works: ModuleType, items: list[int]
) -> None:
    with nb.pipeline("any") as p:
        nb.task(works.ok).options(name="each").map(items)
        nb.task(works.length).options(name="length")(p.steps["each"])
    run = real.run(p).wait(30)
    assert (run.state, run.steps["each"].result, run.steps["length"].result) == (
        "succeeded",
        items,
        len(items),
    )


def test_lists_side_by_side_their_product_and_maps_of_maps(real: nb.Runtime, works: ModuleType) -> None:
    power = nb.task(works.power)
    with nb.pipeline("several") as p:
        nb.zip_map(power.options(name="zip"), [2, 3], [3, 2])
        nb.product_map(power.options(name="product"), [2, 3], [1, 2])
        first = power.options(name="first").map([1, 2, 3], exponent=1)
        nb.task(works.ok).options(name="second").map(first)
    run = real.run(p).wait(20)
    assert [run.steps[name].result for name in ("zip", "product", "second")] == [
        [8, 9],
        [2, 4, 3, 9],
        [1, 2, 3],
    ]


def test_lists_of_different_lengths_are_refused_when_they_are_known(
    real: nb.Runtime, works: ModuleType
) -> None:
    power = nb.task(works.power)
    with pytest.raises(
        DefinitionError, match=r"different lengths \(base has 2, exponent has 1\).*nb.product_map"
    ):
        power.map([1, 2], [3])
    with nb.pipeline("late") as p:
        short = nb.task(works.ok).options(name="short")([1])
        nb.zip_map(power.options(name="zip"), short, [1, 2])
        nb.task(works.ok).options(name="no list").map(nb.task(works.ok).options(name="one")(1))
    run = real.run(p).wait(20)
    assert "different lengths" in str(run.steps["zip"].error)
    assert "'no list' is mapped over value, which turned out to be no list" in str(run.steps["no list"].error)


def test_a_reduce_gets_the_results_and_the_errors(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("reduce") as p:
        each = nb.task(works.inverse).options(name="each").map([1, 0, 2])
        nb.task(works.kinds).options(name="good")(each)
        nb.task(works.kinds).options(name="all", rule="all_done")(each)
    run = real.run(p).wait(20)
    assert (run.state, states(run)) == ("failed", {"each": "failed", "good": "skipped", "all": "succeeded"})
    assert run.steps["good"].reason == "upstream_failed"
    assert run.steps["all"].result == ["float", "RunFailed", "float"]
    failed = run.steps["each"].result[1]
    assert isinstance(failed, nb.RunFailed)
    assert (failed.state, "ZeroDivisionError" in str(failed)) == ("failed", True)
    assert states(run.steps["each"]) == {0: "succeeded", 1: "failed", 2: "succeeded"}


def test_a_skipped_item_gives_none_and_fails_nothing(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("skips") as p:
        each = nb.task(works.skips_odd).options(name="each").map([1, 2])
        nb.task(works.kinds).options(name="after", rule="none_failed")(each)
    run = real.run(p).wait(20)
    assert (run.state, run.steps["each"].result, run.steps["after"].result) == (
        "succeeded", [None, 2], ["NoneType", "int"])  # fmt: skip


def test_each_item_has_its_own_retries(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("retries") as p:
        nb.task(works.bad_until, retries=2, backoff="0s").options(name="each").map([1, 2, 3])
    run = real.run(p).wait(20)
    assert [item.attempt for item in run.steps["each"].steps.values()] == [1, 2, 3]
    assert run.steps["each"].result == [1, 2, 3]


def test_named_values_of_the_items_are_lists_too(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("named") as p:
        each = nb.task(works.emits).options(name="each").map(total=[1, 2])
        nb.task(works.ok).options(name="totals")(each["total"])
    assert real.run(p).wait(20).steps["totals"].result == [1, 2]


def test_chunks_are_one_run_each_and_the_results_one_list(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("chunks") as p:
        each = nb.task(works.power).options(name="each").map(list(range(10)), exponent=2, chunk=4)
        nb.task(works.total).options(name="sum")(each)
        nb.task(works.ok).options(name="again").map(each)
        nb.task(works.inverse).options(name="bad").map([1, 0, 2], chunk=2)
    run = real.run(p).wait(20)
    assert len(run.steps["each"].steps) == 3
    assert run.steps["each"].result == [n * n for n in range(10)]
    assert run.steps["again"].result == run.steps["each"].result
    assert run.steps["sum"].result == 285
    assert [type(one).__name__ for one in run.steps["bad"].result] == ["RunFailed", "RunFailed", "float"]


def test_frames_reach_the_items_and_come_back(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("frames") as p:
        made = nb.task(works.gives).options(name="made").map(["frame", "array", "large"])
        kinds = nb.task(works.kind).options(name="kinds").map(made)
        nb.task(works.kinds).options(name="all")(made)
        nb.task(works.ok).options(name="big")(["x" * 50_000, "y" * 50_000])
        nb.task(works.length).options(name="lengths").map(p.steps["big"])
    run = real.run(p).wait(30)
    assert run.steps["kinds"].result == run.steps["all"].result == ["DataFrame", "ndarray", "str"]
    assert run.steps["lengths"].result == [50_000, 50_000]
    assert kinds.name == "kinds"


def test_no_more_items_run_at_a_time_than_max_parallel(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("narrow", max_parallel=3) as p:
        nb.task(works.counted).options(name="two").map(list(range(12)), max_parallel=2)
        nb.task(works.counted).options(name="three").map(list(range(12)))
    run = real.run(p).wait(30)
    assert run.state == "succeeded"
    assert works.most_at_once["counted"] <= 3
    with nb.pipeline("one by one") as p:
        nb.task(works.counted).options(name="one").map(list(range(5)), max_parallel=1)
    works.most_at_once.clear()
    assert real.run(p).wait(30).state == "succeeded"
    assert works.most_at_once["counted"] == 1


def test_notebooks_and_shell_commands_are_mapped_by_name(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("shells") as p:
        regions = nb.task(works.ok).options(name="regions")(["EU", "US"])
        nb.shell("echo $REGION $FIXED", env={"FIXED": "x"}, name="each").map(REGION=regions)
    assert real.run(p).wait(30).steps["each"].result == ["EU x", "US x"]


def test_a_mapped_task_runs_alone_too(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(nb.task(works.power).map([1, 2, 3], exponent=3)).wait(20, check=True)
    assert run.result == [1, 8, 27]


def test_cancelling_ends_the_items_and_the_rest_is_never_begun(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("stopped") as p:
        nb.task(works.held).options(name="each").map(["a", "b", "c"], max_parallel=1)
    run = real.run(p)
    assert works.begun["a"].wait(10)
    run.cancel()
    run.wait(10)
    assert run.state == "cancelled"
    assert states(run.steps["each"]) == {0: "cancelled", 1: "cancelled", 2: "cancelled"}
    assert works.calls == ["a"]


def test_a_retry_runs_the_failed_items_only(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("again") as p:
        each = nb.task(works.fails_once_on).options(name="each").map([1, 2, 3], bad=2)
        nb.task(works.total).options(name="sum")(each)
    run = real.run(p).wait(20)
    assert (run.state, states(run.steps["each"])) == ("failed", {0: "succeeded", 1: "failed", 2: "succeeded"})
    works.calls.clear()
    again = run.retry().wait(20)
    assert (again.state, again.steps["sum"].result, works.calls) == ("succeeded", 6, [2])
    assert [item.reason for item in again.steps["each"].steps.values()] == ["reused", None, "reused"]


def test_what_a_map_was_given_is_kept_when_its_host_dies(tmp_path: Path, works: ModuleType) -> None:
    with nb.pipeline("carried") as p:
        nb.task(works.held_if, grace="0.1s").options(name="each").map(["", "held", ""])
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        run = rt.run(p)
        assert works.begun["held"].wait(10)
    works.gates["held"].set()
    with nb.Runtime(tmp_path / "store.db", slots=2) as rt:
        again = rt.get_run(run.id).wait(20)
        assert again.steps["each"].result == ["", "held", ""]
        assert [again.steps["each"].steps[index].attempt for index in (0, 1)] == [1, 2]


@pytest.mark.parametrize(("call", "message"), [
    (lambda f: f.map(base=1), r"mapped over nothing: give it a list"),
    (lambda f: f.map("abc"), r"base='abc', which is no list"),
    (lambda f: f.map([1], chunk=0), r"chunk 0 is no whole number above 0"),
    (lambda f: f.map([1], max_parallel=True), r"max_parallel True is no whole number"),
    (lambda f: f.map([1], nope=2), r"unexpected keyword argument 'nope'"),
])  # fmt: skip
def test_what_cannot_be_mapped_is_refused(works: ModuleType, call: Any, message: str) -> None:
    with pytest.raises(nb.UsageError, match=message):
        call(nb.task(works.power))


def test_a_retry_of_everything_runs_every_item_again(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(nb.task(works.fails_once_on).map([1, 2], bad=2)).wait(20)
    assert run.state == "failed"
    works.calls.clear()
    assert run.retry(from_failed=False).wait(20).result == [1, 2]
    assert sorted(works.calls) == [1, 2]
    works.calls.clear()
    assert run.retry().wait(20).result == [1, 2]
    assert works.calls == [2]


def test_a_retry_of_an_item_names_the_run_to_retry(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("failing") as p:
        nb.task(works.bad).options(name="each").map(["a"])
    run = real.run(p).wait(20)
    with pytest.raises(nb.UsageError, match=f"is a part of run {run.id}: retry run {run.id}"):
        run.steps["each"].steps[0].retry()


def test_what_has_not_ended_has_given_nothing_yet(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(nb.task(works.held_if).map(["", "a"], max_parallel=1))
    assert works.begun["a"].wait(10)
    assert run.result == ["", None]
    works.gates["a"].set()
    assert run.wait(20).result == ["", "a"]
