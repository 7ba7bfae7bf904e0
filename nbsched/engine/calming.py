"""What is asked for again and again within moments is done now and then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from nbsched.engine.clock import after, ticks

FLOOD, FLOOD_S, TOGETHER_S = 6, 0.2, 0.03
"""When it was asked for so often within so many seconds, it is done so much later."""


class Calm:
    """Makes the call at once, but in a flood a moment later: who asks waits for it, and then asks once for many."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._last: deque[float] = deque(maxlen=FLOOD)
        self.due = False
        """The call will be made in a moment."""

    async def __call__(self) -> None:
        self._last.append(ticks())
        if len(self._last) == FLOOD and self._last[-1] - self._last[0] < FLOOD_S:
            await self._moment()
        self._call()

    async def _moment(self) -> None:
        self.due, over = True, anyio.Event()
        after(TOGETHER_S, over.set)
        try:
            await over.wait()
        finally:
            self.due = False
