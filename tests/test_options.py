"""One table of options for every line."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from nbsched.core.errors import UnknownName, UsageError
from nbsched.core.policy import Policy, normalise
from nbsched.core.rawtext import plain
from nbsched.engine.runtime import Runtime
from nbsched.options import (
    POLICY_HELP,
    SCHEDULE_HELP,
    Given,
    Parser,
    VerbParser,
    add_params,
    add_policy,
    add_schedule,
    params_given,
    policy_given,
    schedule_given,
    trigger_and_path,
)


@pytest.fixture
def parser() -> Parser:
    parser = Parser("%x", "An example.")
    parser.add_argument("words", nargs="*")
    add_params(parser)
    add_schedule(parser)
    add_policy(parser)
    return parser


def test_every_option_of_the_policy_has_a_flag_and_a_help(parser: Parser) -> None:
    names = [item.name for item in fields(Policy)]
    assert sorted(POLICY_HELP) == sorted(names)
    assert {f"--{name.replace('_', '-')}" for name in names} <= set(parser.flags())


def test_every_option_of_a_schedule_is_one_of_the_runtime(parser: Parser) -> None:
    taken = set(inspect.signature(Runtime.schedule).parameters)
    assert set(SCHEDULE_HELP) <= taken
    assert {f"--{name}" for name in SCHEDULE_HELP} <= set(parser.flags())


def test_only_what_was_given_is_there(parser: Parser) -> None:
    given = parser.read([])
    assert (params_given(given), policy_given(given), schedule_given(given)) == ({}, {}, {})


@pytest.mark.parametrize(
    ("line", "policy"),
    [
        ("--retries 3", {"retries": 3}),
        ("--timeout 90s --grace 1.5", {"timeout": "1m30s", "grace": "1s500ms"}),
        ("--priority high", {"priority": -10}),
        ("--priority=-3", {"priority": -3}),
        ("--no-rerun", {"rerun": False}),
        ("--tags a b --tags c", {"tags": ["a", "b", "c"]}),
        ("--resources gpu=1 disk=2", {"resources": {"gpu": 1, "disk": 2}}),
        ("--keep 30d", {"keep": "4w2d"}),
        ("--keep 5", {"keep": 5}),
        ("--key 7", {"key": "7"}),
        ("--retry-on OSError ValueError", {"retry_on": ["OSError", "ValueError"]}),
        ("--max-running 2", {"max_running": 2}),
        ("--on-failure data.bad", {"on_failure": "data.bad"}),
        ("--rate 10/m --deadline 2h", {"rate": "10/m", "deadline": "2h"}),
        ("--depends-on-previous", {"depends_on_previous": True}),
        (
            "--on-late data.late --on-recovery json://host/",
            {"on_late": "data.late", "on_recovery": "json://host/"},
        ),
    ],
)
def test_an_option_means_what_the_policy_means(parser: Parser, line: str, policy: dict[str, object]) -> None:
    assert normalise(policy_given(parser.read(line.split()))) == policy


def test_a_backoff_is_a_duration_or_json(parser: Parser) -> None:
    given = policy_given(parser.read(["--backoff", '{"wait": "2s", "factor": 3}']))
    assert normalise(given)["backoff"]["factor"] == 3
    assert normalise(policy_given(parser.read(["--backoff", "10s"])))["backoff"]["wait"] == "10s"


@pytest.mark.parametrize(
    "line",
    [
        "--retries x", "--retries -1", "--timeout soon", "--priority urgent", "--rule any", "--executor moon",
        "--resources gpu", "--resources gpu=none", "--rate 10", "--overlap both", "--missed some", "--limit -1",
        "-p novalue", "-p 1x=2", "--tags",
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence(parser: Parser, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parser.read(line.split())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("%x: ")


def test_an_unknown_option_is_refused_with_the_nearest(parser: Parser) -> None:
    with pytest.raises(UsageError, match="did you mean --retries"):
        parser.read(["--retires", "3"])


def test_options_are_never_abbreviated(parser: Parser) -> None:
    with pytest.raises(UsageError):
        parser.read(["--retr", "3"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1.5", 1.5), ("true", True), ("null", None), ("[1]", [1]), ('"1"', "1"), ("EU", "EU"), ("", ""),
     ("NaN", "NaN"), ("a=b", "a=b"), ("2026-01-01", "2026-01-01")],
)  # fmt: skip
def test_a_parameter_is_json_where_it_reads_as_json(parser: Parser, text: str, value: object) -> None:
    assert plain(params_given(parser.read(["-p", f"x={text}"]))) == {"x": value}


def test_a_python_value_passes_as_it_is(parser: Parser) -> None:
    assert params_given(parser.read(["-p", Given("x", (1, 2))])) == {"x": (1, 2)}


def test_pairs_may_follow_one_flag_and_words_may_come_after(parser: Parser) -> None:
    given = parser.read(["@daily", "-p", "a=1", "b=2", "report.ipynb", "--retries", "1"])
    assert plain(params_given(given)) == {"a": 1, "b": 2}
    assert given.words == ["@daily", "report.ipynb"]


def test_a_parameter_given_twice_is_refused(parser: Parser) -> None:
    with pytest.raises(UsageError, match="'a' is given twice"):
        params_given(parser.read(["-p", "a=1", "-p", "a=2"]))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (["every 5m", "r.ipynb"], ("every 5m", "r.ipynb")),
        (["every", "5m", "r.ipynb"], ("every 5m", "r.ipynb")),
        (["0", "2", "*", "*", "*"], ("0 2 * * *", None)),
        ([], ("", None)),
    ],
)
def test_the_trigger_is_all_but_the_file(line: list[str], found: tuple[str, str | None]) -> None:
    assert trigger_and_path(line) == found


def test_a_verb_is_known_or_refused_with_the_nearest() -> None:
    parser = VerbParser("%x", "An example.", {"run": "run it", "show": "show it"})
    assert parser.split(["run", "--wait", "x"]) == ("run", ["--wait", "x"])
    with pytest.raises(UnknownName, match="did you mean 'show'"):
        parser.split(["shwo"])
    with pytest.raises(UsageError, match="required"):
        parser.split([])
