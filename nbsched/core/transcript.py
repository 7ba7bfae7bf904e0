"""The cells of an output notebook as they become known, and how far they have come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbsched.core.sources import INJECTED_TAG, MARKER_TAG, source_text, tagged
from nbsched.core.tables import short

Cell = Mapping[str, Any]


class Transcript:
    """A notebook's own cells, without what papermill has put between them."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self._place: dict[int, int] = {}

    def take(self, told: Iterable[tuple[int, Cell]], *, whole: bool) -> list[int]:
        """The cells are as told by their index in the file, `whole`: they are all; the places of those told."""
        kept = [(index, cell) for index, cell in told if not tagged(cell, MARKER_TAG)]
        if whole:
            self.cells = [cell for _, cell in kept]
            self._place = {index: place for place, (index, _) in enumerate(kept)}
        for index, cell in kept:
            self.cells[self._place[index]] = cell
        return [self._place[index] for index, _ in kept]

    def heading(self, place: int) -> str:
        """`3/10 df.head()`: the cell's number among the code cells, as errors name it, and its first line."""
        cell = self.cells[place]
        if tagged(cell, INJECTED_TAG):
            return "parameters"
        numbered = [at for at, other in enumerate(self.cells) if _is_numbered(other)]
        line = next((line for line in source_text(cell).splitlines() if line.strip()), "")
        return short(f"{numbered.index(place) + 1}/{len(numbered)} {line}".rstrip())


def _is_numbered(cell: Cell) -> bool:
    return is_code(cell) and not tagged(cell, INJECTED_TAG)


def is_code(cell: Cell) -> bool:
    return bool(cell["cell_type"] == "code")


def status(cell: Cell) -> str:
    """`pending`, `running`, `completed` or `failed`; empty where nobody noted it."""
    return str(cell["metadata"].get("papermill", {}).get("status") or "")
