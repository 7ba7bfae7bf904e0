"""Edges between cells that share their names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.celledges import edges, reasons, shown
from nbsched.core.cellnames import CellNames


def cells(**given: str) -> dict[str, CellNames]:
    """`b="x > y z"` reads x and writes y and z."""
    parts = {name: text.split(">") for name, text in given.items()}
    return {name: CellNames(frozenset(a.split()), frozenset(b.split())) for name, (a, b) in parts.items()}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (cells(a="> x", b="x >"), {"a": {}, "b": {"a": ["x"]}}),
        (cells(a="> x y", b="x y >"), {"a": {}, "b": {"a": ["x", "y"]}}),
        (cells(a="x >", b="> x"), {"a": {"b": ["x"]}, "b": {}}),
        (cells(a="> x", b="x > x", c="x >"), {"a": {}, "b": {"a": ["x"]}, "c": {"b": ["x"]}}),
        (cells(a="x > x", b="x > x"), {"a": {}, "b": {"a": ["x"]}}),
        (cells(a="x >", b="> x", c="> x"), {"a": {"b": ["x"]}, "b": {}, "c": {}}),
        (cells(a="nowhere > x", b=">"), {"a": {}, "b": {}}),
    ],
)
def test_who_writes_a_name_runs_before_who_reads_it(
    given: Mapping[str, CellNames], found: Mapping[str, object]
) -> None:
    assert edges(given, given) == found


def test_a_cell_that_does_not_ask_gets_no_edges_and_still_writes() -> None:
    assert edges(cells(a="> x", b="x > y", c="y >"), {"c"}) == {"a": {}, "b": {}, "c": {"b": ["y"]}}


def test_edges_are_shown_with_their_names() -> None:
    assert (
        shown({"train": ["model", "rows"], "prepare": ["data"]})
        == "train (reads model rows), prepare (reads data)"
    )


def test_a_cycle_is_told_with_its_names() -> None:
    found = edges(cells(a="y > x", b="x > y"), {"a", "b"})
    assert reasons(["a", "b", "a"], found) == "'b' reads x of 'a' and 'a' reads y of 'b'"
    assert reasons(["a", "b", "a"], {}) == ""


NAMES = st.frozensets(st.sampled_from("xyz"))


@given(st.lists(st.builds(CellNames, NAMES, NAMES), max_size=6), st.data())
def test_edges_are_those_of_a_plain_search(found: list[CellNames], data: st.DataObject) -> None:
    given = {f"c{at}": names for at, names in enumerate(found)}
    asking = data.draw(st.sets(st.sampled_from(sorted(given)))) if given else set()
    expected = set()
    for at, reader in enumerate(found):
        for name in reader.reads:
            above = [other for other in range(at) if name in found[other].writes]
            below = [other for other in range(at + 1, len(found)) if name in found[other].writes]
            if f"c{at}" in asking and above:
                expected.add((f"c{max(above)}", f"c{at}", name))
            elif f"c{at}" in asking and below and name not in reader.writes:
                expected.add((f"c{min(below)}", f"c{at}", name))
    got = edges(given, asking)
    assert {
        (before, after, name) for after in got for before in got[after] for name in got[after][before]
    } == expected
