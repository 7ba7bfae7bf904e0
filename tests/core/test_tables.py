"""Rows as text and as HTML."""

from __future__ import annotations

from nbsched.core.tables import Table


def test_columns_are_aligned_also_with_wide_and_combined_characters() -> None:
    lines = str(Table(("name", "n"), [("日本", "1"), ("é" + "e\u0301", "2"), ("plain", "3")])).splitlines()
    assert lines == ["name   n", "日本   1", "ée\u0301     2", "plain  3"]


def test_nothing_of_a_value_is_markup() -> None:
    html = Table(("a",), [("<img src=x onerror=alert(1)>",)])._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_nothing_of_a_value_moves_the_cursor_or_breaks_the_line() -> None:
    assert str(Table(("a",), [("x\n\x1b[2Jy\x00z\u202e",)])).splitlines() == ["a", "x  [2Jy z"]


def test_a_table_without_rows_says_so() -> None:
    empty = Table(("a",), [], "no <runs> yet")
    assert str(empty) == "no <runs> yet"
    assert empty._repr_html_() == "<p>no &lt;runs&gt; yet</p>"
