"""What the runs that wait for something are told: events as they are logged, and changes of files."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from glob import has_magic

import anyio

from nbsched.core.durations import duration
from nbsched.core.instants import to_ms
from nbsched.engine.clock import Clock
from nbsched.engine.firing import whole_ms
from nbsched.store import alarms, sensing, waits
from nbsched.store.database import Database
from nbsched.store.outlook import Outlook

_log = logging.getLogger("nbsched")

STEP_MS = 100
"""Changes of files are told of in steps of this."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to be watched, perhaps with all that is in it."""

    path: str
    deep: bool


def folder_of(pattern: str) -> Folder:
    """Where a file that the pattern names may come to be; of what is not there yet, the nearest that is."""
    head, deep = os.path.dirname(pattern), False
    while has_magic(head):
        head, deep = os.path.dirname(head), True
    while not os.path.isdir(head) and head != os.path.dirname(head):
        head, deep = os.path.dirname(head), False
    return Folder(head, deep)


class Senses:
    """One host's ear for its store's sensors. For the loop's own thread."""

    def __init__(self, database: Database, clock: Clock, spawn: Callable[..., None]) -> None:
        self._db, self._clock, self._spawn = database, clock, spawn
        self._heard_to = 0
        self._watched: dict[Folder, anyio.Event] = {}
        self._can_watch = importlib.util.find_spec("watchfiles") is not None

    def ring(self, ahead: Outlook, now_ms: int) -> Future[int] | None:
        """What time or an event brings about by now is on its way; None when that is nothing."""
        last, met = self._db.read(sensing.heard, self._heard_to) if ahead.sensing else (self._heard_to, [])
        if not met and (ahead.alarm_ms is None or ahead.alarm_ms > now_ms):
            self._heard_to = last
            return None
        writing = self._db.submit_quietly(alarms.ring, met, now_ms)
        writing.add_done_callback(lambda done: self._heard(last) if done.exception() is None else None)
        return writing

    def _heard(self, last: int) -> None:
        self._heard_to = last

    def watch(self, ahead: Outlook) -> None:
        """The folders of the files that are waited for are watched, and no others."""
        if not self._can_watch or not (ahead.watching or self._watched):
            return
        wanted = {folder_of(work.files) for _, work in self._db.read(waits.files) if work.files}
        for folder in self._watched.keys() - wanted:
            self._watched.pop(folder).set()
        for folder in wanted - self._watched.keys():
            self._watched[folder] = anyio.Event()
            self._spawn(self._watch, folder, self._watched[folder])

    async def _watch(self, folder: Folder, stop: anyio.Event) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_set_when_cancelled, stop)
            try:
                await self._follow(folder, stop)
            except Exception as error:
                _log.warning(
                    "the folder %s cannot be watched, so it is looked at now and then: %s", folder.path, error
                )
            group.cancel_scope.cancel()

    async def _follow(self, folder: Folder, stop: anyio.Event) -> None:
        from watchfiles import awatch

        async for _ in awatch(
            folder.path,
            recursive=folder.deep,
            step=STEP_MS,
            debounce=STEP_MS,
            watch_filter=None,
            stop_event=stop,
        ):
            self._changed(folder)

    def _changed(self, folder: Folder) -> None:
        """What waits for files there looks at them once they can have settled."""
        now = whole_ms(self._clock.now())
        for run, work in self._db.read(waits.files):
            if work.files and folder_of(work.files).path.startswith(folder.path):
                self._db.submit_lightly(waits.look_sooner, run, to_ms(now + duration(work.settle)))


async def _set_when_cancelled(stop: anyio.Event) -> None:
    """The thread that watches hears of nothing but its event."""
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()
