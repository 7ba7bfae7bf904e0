"""What a typed text means is decided by the type that is declared for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.declared import check_parameters, declared_parameters
from nbsched.core.errors import ParameterError
from nbsched.core.parameters import bind_params, declare
from nbsched.core.rawtext import RawText, meant, plain
from nbsched.core.work import task


@pytest.mark.parametrize(
    ("text", "kinds", "value"),
    [
        ("2026", (), 2026), ("EU", (), "EU"), ("null", (), None), ("[1]", (), [1]), ('"2026"', (), "2026"),
        ("2026", {"str"}, "2026"), ("true", {"str"}, "true"), ("null", {"str"}, "null"),
        ('{"a": 1}', {"str"}, '{"a": 1}'),
        ('"2026"', {"str"}, "2026"), ("007", {"str"}, "007"), ("", {"str"}, ""),
        ("null", {"str", "None"}, None), ("3", {"str", "int"}, 3), ("3", {"str", "float"}, 3),
        ("3", {"int"}, 3), ("1.5", {"float"}, 1.5), ("true", {"bool"}, True), ("[1]", {"list"}, [1]),
        ("20260131", {"date"}, "20260131"), ("2026-01-31", {"date"}, "2026-01-31"), ("abc", {"int"}, "abc"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_what_was_declared(text: str, kinds: Any, value: Any) -> None:
    found = meant(RawText(text), kinds)
    assert (found, type(found)) == (value, type(value))


@given(st.text())
def test_a_declared_text_is_what_was_typed_unless_it_is_in_quotes(text: str) -> None:
    found = meant(RawText(text), {"str"})
    assert type(found) is str
    assert found == text or text.strip().startswith('"')


def test_a_value_that_was_not_typed_stays_itself() -> None:
    assert meant("2026", ()) == "2026"
    assert plain({"a": "1", "b": RawText("1")}) == {"a": "1", "b": 1}


def test_a_pipeline_reads_texts_as_it_declares() -> None:
    declared = declare({"day": "2026-01-01", "n": int, "on": date, "any": None, "rate": 0.5})
    given = {"day": "2027", "n": "3", "on": "2026-01-31", "any": "[1]", "rate": "1"}
    bound = bind_params(declared, {name: RawText(text) for name, text in given.items()})
    assert bound == {"day": "2027", "n": 3, "on": date(2026, 1, 31), "any": [1], "rate": 1}
    with pytest.raises(ParameterError, match="'n' must be int, not the str 'many'"):
        bind_params(declare({"n": int}), {"n": RawText("many")})


NOTEBOOK = {"cells": [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source":
    "day: str = '2026'\nmode: Literal['fast', 'full'] = 'fast'  # how thorough\nn = 3  # type: int how many\nx = None\n"
    "# not a help\nlevel: Literal[1, 2] | None = None\nlate = 1  # type: str"}]}  # fmt: skip


def test_a_notebook_reads_texts_as_it_declares_with_its_comments_as_help() -> None:
    declared = declared_parameters(NOTEBOOK)
    assert declared is not None
    assert {name: one.help for name, one in declared.items() if one.help} == {
        "mode": "how thorough",
        "n": "how many",
    }
    assert (declared["mode"].choices, declared["level"].choices) == (("fast", "full"), (1, 2, None))
    given = {"day": "2027", "mode": "full", "n": "4", "x": "[1]", "level": "2"}
    found = check_parameters(declared, {name: RawText(text) for name, text in given.items()})
    assert found == {"day": "2027", "mode": "full", "n": 4, "x": [1], "level": 2}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"n": "four"},
            r"a\.ipynb: parameter 'n' must be .*int.*, not the str 'four': give a value of that type",
        ),
        ({"mode": "slow"}, r"a\.ipynb: parameter 'mode' cannot be 'slow': give 'fast' or 'full'"),
        ({"nn": "1"}, r"a\.ipynb has no parameter 'nn': did you mean 'n'"),
    ],
)
def test_a_refusal_names_the_notebook_the_parameter_and_the_remedy(
    given: dict[str, str], sentence: str
) -> None:
    texts = {name: RawText(text) for name, text in given.items()}
    with pytest.raises(ParameterError, match=sentence):
        check_parameters(declared_parameters(NOTEBOOK), texts, notebook="a.ipynb")


def annotated(
    day: str, n: int = 1, at: datetime | None = None, mode: Literal["a", "b"] = "a", rate=0.5, tags: list[str] = (),
):  # fmt: skip
    return day, n, at, mode, rate, tags


def test_a_function_reads_texts_as_it_is_annotated() -> None:
    texts = {
        "day": "2026",
        "n": "2",
        "at": "2026-01-01T00:00+00:00",
        "mode": "b",
        "rate": "2",
        "tags": '["x"]',
    }
    work = task(annotated).work({name: RawText(text) for name, text in texts.items()})
    assert work.params == {
        "day": "2026", "n": 2, "at": datetime(2026, 1, 1, tzinfo=UTC), "mode": "b", "rate": 2.0, "tags": ["x"],
    }  # fmt: skip
    with pytest.raises(ParameterError, match="annotated: parameter 'n' must be int"):
        task(annotated).work({"day": "x", "n": RawText("two")})
    with pytest.raises(ParameterError, match="parameter 'mode' cannot be 'c': give 'a' or 'b'"):
        task(annotated).work({"day": "x", "mode": RawText("c")})


def test_a_function_without_annotations_reads_json_or_text() -> None:
    work = task(lambda a, b=None: (a, b)).work({"a": RawText("1"), "b": RawText("x")})
    assert work.params == {"a": 1, "b": "x"}


def test_annotations_that_are_types_are_read_like_those_that_are_text() -> None:
    space: dict[str, Any] = {"Literal": Literal, "date": date}
    exec("def f(n: int, m: list[int], o: Literal['a'], d: date, x: str | None = None): pass", space)
    texts = {"n": "1", "m": "[1]", "o": "a", "d": "2026-01-31", "x": "5"}
    work = task(space["f"], name="f").work({name: RawText(text) for name, text in texts.items()})
    assert work.params == {"n": 1, "m": [1], "o": "a", "d": date(2026, 1, 31), "x": "5"}
