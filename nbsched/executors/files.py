"""Files that are waited for: there, and finished."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio
import anyio.to_thread

from nbsched.core.durations import duration
from nbsched.core.model import Outcome, Wait
from nbsched.executors.contract import Assignment


class FilesExecutor:
    """Looks once whether the files are there and none has changed for long enough; `now` is the file system's time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def execute(self, assignment: Assignment) -> Outcome:
        work = assignment.work
        assert isinstance(work, Wait)
        return await anyio.to_thread.run_sync(self._look, work, abandon_on_cancel=True)

    def _look(self, work: Wait) -> Outcome:
        poke, settle = duration(work.poke), duration(work.settle)
        found = sorted(path for path in glob.iglob(work.files or "", recursive=True) if os.path.isfile(path))
        if not found:
            return Outcome(kind="not_yet", delay=poke)
        try:
            left = settle.total_seconds() - (self._now().timestamp() - max(map(_changed_at, found)))
        except FileNotFoundError:  # one of them has just gone
            left = settle.total_seconds()
        if left > 0:
            return Outcome(kind="not_yet", delay=min(timedelta(seconds=left), poke))
        return Outcome(kind="succeeded", result=found)


def _changed_at(path: str) -> float:
    """When the file, or what is known of it, changed last: a file that is moved here keeps its age, but not that."""
    facts = os.stat(path)
    return max(facts.st_mtime, facts.st_ctime)
