"""The Jupyter event that says that something has changed, to who then asks for what."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger

from nbsched.engine.calls import Calls
from nbsched.panel.gathering import stamp
from nbsched.panel.source import StoreSource
from nbsched.server.news import newsroom_of
from nbsched.store import showing

CHANGED = "urn:nbsched:changed"
SCHEMA = Path(__file__).with_name("changed.yaml")
PERIOD_S = 0.1
"""From one event to the next."""
RECOVER_S = 1.0
MOST_RUNS = 100

_log = logging.getLogger("nbsched")


class Announcer:
    """Emits an event after each change in the store, or one for many; lives on the loop that it is made on."""

    def __init__(self, calls: Calls, events: EventLogger) -> None:
        self._calls, self._database, self._source, self._events = (
            calls,
            calls.database,
            StoreSource(calls),
            events,
        )
        self._loop = asyncio.get_running_loop()
        self._cursor: Any = None
        self._stirred = self._anyway = self._busy = self._closed = False
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        if CHANGED not in events.schemas:
            events.register_event_schema(SCHEMA)
        newsroom_of(calls).withheld = partial(self._from_thread, self._stir_in)

    async def begin(self) -> None:
        """What changes from now on is told."""
        _, self._cursor = await asyncio.to_thread(self._source.changed, None, ())
        self._watch = self._calls.watch(self._changed)
        self._changed()

    async def close(self) -> None:
        """No event is emitted any more."""
        self._closed = True
        self._watch.cancel()
        if self._task is not None:
            await self._task

    # -- from any thread -----------------------------------------------------------------------------------------

    def _changed(self) -> None:
        if not self._stirred:
            self._stirred = True
            self._from_thread(self._begin)

    def _from_thread(self, call: Any, *args: Any) -> None:
        with suppress(RuntimeError):  # the server's loop is closed
            self._loop.call_soon_threadsafe(call, *args)

    # -- on the loop ---------------------------------------------------------------------------------------------

    def _stir_in(self, seconds: float) -> None:
        """In so many seconds there is something new to ask for, though nothing changes."""
        at = self._loop.time() + seconds
        if self._again is not None and not self._again.cancelled():
            at = max(at, self._again.when())
            self._again.cancel()
        self._again = self._loop.call_at(at, self._stir_anyway)

    def _stir_anyway(self) -> None:
        self._again, self._anyway = None, True
        self._changed()

    def _begin(self) -> None:
        if self._stirred and not (self._busy or self._closed):
            self._busy = True
            self._task = self._loop.create_task(self._announce())

    async def _announce(self) -> None:
        self._stirred, rest = False, PERIOD_S
        try:
            before, self._listeners = (
                self._listeners,
                self._listening(),
            )  # who has come may have missed something
            if self._listeners:
                anyway, self._anyway = self._anyway, False
                changed = await asyncio.to_thread(self._look, anyway or self._listeners > before)
                if changed is not None:
                    self._emit(changed, anyway)
        except Exception as error:
            _log.warning("changes of the store could not be told of: %s", error)
            self._stirred, rest = True, RECOVER_S
        self._loop.call_later(rest, self._rested)

    def _rested(self) -> None:
        self._busy = False
        self._begin()

    def _listening(self) -> int:
        """How many would hear the event; one where that cannot be told."""
        known = [
            getattr(self._events, name, None) for name in ("_modified_listeners", "_unmodified_listeners")
        ]
        listeners = sum(len(found.get(CHANGED, ())) for found in known if found is not None)
        return listeners or int(bool(self._events.handlers) or None in known)

    def _emit(self, runs: list[Mapping[str, Any]], anyway: bool) -> None:
        """Whose answer ends with the token knows it all; of what was withheld no answer knows."""
        token = f"withheld-{uuid.uuid4().hex[:8]}" if anyway else stamp(self._cursor)
        self._events.emit(schema_id=CHANGED, data={"token": token, "runs": runs})

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _look(self, anyway: bool) -> list[Mapping[str, Any]] | None:
        """What to tell of the runs that have changed since the last look; None when nothing has."""
        before = self._cursor
        moved, self._cursor = self._source.changed(before, ())
        if before == self._cursor and not anyway:
            return None
        found = self._database.read(showing.states, moved, MOST_RUNS)
        return [{"id": run, "state": state} for run, state in found]
