"""The ETL pipeline, as a Python file and as cells."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.notebooks.conftest import Example

pytestmark = pytest.mark.timeout(180)

ROWS = {"flowers": 150 * 4, "tumours": 569 * 30, "wines": 178 * 13}
"""Measurements in what the three sources serve: items times what is measured of each."""


def stored(example: Example) -> dict[str, int]:
    with closing(sqlite3.connect(example.folder / "results/measurements.sqlite")) as database:
        return dict(database.execute("SELECT source, count(*) FROM measurements GROUP BY source"))


def sources(example: Example) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in example.folder.glob("*.*")}


def test_a_source_that_refuses_twice_is_asked_three_times(example: Callable[[str], Example]) -> None:
    etl = example("etl")
    before = sources(etl)
    ran = etl.run("pipeline.py")
    assert ran.code == 0, ran.progress
    assert set(ran.states.values()) == {"succeeded"}
    attempts = {name: ran.run["steps"][name]["attempt"] for name in ran.states if name.startswith("fetch")}
    assert attempts == {"fetch_flowers": 1, "fetch_wines": 3, "fetch_tumours": 1}
    assert stored(etl) == ROWS
    assert ran.run["steps"]["store"]["result"] == sum(ROWS.values())
    assert sources(etl) == before


@pytest.mark.slow
def test_the_cells_make_the_same_pipeline_and_replace_what_is_stored(
    example: Callable[[str], Example],
) -> None:
    etl = example("etl")
    for _ in range(2):
        ran = etl.run("etl.ipynb")
        assert ran.code == 0, ran.progress
        assert ran.run["steps"]["wines"]["attempt"] == 3
        assert stored(etl) == ROWS
