"""Two notebooks side by side."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.comparing import compare_cells, compare_parameters


def code(source: str, said: str = "", id_: str | None = None) -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": said}] if said else []
    named = {} if id_ is None else {"id": id_}
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs, **named}


def verdicts(this: list[Any], other: list[Any]) -> list[tuple[str, str | None, str | None]]:
    return [
        (pair["verdict"], pair["this"] and pair["this"]["source"], pair["other"] and pair["other"]["source"])
        for pair in compare_cells(this, other)
    ]


def test_cells_are_known_by_their_ids_whatever_became_of_them() -> None:
    this = [code("a", id_="x"), code("quite another", id_="y"), code("c", "7", id_="z")]
    other = [code("a", id_="x"), code("b = 1", id_="y"), code("c", "8", id_="z")]
    assert [verdict for verdict, *_ in verdicts(this, other)] == ["same", "source", "outputs"]


def test_without_ids_they_are_known_by_their_sources() -> None:
    this = [code("import pandas"), code("df = read('b.csv')\ndf.head()"), code("done", "ok")]
    other = [code("done", "ok")]
    other = [code("import pandas"), code("print('gone')"), code("df = read('a.csv')\ndf.head()"), *other]
    assert verdicts(this, other) == [
        ("same", "import pandas", "import pandas"),
        ("removed", None, "print('gone')"),
        ("source", "df = read('b.csv')\ndf.head()", "df = read('a.csv')\ndf.head()"),
        ("same", "done", "done"),
    ]


def test_an_id_that_only_says_where_a_cell_stands_is_none() -> None:
    this = [code("new", id_="cell-1"), code("old", id_="cell-2")]
    assert verdicts(this, [code("old", id_="cell-1")]) == [("added", "new", None), ("same", "old", "old")]


def test_what_papermill_adds_to_a_failed_notebook_is_no_cell_of_it() -> None:
    marker = {
        "cell_type": "markdown",
        "source": "An Exception",
        "metadata": {"tags": ["papermill-error-cell-tag"]},
    }
    assert verdicts([marker, code("a")], [code("a")]) == [("same", "a", "a")]


def test_only_parameters_that_differ_are_told() -> None:
    assert compare_parameters({"a": 1, "b": 2, "c": None}, {"a": 1, "b": 3, "d": 4}) == [
        {"name": "b", "this": 2, "other": 3},
        {"name": "c", "this": None, "other": None},
        {"name": "d", "this": None, "other": 4},
    ]


ids = st.one_of(st.none(), st.sampled_from(["p", "q", "r", "cell-1", "cell-2"]))
cells = st.lists(
    st.builds(code, st.sampled_from(["a", "b", "a b", "a b c"]), st.sampled_from(["", "1"]), ids), max_size=6
)


@given(cells, cells)
def test_every_cell_of_both_is_there_once_and_in_order(this: list[Any], other: list[Any]) -> None:
    pairs = compare_cells(this, other)
    assert [pair["this"] for pair in pairs if pair["this"] is not None] == this
    assert [pair["other"] for pair in pairs if pair["other"] is not None] == other


@given(cells)
def test_a_notebook_is_the_same_as_itself(this: list[Any]) -> None:
    assert {pair["verdict"] for pair in compare_cells(this, this)} <= {"same"}
