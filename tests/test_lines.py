"""The words of a magic's line, and what is expanded in them."""

from __future__ import annotations

import pytest

from nbsched.core.errors import UsageError
from nbsched.lines import expand, words
from nbsched.options import Given

NAMES = {"n": 5, "region": "EU", "d": {"a": 1}, "digits": "5", "rows": [1, 2]}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", []),
        ("  a   b\tc ", ["a", "b", "c"]),
        ("'every 5m' report.ipynb", ["every 5m", "report.ipynb"]),
        ("pre'fix and'more", ["prefix andmore"]),
        ('"" x', ["", "x"]),
        (r"my\ file.ipynb", ["my file.ipynb"]),
        ("-p x={d['a'] + 1} y", ["-p", "x={d['a'] + 1}", "y"]),
        ('-p x={"a": [1, 2]}', ["-p", 'x={"a": [1, 2]}']),
        ("-p x={'}'}", ["-p", "x={'}'}"]),
        ("'on x where {\"k\": 1}'", ['on x where {"k": 1}']),
    ],
)
def test_a_line_is_split_as_a_shell_would_but_braces_hold_together(line: str, found: list[str]) -> None:
    assert words(line) == found


@pytest.mark.parametrize("line", ["'open", 'x="open', "x={open", "x={'}", "end\\"])
def test_what_is_not_closed_is_one_clear_error(line: str) -> None:
    with pytest.raises(UsageError):
        words(line)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("plain", "plain"),
        ("every {n}s", "every 5s"),
        ("every {n + 1}s", "every 6s"),
        ("$region-{n:03d}", "EU-005"),
        ("{region!r}", "'EU'"),
        ("{d['a']}", "1"),
        ("cost: $$5", "cost: $5"),
        ("{{n}}", "{n}"),
        ('on x where {"k": 1}', 'on x where {"k": 1}'),
        ("100%", "100%"),
    ],
)
def test_expressions_and_names_expand_within_a_word(word: str, found: str) -> None:
    assert expand(word, NAMES) == found


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x={n}", 5),
        ("x=$n", 5),
        ("x={digits}", "5"),
        ("x={rows}", [1, 2]),
        ("x={[n, n]}", [5, 5]),
        ("x={d}", {"a": 1}),
    ],
)
def test_a_parameter_that_is_one_expression_keeps_its_type(word: str, value: object) -> None:
    found = expand(word, NAMES)
    assert isinstance(found, Given)
    assert found == "x="
    assert found.value == value


def test_a_parameter_that_is_json_stays_json() -> None:
    assert expand('x={"n": 1}', NAMES) == 'x={"n": 1}'


@pytest.mark.parametrize(
    "word", ["{nosuch}", "$nosuch", "x={nosuch}", "x=$nosuch", "a {1/0} b", "x={1/0}", "{"]
)
def test_what_cannot_be_expanded_is_an_error_that_names_it(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand(word, NAMES)
    assert "\n" not in str(caught.value)


def test_the_line_cannot_change_the_users_namespace() -> None:
    names = {"n": 1}
    expand("{n} $n x={n}", names)
    assert names == {"n": 1}
