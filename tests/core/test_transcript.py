"""The cells of an output notebook as they become known."""

from __future__ import annotations

from typing import Any

from nbsched.core.transcript import Transcript


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}}


def test_cells_keep_their_places_when_papermill_puts_its_own_between_them() -> None:
    known = Transcript()
    assert known.take(enumerate([cell("a"), cell("b")]), whole=True) == [0, 1]
    assert known.take([(1, cell("b, run"))], whole=False) == [1]
    marker = cell("An Exception was encountered", "papermill-error-cell-tag", kind="markdown")
    assert known.take(enumerate([marker, cell("a"), marker, cell("b, failed")]), whole=True) == [0, 1]
    assert [one["source"] for one in known.cells] == ["a", "b, failed"]


def test_cells_are_numbered_as_errors_name_them() -> None:
    known = Transcript()
    title, given = cell("# Title", kind="markdown"), cell("x = 1", "injected-parameters")
    known.take(enumerate([title, cell("x = 0", "parameters"), given, cell("\nprint(x)\n2")]), whole=True)
    assert [known.heading(place) for place in (1, 2, 3)] == ["1/2 x = 0", "parameters", "2/2 print(x)"]
