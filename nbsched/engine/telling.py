"""Hooks on their way from the store to whoever calls them: taken by one host, told beside everything else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from nbsched.core.errors import StoreError
from nbsched.engine.nudges import committed
from nbsched.store import notices
from nbsched.store.database import Database
from nbsched.store.notices import Notice

_log = logging.getLogger("nbsched")

MOST_WAIT_S = 5.0
"""What is to be told of the last runs may take so long while the runtime closes."""

Tell = Callable[[Sequence[Notice]], Awaitable[None]]


class Teller:
    """Has the hooks told that wait for it; on the loop only."""

    def __init__(self, database: Database, tell: Tell) -> None:
        self._db, self._tell = database, tell
        self._telling = 0
        self._changed = anyio.Event()

    @property
    def busy(self) -> bool:
        return self._telling > 0

    async def begin(self, host: str, group: TaskGroup) -> None:
        """What there is to tell is the host's now, and is being told."""
        taken: Sequence[Notice] = await committed(self._db.submit_quietly(notices.take, host))
        if taken:
            self._telling += 1
            group.start_soon(self._tell_safely, taken)

    async def _tell_safely(self, taken: Sequence[Notice]) -> None:
        try:
            await self._tell(taken)
        except Exception:
            _log.exception("the hooks of runs %s could not be told", [notice.run for notice in taken])
        finally:
            self._telling -= 1
            self._changed.set()

    async def end(self, host: str, group: TaskGroup) -> None:
        """What was left to tell has been told; what takes too long is left to others."""
        with anyio.move_on_after(MOST_WAIT_S), suppress(StoreError):
            await self.begin(host, group)
            while self.busy:
                self._changed = anyio.Event()
                await self._changed.wait()
