from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsched.core import ports
from nbsched.core.definitions import work_from_json, work_to_json
from nbsched.core.errors import (
    DefinitionError,
    ExpressionError,
    ParameterError,
    TriggerError,
    UnknownName,
    ValueNotStorable,
)
from nbsched.core.model import Function, Pipeline, Shell, Step
from nbsched.core.pipeline import PipelineBuilder, StepTable, pipeline
from nbsched.core.references import Reference, scheduled_date
from nbsched.core.steps import Group, StepHandle, chain, group
from nbsched.core.work import cell, chord, notebook, shell, task

MakeNotebook = Callable[..., Path]


@task
def one(x: Any = None) -> Any:
    return x


@task
def total(values: list[float]) -> float:
    return sum(values)


def needs(builder: PipelineBuilder) -> dict[str, tuple[str, ...]]:
    return {step.name: step.needs for step in builder.work.steps}


def named(*names: str) -> list[StepHandle]:
    return [one.options(name=name)() for name in names]


def written(write: Callable[..., Any], *names: str) -> PipelineBuilder:
    """A pipeline of the named steps and of what `write` does with them."""
    with pipeline("p") as builder:
        write(*named(*names))
    return builder


# --- the example of the contract ---


def test_a_pipeline_of_notebooks_functions_and_commands_is_plain_data(make_notebook: MakeNotebook) -> None:
    for name, declared in (
        ("prepare", "day = None\nregion = 'EU'"),
        ("train", "path: str"),
        ("deploy", None),
    ):
        make_notebook(f"{name}.ipynb", declared)
    with pipeline(
        "training", params={"region": "EU", "limit": int}, schedule="@daily", retries=3, max_parallel=4
    ) as p:
        data = notebook("prepare.ipynb", params={"day": scheduled_date, "region": p.params["region"]})
        train = notebook("train.ipynb", params={"path": data["path"]})
        score = one(train["accuracy"])
        deploy = notebook("deploy.ipynb", when=score > 0.9)
        tell = shell("echo done", rule="all_done")
        data >> train >> score >> deploy >> tell
    assert needs(p) == {
        "prepare": (), "train": ("prepare",), "one": ("train",), "deploy": ("one",), "echo": ("deploy",),
    }  # fmt: skip
    steps = {step.name: step for step in p.work.steps}
    assert steps["prepare"].work.params == {"day": scheduled_date, "region": Reference("param", ("region",))}
    assert steps["one"].work.params == {"x": Reference("step", ("train", "accuracy"))}
    assert steps["deploy"].when == "one > 0.9"
    assert steps["echo"].work.policy == {"rule": "all_done"}
    assert p.work.policy == {"retries": 3}
    assert (p.name, p.schedule, p.work.max_parallel) == ("training", "@daily", 4)
    assert p.work.declared == {"region": "EU", "limit": {"$type": "int"}}
    assert work_from_json(work_to_json(p.work)) == p.work


# --- names ---


def test_unnamed_steps_are_named_after_their_work_and_numbered_when_used_again(
    make_notebook: MakeNotebook,
) -> None:
    make_notebook("sub/analyze it.ipynb")
    with pipeline("p") as p:
        notebook("sub/analyze it.ipynb")
        notebook("sub/analyze it.ipynb")
        one()
        one()
        one.options(name="one_3")()
        one()
        shell("/usr/bin/env python x.py")
        task(lambda: None)()
        cell("1", name="last")
    assert list(p.steps) == [
        "analyze_it", "analyze_it_2", "one", "one_2", "one_3", "one_4", "env", "lambda", "last",
    ]  # fmt: skip
    assert [step.work.name for step in p.work.steps] == list(p.steps)


def test_the_same_explicit_name_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match="pipeline 'p' already has a step 'a'"), pipeline("p"):
        named("a", "a")


