"""How a notebook's execution is stopped from outside; apart, so that no loop has to import what executes it."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class StopSignal:
    """A request to stop, made once from any thread and awaited in the loop that executes."""

    def __init__(self) -> None:
        self.requested = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    def request(self) -> None:
        self.requested = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
                self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self.requested:
            await self._event.wait()
