"""Two runs side by side: the parameters that differ, and their notebooks cell by cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, TypedDict

from nbsched.core.outputs import comparable
from nbsched.core.sources import MARKER_TAG, source_text, tagged

Cell = Mapping[str, Any]
Verdict = Literal["same", "source", "outputs", "added", "removed"]
"""`source`: it differs, whatever the outputs; `added`: only this run has it; `removed`: only the other has."""

ALIKE = 0.5
"""From so many words in common on, of 1, one cell is taken for a new version of another."""

_NUMBERED = re.compile(r"cell-\d+")
"""The id that a cell is given when its notebook has none for it: it says where it stands, not which it is."""
_WORDS = re.compile(r"\w+|[^\w\s]")


class ParameterPair(TypedDict):
    """A parameter that differs; null where it is not given."""

    name: str
    this: Any
    other: Any


class CellPair(TypedDict):
    """A cell of this run and the one that it is compared with."""

    verdict: Verdict
    this: Cell | None
    other: Cell | None


class Comparison(TypedDict):
    """Two runs side by side."""

    params: list[ParameterPair]
    cells: list[CellPair]


def compare_parameters(this: Mapping[str, Any], other: Mapping[str, Any]) -> list[ParameterPair]:
    """The parameters that differ, in the order of this run's."""
    names = dict.fromkeys([*this, *other])
    pairs = [ParameterPair(name=name, this=this.get(name), other=other.get(name)) for name in names]
    return [
        pair
        for pair in pairs
        if pair["this"] != pair["other"] or (pair["name"] in this) != (pair["name"] in other)
    ]


def compare_cells(this: Sequence[Cell], other: Sequence[Cell]) -> list[CellPair]:
    """Every cell of both once, in their order: aligned by id, else by source, else by what is left of it."""
    mine, theirs = ([cell for cell in cells if not tagged(cell, MARKER_TAG)] for cells in (this, other))
    return [
        CellPair(verdict=_verdict(one, another), this=one, other=another)
        for one, another in _aligned(mine, theirs, (_own_id, source_text))
    ]


def _verdict(this: Cell | None, other: Cell | None) -> Verdict:
    if this is None or other is None:
        return "added" if other is None else "removed"
    if (this["cell_type"], source_text(this)) != (other["cell_type"], source_text(other)):
        return "source"
    return (
        "same" if comparable(this.get("outputs", ())) == comparable(other.get("outputs", ())) else "outputs"
    )


# --- aligned ---


Pairs = Iterator[tuple[Cell | None, Cell | None]]
Key = Callable[[Cell], Hashable]


def _own_id(cell: Cell) -> Hashable:
    """What the cell is known by; equal to nothing else where it is known by nothing."""
    id_ = str(cell.get("id") or "")
    return object() if not id_ or _NUMBERED.fullmatch(id_) else id_


def _aligned(this: Sequence[Cell], other: Sequence[Cell], keys: Sequence[Key]) -> Pairs:
    """By the first key; what stands between those that have it in common by the next."""
    if not keys:
        yield from _versions(this, other)
        return
    mine, theirs = list(map(keys[0], this)), list(map(keys[0], other))
    for tag, begin, end, first, last in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(this[begin:end], other[first:last], strict=True)
        else:
            yield from _aligned(this[begin:end], other[first:last], keys[1:])


def _versions(this: Sequence[Cell], other: Sequence[Cell]) -> Pairs:
    """Each cell with the next that is much like it."""
    left = list(other)
    for cell in this:
        near = next((at for at, one in enumerate(left) if _alike(cell, one)), None)
        yield from ((None, one) for one in left[: near or 0])
        yield cell, None if near is None else left[near]
        left = left if near is None else left[near + 1 :]
    yield from ((None, one) for one in left)


def _alike(this: Cell, other: Cell) -> bool:
    if this["cell_type"] != other["cell_type"]:
        return False
    mine, theirs = _WORDS.findall(source_text(this)), _WORDS.findall(source_text(other))
    words = SequenceMatcher(None, mine, theirs, autojunk=False)
    return words.quick_ratio() >= ALIKE and words.ratio() >= ALIKE