@pytest.mark.parametrize("name", ["", " a", "a.b", "a/b", "a\n", 3, "a" * 201])
def test_a_name_that_magics_and_expressions_could_not_write_is_refused(name: Any) -> None:
    with pytest.raises(DefinitionError, match="cannot name a step"), pipeline("p"):
        cell("1", name=name)


@pytest.mark.parametrize("name", ["", "a/b", None])
def test_a_pipeline_needs_a_name(name: Any) -> None:
    with pytest.raises(DefinitionError, match="cannot name a pipeline"):
        pipeline(name)


def test_steps_and_parameters_are_found_by_name_and_unknown_ones_refused() -> None:
    with pipeline("p", params={"region": "EU"}) as p:
        (first,) = named("first")
        assert p.steps["first"] is first
        with pytest.raises(UnknownName, match="no step 'frist': did you mean 'first'"):
            p.steps["frist"]
        with pytest.raises(UnknownName, match="no parameter 'regoin': did you mean 'region'"):
            p.params["regoin"]
    assert list(p.params) == ["region"]
    assert "first" in p.steps
    assert "second" not in p.steps


# --- edges ---


def test_edges_are_drawn_both_ways_and_with_lists_on_either_side() -> None:
    with pipeline("p") as p:
        a, b, c, d, e, f = named(*"abcdef")
        assert a >> b is b
        assert a >> [b, c] >> d is d
        assert e << d is d
        f << [d, e]
        [c] >> e
    assert needs(p) == {
        "a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d", "c"), "f": ("d", "e"),
    }  # fmt: skip


def test_a_list_on_the_left_of_both_arrows_is_a_group() -> None:
    with pipeline("p") as p:
        a, b, c, d = named(*"abcd")
        [b, c] << a
        [b, c] >> d
    assert needs(p) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_groups_take_edges_for_each_of_their_steps() -> None:
    with pipeline("p") as p:
        a, b, c, d, e, f = named(*"abcdef")
        middle, end = group([b, c]), group(iter([e, f]))
        a >> middle >> d >> end
        end << middle
        assert isinstance(middle >> end, Group)
    assert needs(p) == {
        "a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d", "b", "c"), "f": ("d", "b", "c"),
    }  # fmt: skip


def test_a_chain_links_each_part_with_the_next() -> None:
    with pipeline("p") as p:
        a, b, c, d = named(*"abcd")
        assert chain(a, [b, c], d) is d
    assert needs(p) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_one_list_alone_is_the_chain() -> None:
    with pipeline("p") as p:
        chain(one.options(name=name)() for name in "abc")
    assert needs(p) == {"a": (), "b": ("a",), "c": ("b",)}


def test_a_chord_gets_the_list_of_results() -> None:
    with pipeline("p") as p:
        made = chord([one(1), one(2)], total)
    assert made.name == "total"
    assert needs(p)["total"] == ("one", "one_2")
    assert p.work.steps[-1].work.params == {
        "values": [Reference("step", ("one",)), Reference("step", ("one_2",))]
    }


def test_a_chord_without_header_gets_an_empty_list() -> None:
    with pipeline("p") as p:
        chord([], total)
    assert p.work.steps[0].work.params == {"values": []}


def test_a_plain_function_may_end_a_chord() -> None:
    with pipeline("p") as p:
        chord([one()], sum)
    assert needs(p) == {"one": (), "sum": ("one",)}


def test_every_value_taken_is_an_edge_however_deep_it_lies() -> None:
    with pipeline("p") as p:
        a, b, c, d = named(*"abcd")
        one.options(name="e")({"rows": [a, (b["x"],)]})
        shell("true", name="f", env={"C": c["y"]}, when=d["z"] == 1)
    assert needs(p)["e"] == ("a", "b")
    assert needs(p)["f"] == ("c", "d")
    work = p.work.steps[-1].work
    assert isinstance(work, Shell)
    assert work.env == {"C": Reference("step", ("c", "y"))}


