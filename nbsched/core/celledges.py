"""The order of cells that share their names: who writes a name runs before who reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

from nbsched.core.cellnames import CellNames

Edges = Mapping[str, Mapping[str, Sequence[str]]]
"""For each cell the cells before it, each with the names that it is needed for."""


def edges(cells: Mapping[str, CellNames], asking: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """The edges of the cells that ask for them; `cells` are in the order of their definition.

    Of several writers the last one above the reader counts, else the first one below it.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for cell, names in cells.items():
        wanted = sorted(names.reads) if cell in asking else []
        writers = {name: writer for name in wanted if (writer := _writer(name, cell, cells))}
        found[cell] = {
            before: [name for name, writer in writers.items() if writer == before]
            for before in cells
            if before in writers.values()
        }
    return found


def _writer(name: str, reader: str, cells: Mapping[str, CellNames]) -> str | None:
    """A cell that changes a name goes on from what is above it, never from below."""
    order = list(cells)
    writers = [cell for cell in order if cell != reader and name in cells[cell].writes]
    above = [cell for cell in writers if order.index(cell) < order.index(reader)]
    if above:
        return above[-1]
    return writers[0] if writers and name not in cells[reader].writes else None


def shown(before: Mapping[str, Sequence[str]]) -> str:
    """How the edges of one cell are read: `train (reads model), prepare (reads data)`."""
    return ", ".join(f"{cell} (reads {' '.join(names)})" for cell, names in before.items())


def reasons(cycle: Sequence[str], known: Edges) -> str:
    """Which names close the cycle; nothing when none of its edges comes from names."""
    found = [
        f"{after!r} reads {' '.join(known[after][before])} of {before!r}"
        for before, after in pairwise(cycle)
        if before in known.get(after, {})
    ]
    return " and ".join(found)
