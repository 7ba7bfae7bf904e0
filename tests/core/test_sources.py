"""What notebooks declare, what they may be given, and what their sources are."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.declared import check_parameters, declared_parameters
from nbsched.core.errors import ParameterError, RunFailed
from nbsched.core.references import Reference
from nbsched.core.sources import (
    cell_compiles,
    failing_line,
    injected_source,
    kernel_name,
    with_parameters,
)


def code(source: str | list[str], *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": []}


def notebook(*cells: Mapping[str, Any], language: str = "python") -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {"kernelspec": {"language": language}}}


def check(declaration: str, **values: Any) -> dict[str, Any]:
    return check_parameters(declared_parameters(notebook(code(declaration, "parameters"))), values)


def test_the_parameters_cell_declares_names_types_and_defaults() -> None:
    declared = declared_parameters(
        notebook(
            code("ignored = 1"),
            code(
                [
                    "%matplotlib inline\n",
                    "import datetime\n",
                    "n: int = 3  # how many\n",
                    "share = 0.5\n",
                    "names: list[str] | None = None\n",
                    "day: datetime.date = datetime.date(2026, 1, 1)\n",
                    "table: 'dict[str, int]' = {'a': 1}\n",
                    "frame: pd.DataFrame = None\n",
                    "path: str\n",
                    "a, b = 1, 2\n",
                    "x = y = compute()\n",
                    "if True:\n    inner = 1",
                ],
                "parameters",
            ),
            code("second = 1", "parameters"),
        )
    )
    assert declared is not None
    assert {name: (found.type, found.default, found.required) for name, found in declared.items()} == {
        "n": ("int", 3, False),
        "share": ("float or None", 0.5, False),
        "names": ("list or None", None, False),
        "day": ("date", None, False),
        "table": ("dict", {"a": 1}, False),
        "frame": ("any value", None, False),
        "path": ("str", None, True),
        "a": ("any value", None, False),
        "b": ("any value", None, False),
        "x": ("any value", None, False),
        "y": ("any value", None, False),
    }


@pytest.mark.parametrize(
    "book",
    [
        notebook(code("n = 1")),
        notebook(code("n <- 1", "parameters"), language="R"),
        notebook(code("n = = 1", "parameters")),
        notebook({"cell_type": "markdown", "source": "n = 1", "metadata": {"tags": ["parameters"]}}),
    ],
)
def test_nothing_is_declared_without_a_readable_python_parameters_cell(book: dict[str, Any]) -> None:
    assert declared_parameters(book) is None
    assert check_parameters(None, {"anything": dt.date(2026, 1, 2)}) == {"anything": "2026-01-02"}


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("declaration", "value", "typed"),
    [
        ("v: int = 1", 5, 5),
        ("v: float = 1.0", 5, 5.0),
        ("v = 1", 0.5, 0.5),
        ("v = 1", None, None),
        ("v: bool = True", False, False),
        ("v: str = ''", Colour.RED, "red"),
        ("v: str = ''", dt.date(2026, 1, 2), "2026-01-02"),
        ("v: list = []", [1, [2, {"k": None}]], [1, [2, {"k": None}]]),
        ("v: list = []", [dt.date(2026, 1, 2)], ["2026-01-02"]),
        ("v: Optional[int] = None", None, None),
        ("v: typing.Union[int, None] = 3", None, None),
        ("v: int = None", None, None),
        ("v: Literal['a', 'b'] = 'a'", "b", "b"),
        ("v: date = None", "2026-01-02", dt.date(2026, 1, 2)),
        ("v = date.today()", "2026-01-02", dt.date(2026, 1, 2)),
        ("v = datetime.datetime.now()", "2026-01-02T03:00", dt.datetime(2026, 1, 2, 3)),
        ("v: datetime = None", "2026-01-02T03:00Z", dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)),
        ("v: datetime.datetime = None", dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2)),
        ("v: date | str = None", "soon", "soon"),
        ("v = anything()", dt.datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        ("v: int = 1", Reference("step", ("prepare", "n")), Reference("step", ("prepare", "n"))),
    ],
)
def test_a_value_arrives_as_the_type_that_was_declared(declaration: str, value: Any, typed: Any) -> None:
    found = check(declaration, v=value)["v"]
    assert found == typed
    assert type(found) is type(typed)


@pytest.mark.parametrize(
    ("declaration", "value", "sentence"),
    [
        ("v: int = 1", "many", "'v' must be int, not the str 'many'"),
        ("v: int = 1", 0.5, "'v' must be int, not the float 0.5"),
        ("v: int = 1", True, "'v' must be int, not the bool True"),
        ("v: int = 1", None, "'v' must be int, not None"),
        ("v: bool = True", 1, "'v' must be bool"),
        ("v: int | None = 1", [], "'v' must be int or None"),
        ("v: str = ''", 5, "'v' must be str"),
        ("v = 'text'", 5, "'v' must be str or None"),
        ("v: dict = {}", [], "'v' must be dict"),
        (
            "v: date = None",
            "yesterday",
            "'v' must be a date, and 'yesterday' is not one: write it like 2026-01-31",
        ),
        ("v: date = None", dt.datetime(2026, 1, 2), "'v' must be date or None, not the datetime"),
        ("v: list = []", (1, 2), "'v' has the type tuple: give a list"),
        ("v = whatever()", {"k": [1, {2}]}, "\"v['k'][1]\" has the type set: give a list"),
        ("v = whatever()", b"x", "'v' has the type bytes: give text"),
        ("v = whatever()", {1: 2}, "'v' has the key 1 of type int: make it text"),
        ("v = whatever()", object(), "'v' has the type object: give JSON"),
        ("v: int\nw = 1", ..., "'v' has the type ellipsis"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(declaration: str, value: Any, sentence: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        check(declaration, v=value)
    assert sentence in str(refusal.value)


def test_an_unknown_name_is_refused_with_the_nearest_and_a_missing_one_named() -> None:
    with pytest.raises(ParameterError, match="no parameter 'limti': did you mean 'limit'"):
        check("limit = 1\nday = 2", limti=1)
    with pytest.raises(
        ParameterError, match="no parameter 'zzz': its parameters cell declares 'limit', 'day'"
    ):
        check("limit = 1\nday = 2", zzz=1)
    with pytest.raises(ParameterError, match=r"needs the parameter 'path' \(str\)"):
        check("path: str")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values | st.dates() | st.datetimes(timezones=st.just(dt.UTC)))
def test_an_injected_value_is_the_given_one_and_never_code(value: Any) -> None:
    namespace: dict[str, Any] = {}
    exec(injected_source({"value": value}), namespace)
    assert namespace["value"] == value
    assert type(namespace["value"]) is type(value)


def test_parameters_are_injected_after_their_cell_and_replace_what_was_injected_before() -> None:
    declared, old, work = code("n = 1", "parameters"), code("n = 2", "injected-parameters"), code("n")
    book = notebook(old, declared, work)
    cells = with_parameters(book, {"n": 3})["cells"]
    assert [cell["source"] for cell in cells] == ["n = 1", "# Parameters\nn = 3", "n"]
    later = with_parameters(notebook(declared, work, old, work), {"n": 3})["cells"]
    assert [cell["source"] for cell in later] == ["n = 1", "n", "# Parameters\nn = 3", "n"]
    assert [cell["source"] for cell in with_parameters(notebook(work), {"n": 3})["cells"]] == [
        "# Parameters\nn = 3",
        "n",
    ]
    assert book["cells"] == [old, declared, work]


def test_a_notebook_that_names_no_kernel_has_that_of_python() -> None:
    assert kernel_name({"metadata": {"kernelspec": {"name": "bash"}}}) == "bash"
    assert [kernel_name(book) for book in ({}, {"metadata": {"kernelspec": {}}})] == ["python3"] * 2


def test_a_cell_that_does_not_compile_is_explained_in_one_sentence() -> None:
    assert cell_compiles("x = await something()\n'\\d'") is None
    assert cell_compiles("x = = 1") == (
        "the cell does not compile: invalid syntax in line 1 (x = = 1); correct it"
    )
    assert "'return' outside function" in str(cell_compiles("return 1"))
    assert "null bytes" in str(cell_compiles("x\0"))


def test_the_failing_line_is_the_last_one_of_the_cell_in_its_traceback() -> None:
    traceback = [
        "Cell In[4], line 3\n----> 3 f()",
        "Cell In[2], line 9, in f()\n----> 9 g()",
        "Cell In[4], line 1, in g()",
    ]
    assert failing_line("\n  \nraise_here()\n2\nf()", traceback, 4) == "raise_here()"
    assert failing_line("x", ["nothing of IPython's"], 1) is None
    assert failing_line("x", ["Cell In[1], line 7"], 1) is None


def test_what_stands_for_a_failed_item_becomes_a_mapping() -> None:
    failed = RunFailed(9, "each", "failed", None, "ValueError: no")
    assert check("ys: list = []", ys=[1, failed]) == {
        "ys": [1, {"run": 9, "state": "failed", "reason": None, "error": "ValueError: no"}]
    }
