from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.conditions import Condition, Operand
from nbsched.core.errors import DefinitionError
from nbsched.core.expressions import parse_expression
from nbsched.core.pipeline import PipelineBuilder, pipeline
from nbsched.core.references import Value, referred
from nbsched.core.work import task


def steps_of(*names: str, params: dict[str, Any] | None = None) -> PipelineBuilder:
    made = task(lambda: None)
    with pipeline("p", params=params) as builder:
        for name in names:
            made.options(name=name)()
    return builder


@pytest.fixture(scope="module")
def values() -> tuple[Value, Value]:
    class Owner:
        name, declared = "p", ()

    return Value("step", ("a", "x"), Owner()), Value("step", ("01-b", "class"), Owner())


def test_a_comparison_with_a_step_is_written_as_text() -> None:
    score = steps_of("score").steps["score"]
    assert (score > 0.9).text == "score > 0.9"
    assert (score["accuracy"] <= 1).text == "score.accuracy <= 1"
    assert (score == "good").text == "score == 'good'"
    assert (score > 0.5).text == "score > 0.5"
    assert (score != None).text == "score != None"  # noqa: E711
    assert (score["labels"] == ["a", -1]).text == "score.labels == ['a', -1]"


def test_names_that_are_no_words_are_written_as_subscripts() -> None:
    steps = steps_of("01-prepare", "class", "steps", "été").steps
    assert (steps["01-prepare"]["x"] > 1).text == "steps['01-prepare'].x > 1"
    assert (steps["class"]["if"] > 1).text == "steps['class']['if'] > 1"
    assert (steps["steps"]["x"] > 1).text == "steps['steps'].x > 1"
    assert (steps["été"] > 1).text == "steps['été'] > 1"


def test_a_step_named_like_a_parameter_is_told_from_it() -> None:
    builder = steps_of("day", "b", params={"day": 1})
    condition = (builder.steps["day"] > 1) & (builder.params["day"] < 3)
    assert condition.text == "steps['day'] > 1 and day < 3"
    found = [referred(path, builder.steps, builder.params) for path in parse_expression(condition.text).paths]
    assert [reference.kind for reference in found if reference] == ["step", "param"]


def test_boolean_operators_join_comparisons_with_the_parentheses_they_need() -> None:
    a, b, c = (steps_of("a", "b", "c").steps[name] for name in "abc")
    assert ((a > 1) & (b > 2) & (c > 3)).text == "a > 1 and b > 2 and c > 3"
    assert ((a > 1) & ((b > 2) | (c > 3))).text == "a > 1 and (b > 2 or c > 3)"
    assert (~((a > 1) | (b > 2))).text == "not (a > 1 or b > 2)"
    assert (((a > 1) == (b > 2)) | ~c).text == "(a > 1) == (b > 2) or not c"


@pytest.mark.parametrize("wrong", [
    lambda a: bool(a > 1),
    lambda a: bool(a),
    lambda a: (a > 1) and (a < 3),
    lambda a: not a,
    lambda a: 1 < a < 3,
    lambda a: a in (1, 2),
])  # fmt: skip
def test_python_words_that_would_ask_for_the_value_now_are_refused(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises(DefinitionError, match=r"no truth value before the pipeline runs: write & \| ~"):
        wrong(steps_of("a").steps["a"])


def test_a_comparison_without_its_parentheses_is_refused() -> None:
    a = steps_of("a").steps["a"]
    with pytest.raises(DefinitionError, match="put comparisons into parentheses"):
        a["x"] > 1 & a["y"]  # noqa: B015


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {"a": 1}, b"x"])
def test_only_literals_can_be_compared_with(value: object) -> None:
    with pytest.raises(DefinitionError, match="cannot stand in a condition"):
        steps_of("a").steps["a"] == value  # noqa: B015


def test_numbers_of_other_libraries_are_written_as_plain_ones() -> None:
    numpy = pytest.importorskip("numpy")
    assert (steps_of("a").steps["a"] > numpy.float64(0.9)).text == "a > 0.9"


def test_steps_and_values_are_keys_by_identity() -> None:
    steps = steps_of("a", "b").steps
    assert {steps["a"]: 1, steps["b"]: 2}[steps["a"]] == 1
    assert hash(steps["a"]) == hash(steps["a"])


def test_steps_and_values_cannot_be_looped_over() -> None:
    a = steps_of("a").steps["a"]
    for value in (a, a["x"]):
        with pytest.raises(TypeError):
            iter(value)
        with pytest.raises(TypeError):
            "x" in value  # noqa: B015


NUMBERS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod)
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
LITERALS = st.one_of(st.integers(-5, 5), st.sampled_from([0.5, -2.0]))


def numbers() -> st.SearchStrategy[Any]:
    leaves = st.one_of(LITERALS, st.sampled_from(["a", "b"]))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.tuples(st.sampled_from(NUMBERS), inner, inner),
                                st.tuples(st.just(operator.neg), inner)),
        max_leaves=6,
    )  # fmt: skip


def truths() -> st.SearchStrategy[Any]:
    comparison = st.tuples(st.sampled_from(COMPARISONS), numbers(), numbers())
    return st.recursive(
        comparison,
        lambda inner: st.one_of(st.tuples(st.sampled_from([operator.and_, operator.or_]), inner, inner),
                                st.tuples(st.just("not"), inner)),
        max_leaves=6,
    )  # fmt: skip


def carried_out(tree: Any, names: dict[str, Any]) -> Any:
    if isinstance(tree, str):
        return names[tree]
    if not isinstance(tree, tuple):
        return tree
    parts = [carried_out(part, names) for part in tree[1:]]
    if tree[0] == "not":
        return ~parts[0] if isinstance(parts[0], Operand) else not parts[0]
    return tree[0](*parts)


@given(truths())
def test_a_condition_means_what_its_operators_say(values: tuple[Value, Value], tree: Any) -> None:
    known = {"a": 3, "b": 0.25}
    try:
        expected = carried_out(tree, known)
    except ZeroDivisionError:
        return
    condition = carried_out(tree, {"a": values[0], "b": values[1]})
    if isinstance(condition, Condition):
        found = {("a", "x"): known["a"], ("steps", "01-b", "class"): known["b"]}
        assert parse_expression(condition.text).evaluate(found.__getitem__) == expected