def test_an_edge_drawn_and_taken_is_one() -> None:
    with pipeline("p") as p:
        (a,) = named("a")
        b = one(a["x"])
        a >> b
        a >> b
    assert needs(p)["one"] == ("a",)


def test_what_is_no_step_has_no_edges() -> None:
    with pytest.raises(DefinitionError, match="is not a step"), pipeline("p"):
        named("a")[0] >> "b"
    with pytest.raises(DefinitionError, match="is not a step"), pipeline("p"):
        named("a")[0] >> one
    with pytest.raises(DefinitionError, match="a chain needs a step"):
        chain()


# --- what is refused when the block is left ---


def test_a_cycle_is_refused_with_its_names_in_order() -> None:
    with pytest.raises(DefinitionError, match="pipeline 'p' has a cycle: a → b → c → a"):
        written(lambda a, b, c: a >> b >> c >> a, *"abc")


def test_a_step_after_itself_is_a_cycle() -> None:
    with pytest.raises(DefinitionError, match="a → a"):
        written(lambda a: a >> a, "a")


def test_a_condition_closes_a_cycle_too() -> None:
    with pytest.raises(DefinitionError, match="a → b → a"):
        written(lambda: one.options(name="b")(one.options(name="a", when="b.x > 1")()))


def test_steps_of_another_pipeline_are_refused_wherever_they_are_used() -> None:
    with pipeline("first", params={"x": 1}) as first:
        named("a")
    a = first.steps["a"]
    for use in (
        lambda b: a >> b,
        lambda b: b >> a,
        lambda b: one(a),
        lambda b: one([a["x"]]),
        lambda b: one(first.params["x"]),
        lambda b: shell("true", env={"A": a}),
        lambda b: one.options(when=a > 1)(),
        lambda b: one.options(when=(b > 1) & (first.params["x"] > 1))(),
    ):
        with pytest.raises(DefinitionError, match="'first'"), pipeline("second"):
            use(named("b")[0])


def test_an_inner_pipeline_is_another_pipeline() -> None:
    with pipeline("outer") as outer:
        (a,) = named("a")
        with pytest.raises(DefinitionError, match="it can never reach"), pipeline("inner"):
            one(a)
        named("b")
    assert list(outer.steps) == ["a", "b"]


def test_an_unknown_name_in_a_condition_is_refused_with_the_nearest() -> None:
    with pytest.raises(DefinitionError, match="step 'b': no step or parameter 'scroe': did you mean 'score'"):
        written(lambda score: one.options(name="b", when="scroe.x > 1")(), "score")


def test_a_condition_that_cannot_be_read_is_refused_with_its_step() -> None:
    with pytest.raises(ExpressionError, match="step 'b': "), pipeline("p"):
        one.options(name="b", when="open('x')")()


@pytest.mark.parametrize("when", [True, 1, object(), []])
def test_a_condition_is_a_comparison_or_its_text(when: Any) -> None:
    with pytest.raises(DefinitionError, match="neither a condition nor its text"), pipeline("p"):
        one.options(when=when)()


def test_a_condition_may_be_a_bare_step_or_parameter() -> None:
    with pipeline("p", params={"wanted": True}) as p:
        (a,) = named("a")
        one.options(name="b", when=a["ok"])()
        one.options(name="c", when=p.params["wanted"])()
        one.options(name="d", when="a.ok and wanted")()
    assert [step.when for step in p.work.steps] == [None, "a.ok", "wanted", "a.ok and wanted"]
    assert needs(p) == {"a": (), "b": ("a",), "c": (), "d": ("a",)}


def test_an_expression_is_no_parameter() -> None:
    with pytest.raises(DefinitionError, match="they stand in when= only"):
        written(lambda a: one(a["x"] + 1), "a")


def test_a_value_written_into_a_text_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"a\['path'\] is not known before the run"):
        written(lambda a: shell(f"rm {a['path']}"), "a")
    with pytest.raises(DefinitionError, match="scheduled_date is not known"):
        f"{scheduled_date}"


