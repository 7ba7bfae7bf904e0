"""How long a notebook still needs, by what its last runs took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

MOST_HISTORY = 10
"""So many of the last successful runs say what is usual."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier run: how long the whole took, and each of its cells where that is known; milliseconds."""

    took_ms: int
    cells_ms: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a run is expected to end, and how long all behind its current cell takes, whenever that begins."""

    ends_ms: int
    rest_ms: int = 0

    def left_ms(self, now_ms: int) -> int | None:
        """How long the run still needs; None when it takes longer than was expected, and there is no telling."""
        left = max(self.ends_ms - now_ms, self.rest_ms)
        return left if left > 0 else None


class Usual:
    """What runs of one notebook of so many cells usually take, by the last that succeeded."""

    def __init__(self, past: Sequence[Past], cells: int) -> None:
        alike = [one.cells_ms for one in past if len(one.cells_ms) == cells] if cells else []
        each = [round(median(times)) for times in zip(*alike, strict=True)]
        self._left = [0, *accumulate(reversed(each))][::-1]
        """By the number of cells that have ended what all others take; without like runs nothing is known."""
        self._whole = None if alike or not past else round(median(one.took_ms for one in past))
        self._cells = cells

    def estimate(self, done: int, began_ms: int, now_ms: int) -> Estimate | None:
        """Of a run that began then and in which so many cells have just ended; None without history."""
        if done >= self._cells:
            return None
        if self._whole is not None:
            return Estimate(began_ms + self._whole)
        return Estimate(now_ms + self._left[done], self._left[done + 1]) if self._left[0] else None
