"""Threads that are used again, for starting one takes longer than most of its work; and the way to the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], object]


class Threads:
    """Daemon threads, as many as there are jobs at a time: one that hangs keeps nobody from anything."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[Job | None]] = []
        self._closed = False

    def run(self, job: Job) -> None:
        """The job, which must not raise, is being done in a thread."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = SimpleQueue()
            threading.Thread(target=self._work, args=(inbox,), name="nbsched-work", daemon=True).start()
        inbox.put(job)

    def close(self) -> None:
        """Every thread ends as soon as it has nothing to do."""
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)

    def _work(self, inbox: SimpleQueue[Job | None]) -> None:
        while (job := inbox.get()) is not None:
            job()
            del job  # or it would be kept alive by the thread that waits for the next
            self._idle.append(inbox)
            if self._closed:
                self.close()


class LoopToken:
    """Calls a function soon on the loop that made it, from any thread."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()

    def call_soon(self, call: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(call)