def test_a_step_that_needs_a_failed_step_and_its_result_is_unreachable() -> None:
    with pytest.raises(DefinitionError, match="step 'b' of pipeline 'p' can never run"):
        written(lambda a: one.options(name="b", rule="all_failed")(a), "a")


def test_a_first_step_that_waits_for_another_is_unreachable() -> None:
    with pytest.raises(DefinitionError, match="'one_failed' waits for a step before it, and there is none"):
        written(lambda: one.options(rule="one_failed")())


@pytest.mark.parametrize("value", [{1, 2}, one, object(), sum, {3: 4}])
def test_an_argument_that_cannot_be_stored_is_refused_where_it_is_given(value: Any) -> None:
    with pytest.raises(ValueNotStorable, match=r"one\.x\[0\]"):
        written(lambda: one([value]))


def test_numbers_of_other_libraries_become_plain_ones() -> None:
    numpy = pytest.importorskip("numpy")
    p = written(lambda: one([numpy.float64(0.5), numpy.int64(3), numpy.bool_(True)]))
    assert [type(part) for part in p.work.steps[0].work.params["x"]] == [float, int, bool]


def test_a_pipeline_without_steps_is_refused() -> None:
    with pytest.raises(DefinitionError, match="pipeline 'p' has no steps"), pipeline("p"):
        pass


