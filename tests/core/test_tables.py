"""Rows as text and as HTML."""

from __future__ import annotations

from nbsched.core.tables import Table, named_values


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


def test_where_a_text_begins_is_kept_in_text_and_html() -> None:
    table = Table(("a", "b"), [("  inner", "x"), ("outer", "y")])
    assert str(table).splitlines() == ["a        b", "  inner  x", "outer    y"]
    assert "<td>&nbsp;&nbsp;&nbsp;&nbsp;inner</td>" in table._repr_html_()


def test_named_values_are_one_line_each_shortened() -> None:
    assert named_values({"rows": 7, "region": "EU"}) == 'rows = 7, region = "EU"'
    assert named_values({"text": "x" * 100, "n": 1}) == f'text = "{"x" * 51}…, n = 1'
    assert named_values({}) == ""
