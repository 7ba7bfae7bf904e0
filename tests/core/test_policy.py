from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.core.policy import RULES, Backoff, Policy, located, normalise, policy_of


class Custom(Exception):
    pass


def test_the_defaults_are_those_of_the_contract() -> None:
    policy = Policy.of({})
    assert (policy.retries, policy.rerun, policy.timeout, policy.grace) == (
        0,
        True,
        None,
        timedelta(seconds=5),
    )
    assert (policy.priority, policy.executor, policy.rule, policy.cache) == (0, "local", "all_success", False)
    assert policy.backoff == Backoff(wait="1s", factor=2, max_wait="10m", jitter=0.1)


@pytest.mark.parametrize(("given", "form"), [
    ({"retries": 3}, {"retries": 3}),
    ({"timeout": timedelta(minutes=90)}, {"timeout": "1h30m"}),
    ({"timeout": None, "grace": 0.5}, {"timeout": None, "grace": "500ms"}),
    ({"retry_on": KeyError}, {"retry_on": ["KeyError"]}),
    ({"retry_on": (KeyError, Custom, "a.B")}, {"retry_on": ["KeyError", f"{__name__}.Custom", "a.B"]}),
    ({"fatal": "ValueError"}, {"fatal": ["ValueError"]}),
    ({"priority": "high"}, {"priority": -10}),
    ({"resources": {"gpu": 1}}, {"resources": {"gpu": 1}}),
    ({"keep": "30 days"}, {"keep": "4w2d"}),
    ({"keep": 10}, {"keep": 10}),
    ({"rate": " 10 / m"}, {"rate": "10/m"}),
    ({"deadline": "90 m"}, {"deadline": "1h30m"}),
    ({"depends_on_previous": True}, {"depends_on_previous": True}),
    ({"on_recovery": "feed.back"}, {"on_recovery": "feed.back"}),
    ({"tags": "a"}, {"tags": ["a"]}),
    ({"backoff": "5s"}, {"backoff": {"wait": "5s", "factor": 2, "max_wait": "10m", "jitter": 0.1}}),
    ({"backoff": {"factor": 1}}, {"backoff": {"wait": "1s", "factor": 1, "max_wait": "10m", "jitter": 0.1}}),
])  # fmt: skip
def test_options_have_one_form_that_is_json(given: dict[str, Any], form: dict[str, Any]) -> None:
    assert normalise(given) == form
    assert normalise(json.loads(json.dumps(form))) == form


@pytest.mark.parametrize("wrong", [
    {"retries": -1}, {"retries": 1.5}, {"retries": True}, {"retries": "3"}, {"timeout": "soon"}, {"timeout": -1},
    {"timeout": True}, {"grace": None}, {"rerun": 1}, {"cache": "yes"}, {"retry_on": 3}, {"retry_on": [int]},
    {"fatal": [""]}, {"priority": "urgent"}, {"priority": 1.5}, {"executor": "spark"}, {"resources": {"gpu": 0}},
    {"resources": {"gpu": True}}, {"resources": ["gpu"]}, {"max_running": 0}, {"rate": "10"}, {"rate": "0/m"},
    {"rate": "10/y"},
    {"deadline": "soon"}, {"depends_on_previous": 1}, {"on_late": 3}, {"rule": "some"}, {"key": ""},
    {"tags": [3]}, {"expires": "x"}, {"keep": -1}, {"keep": "x"},
    {"secrets": 3}, {"on_failure": 3}, {"backoff": {"wait": -1}}, {"backoff": {"pause": 1}}, {"backoff": "x"},
    {"backoff": Backoff}, {"nothing": 1},
])  # fmt: skip
def test_an_option_of_the_wrong_kind_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)).split("_")[0]):
        normalise(wrong)


@pytest.mark.parametrize("wrong", [
    lambda: Backoff(factor=0.5), lambda: Backoff(factor=float("nan")), lambda: Backoff(jitter=2),
    lambda: Backoff(wait="x"), lambda: Backoff(max_wait=-1),
])  # fmt: skip
def test_a_backoff_that_cannot_be_is_refused(wrong: Callable[[], Backoff]) -> None:
    with pytest.raises(UsageError, match="backoff"):
        wrong()


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'retries'"):
        normalise({"retrys": 1})
    with pytest.raises(UnknownName, match="did you mean 'all_done'"):
        normalise({"rule": "al_done"})


def test_a_policy_of_work_names_the_work() -> None:
    with pytest.raises(DefinitionError, match="notebook 'a': retries -1"):
        policy_of("notebook 'a'", {"retries": -1})
    with pytest.raises(DefinitionError, match="notebook 'a': when= is for the steps"):
        policy_of("notebook 'a'", {"when": "x"})


def test_later_layers_win() -> None:
    policy = Policy.of(normalise({"retries": 1, "timeout": "1m"}), normalise({"retries": 2}), {"when": "x"})
    assert (policy.retries, policy.timeout) == (2, timedelta(minutes=1))


@pytest.mark.parametrize("rule", RULES)
def test_every_join_rule_is_accepted(rule: str) -> None:
    assert Policy.of(normalise({"rule": rule})).rule == rule


def test_a_callable_hook_stays_itself() -> None:
    assert normalise({"on_success": print})["on_success"] is print


def test_waits_grow_by_the_factor_up_to_the_longest() -> None:
    backoff = Backoff(wait=1, factor=2, max_wait=10, jitter=0)
    assert [backoff.delay(attempt, 0).total_seconds() for attempt in (1, 2, 3, 4, 5, 10_000)] == [
        1,
        2,
        4,
        8,
        10,
        10,
    ]


@given(st.integers(1, 1000), st.floats(-1, 1), st.floats(0, 1), st.floats(1, 10))
def test_a_wait_is_never_negative_and_never_above_the_longest(
    attempt: int, spread: float, jitter: float, factor: float
) -> None:
    backoff = Backoff(wait=1, factor=factor, max_wait=60, jitter=jitter)
    assert timedelta() <= backoff.delay(attempt, spread) <= timedelta(seconds=60)


def test_a_cache_is_on_off_or_as_long_as_a_result_counts() -> None:
    written = [
        normalise({"cache": value})["cache"] for value in (True, False, "1 day", timedelta(hours=2), 90)
    ]
    assert written == [True, False, "1d", "2h", "1m30s"]
    assert [Policy.of({"cache": value}).cache for value in written[2:]] == [
        timedelta(days=1), timedelta(hours=2), timedelta(seconds=90),
    ]  # fmt: skip


def test_files_are_lists_of_paths() -> None:
    written = normalise({"inputs": "data.csv", "outputs": [PurePosixPath("a"), "b/*"]})
    assert written == {"inputs": ["data.csv"], "outputs": ["a", "b/*"]}
    assert located(written, "/home/{}".format) == {
        "inputs": ["/home/data.csv"],
        "outputs": ["/home/a", "/home/b/*"],
    }
    for bad in (3, [4], [""]):
        with pytest.raises(UsageError, match="inputs"):
            normalise({"inputs": bad})
