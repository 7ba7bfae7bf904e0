"""What a result depends on, as one fingerprint, and changes in words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.fingerprints import changes, fingerprint, hidden, param_part, size_text, value_part
from nbsched.core.references import Reference

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PARTS = st.dictionaries(st.sampled_from(["params.a", "params.b", "command", "cwd"]), VALUES.map(value_part))


def file(size: int, hash: str | None) -> dict[str, Any]:
    return {"path": "/d", "size": size, "mtime_ns": 1, "hash": hash}


@given(PARTS, PARTS)
def test_fingerprints_are_the_same_exactly_when_nothing_changed(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (changes(one, other) == [])


@given(PARTS)
def test_a_hidden_part_counts_as_itself(parts: dict[str, Any]) -> None:
    assert fingerprint({name: hidden(part) for name, part in parts.items()}) == fingerprint(parts)


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        ("params.region", value_part("EU"), value_part("US"), "params.region: 'EU' → 'US'"),
        ("params.n", None, value_part(1), "params.n: (not given) → 1"),
        ("params.day", value_part(date(2026, 1, 5)), None, "params.day: 2026-01-05 → (not given)"),
        ("params.n", value_part("x" * 100), value_part(1), "params.n changed"),
        ("params.path (a['path'])", value_part(1), value_part(2), "params.path (a['path']): 1 → 2"),
        ("input /x/data.csv", file(12_000, "a"), file(14_000, "b"), "input data.csv changed (12 KB → 14 KB)"),
        ("input /x/data.csv", file(12_000, "a"), file(12_000, "b"), "input data.csv changed"),
        ("input /x/data.csv", file(1, "a"), file(0, None), "input data.csv is gone"),
        ("input /x/data.csv", None, file(1, "a"), "input data.csv is new"),
        ("module lib/features.py", file(1, "a"), file(2, "b"), "module lib/features.py changed"),
        ("after a", value_part(1), value_part(2), "what a left changed"),
        ("after a", None, value_part(2), "a is a new need"),
    ],
)
def test_a_change_in_words(name: str, old: Any, new: Any, text: str) -> None:
    before, now = ({name: part} if part is not None else {} for part in (old, new))
    assert changes(before, now) == [text]


def test_the_cells_that_changed_are_counted_from_one() -> None:
    def source(*cells: str) -> dict[str, Any]:
        return {"source": {"name": "a.ipynb", "hash": "".join(cells), "cells": list(cells)}}

    called = "source of a.ipynb: cell"
    assert changes(source("a", "b", "c"), source("a", "x", "c")) == [f"{called} 2 changed"]
    assert changes(source("a", "b"), source("a", "b", "c")) == [f"{called} 3 is new"]
    assert changes(source("a", "b", "c"), source("b", "c")) == [f"{called} 1 is gone"]


def test_outputs_are_not_compared() -> None:
    assert fingerprint({"output /x": file(1, "a")}) == fingerprint({})
    assert changes({"output /x": file(1, "a")}, {}) == []


def test_a_value_of_another_step_is_called_by_it() -> None:
    assert param_part("path", Reference("step", ("train", "path"))) == "params.path (train['path'])"
    assert param_part("day", Reference("fact", ("scheduled_date",))) == "params.day"


def test_sizes_are_short() -> None:
    assert [size_text(size) for size in (0, 999, 1000, 12_345, 999_499, 999_500, 5 * 10**9)] == [
        "0 B", "999 B", "1 KB", "12.3 KB", "999 KB", "1 MB", "5 GB",
    ]  # fmt: skip
