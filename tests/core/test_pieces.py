"""JSON in pieces."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.pieces import pieces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_the_pieces_are_the_json_of_the_value(value: Any) -> None:
    assert json.loads("".join(pieces(value))) == value


def test_names_that_are_numbers_become_texts() -> None:
    assert json.loads("".join(pieces({"details": {7: {"log": ""}}}))) == {"details": {"7": {"log": ""}}}


def test_no_piece_holds_more_than_one_element_of_a_list() -> None:
    rows = [{"id": run, "name": "work"} for run in range(1000)]
    news = {"rows": rows, "pipelines": {5: {"run": rows[0], "steps": rows}}}
    assert max(map(len, pieces(news))) < 50
