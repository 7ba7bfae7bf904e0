"""Which functions are so short that many of their runs are carried out in a row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from nbsched.core import plan

WEIGHT = 0.2
"""Of the newest measurement in the running mean of a function's time."""


class Short:
    """How long each function takes, and how many of its runs are carried out in a row by `size` of that."""

    def __init__(self, size: Callable[[timedelta], int] = plan.batch_size) -> None:
        self._size = size
        self.sizes: dict[str, int] = {}
        self._typical: dict[str, float] = {}

    def typical(self, ref: str) -> float | None:
        """How many seconds the function takes, if that is known."""
        return self._typical.get(ref)

    def learn(self, ref: str, seconds: float) -> None:
        """Runs of the function took so long each; far off the mean, it is a new beginning."""
        known = self._typical.get(ref, 0.0)
        near = known / 10 < seconds < known * 10
        self._typical[ref] = typical = known + WEIGHT * (seconds - known) if near else seconds
        size = self._size(timedelta(seconds=typical))
        if size > 1:
            self.sizes[ref] = size
        else:
            self.sizes.pop(ref, None)
