"""What is asked for again and again within moments is done now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from nbsched.engine.clock import after, ticks

FLOOD, FLOOD_S, TOGETHER_S = 6, 0.2, 0.03
"""When it has been asked for so often within so many seconds, it is done once for all of the last ones."""


class Calm:
    """Makes the call at once each time, but in a flood one for many, a moment later; on a loop only."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._last: deque[float] = deque(maxlen=FLOOD)
        self.due = False
        """The call will be made in a moment."""

    def __call__(self) -> None:
        if self.due:
            return
        self._last.append(ticks())
        if len(self._last) == FLOOD and self._last[-1] - self._last[0] < FLOOD_S:
            self.due = True
            after(TOGETHER_S, self._make_it)
        else:
            self._call()

    def _make_it(self) -> None:
        self.due = False
        self._call()