@pytest.mark.parametrize(("given", "message"), [
    ({"retries": -1}, "pipeline 'p': retries -1"),
    ({"retrise": 1}, "pipeline 'p': no option 'retrise': did you mean 'retries'"),
    ({"max_parallel": 0}, "pipeline 'p': max_parallel 0"),
    ({"when": "x > 1"}, "pipeline 'p': when= is for the steps"),
])  # fmt: skip
def test_an_ill_typed_option_of_a_pipeline_is_refused_by_name(given: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        pipeline("p", **given)


def test_a_schedule_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(TriggerError):
        pipeline("p", schedule="every now and then")


@pytest.mark.parametrize(("given", "message"), [
    ({"setup": "yes"}, "step 'one': setup 'yes'"),
    ({"setup": True, "teardown": True}, "cannot be both"),
    ({"retries": "x"}, "task 'one': retries 'x'"),
])  # fmt: skip
def test_an_ill_typed_option_of_a_step_is_refused_by_name(given: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message), pipeline("p"):
        one.options(**given)()


def test_setup_and_teardown_are_kept() -> None:
    with pipeline("p") as p:
        shell("true", name="open", setup=True) >> one() >> shell("true", name="close", teardown=True)
    assert [(step.setup, step.teardown) for step in p.work.steps] == [
        (True, False),
        (False, False),
        (False, True),
    ]


# --- before, after and around the block ---


def test_a_pipeline_is_complete_only_behind_its_block() -> None:
    builder = pipeline("p")
    with pytest.raises(DefinitionError, match="pipeline 'p' is not complete"):
        _ = builder.work
    with builder:
        a, b = named("a", "b")
    with pytest.raises(DefinitionError, match="too late"):
        a >> b
    with pytest.raises(DefinitionError, match="has had its block"), builder:
        pass
    assert needs(builder) == {"a": (), "b": ()}


def test_an_error_in_the_block_goes_through_and_leaves_nothing_behind() -> None:
    p = pipeline("p")
    with pytest.raises(ZeroDivisionError), p:
        _ = 1 / 0
    with pytest.raises(DefinitionError):
        _ = p.work
    assert one(3) == 3


def test_a_pipeline_runs_through_the_runner() -> None:
    asked: list[Any] = []
    ports.set_runner(lambda work, params, policy: asked.append((work, params, policy)))
    with pipeline("p") as p:
        one()
    p.run({"x": 1}, priority=3)
    p.work.run()
    assert asked == [(p, {"x": 1}, {"priority": 3}), (p.work, None, {})]


def test_ten_thousand_steps_are_built_and_checked_at_once() -> None:
    started = time.perf_counter()
    with pipeline("big") as p:
        chord(group(one(number) for number in range(10_000)), total)
    assert time.perf_counter() - started < 3
    assert len(p.work.steps[-1].needs) == 10_000


def test_a_chain_of_ten_thousand_steps_is_no_matter() -> None:
    with pipeline("long") as p:
        chain(one() for _ in range(10_000))
    assert needs(p)["one_10000"] == ("one_9999",)


# --- steps given one by one ---


def step(name: str, *needed: str, **fields: Any) -> Step:
    params = fields.pop("params", {})
    return Step(name=name, needs=needed, work=Function(name=name, ref="m:f", params=params), **fields)


def test_steps_may_come_in_any_order() -> None:
    table = StepTable("p", params={"limit": 3})
    table.add(step("b", "a"))
    table.add(step("c", params={"x": Reference("step", ("b", "y")), "z": Reference("param", ("limit",))}))
    with pytest.raises(DefinitionError, match="step 'b' of pipeline 'p' can never run: no step 'a'"):
        table.build()
    table.add(step("a"))
    assert {found.name: found.needs for found in table.build().steps} == {"b": ("a",), "c": ("b",), "a": ()}


def test_a_step_given_again_takes_its_own_place() -> None:
    table = StepTable("p")
    for name in "abc":
        table.add(step(name))
    table.add(step("a", when="b > 1"))
    assert [(found.name, found.when) for found in table.build().steps] == [
        ("a", "b > 1"),
        ("b", None),
        ("c", None),
    ]


def test_a_step_can_be_taken_away() -> None:
    table = StepTable("p")
    table.add(step("a"))
    table.add(step("b"))
    table.remove("a")
    assert list(table.steps) == ["b"]
    with pytest.raises(UnknownName, match="no step 'a'"):
        table.remove("a")


def test_a_step_that_cannot_be_is_not_added(make_notebook: MakeNotebook) -> None:
    make_notebook("a.ipynb", "limit = 3")
    table = StepTable("p")
    with pytest.raises(ExpressionError, match="step 'a'"):
        table.add(step("a", when="1 +"))
    with pytest.raises(DefinitionError, match="cannot name a step"):
        table.add(step("a.b"))
    work = notebook("a.ipynb").__class__(name="a", path=str(Path("a.ipynb").absolute()), params={"limt": 1})
    with pytest.raises(ParameterError, match="limt"):
        table.add(Step(name="a", work=work))
    assert not table.steps


@pytest.mark.parametrize(("steps", "message"), [
    ([step("a", "b"), step("b", "a")], "a → b → a|b → a → b"),
    ([step("a", params={"x": Reference("step", ("z", "y"))})], "no step 'z'"),
    ([step("a", params={"x": Reference("param", ("z",))})], "no parameter 'z'"),
    ([step("a", when="z > 1")], "no step or parameter 'z'"),
    ([], "has no steps"),
])  # fmt: skip
def test_what_does_not_fit_together_is_refused_when_it_is_built(steps: list[Step], message: str) -> None:
    table = StepTable("p")
    for given in steps:
        table.add(given)
    with pytest.raises(DefinitionError, match=message):
        table.build()


def test_a_built_pipeline_is_what_a_block_gives() -> None:
    table = StepTable("p", params={"limit": int}, max_parallel=2, retries=1)
    table.add(step("a"))
    assert isinstance(table.build(), Pipeline)
    assert (table.build().declared, table.build().max_parallel) == ({"limit": {"$type": "int"}}, 2)


def test_a_pipeline_with_a_schedule_is_scheduled_when_its_block_is_left() -> None:
    asked: list[tuple[object, object]] = []
    ports.set_scheduler(lambda work, trigger: asked.append((work, trigger)))
    with pipeline("nightly", schedule="@daily") as p:
        shell("true")
    assert asked == [(p, "@daily")]
