"""For people who test their schedules: a clock that is moved by hand, and work run without a schedule."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

import nbsched.api  # noqa: F401 it lends the core what reads files and finds functions
from nbsched.core.durations import duration
from nbsched.core.errors import UsageError
from nbsched.engine.clock import FakeClock
from nbsched.engine.live import Run
from nbsched.engine.runtime import Runtime

__all__ = ["FakeClock", "VirtualRuntime", "run_in_process", "virtual_runtime"]

_FOR_EVER = timedelta(days=3650)
_STEADY_LOOKS = 8
"""So many passes of the loop without anything to do mean that all has settled."""


class VirtualRuntime(Runtime):
    """A runtime whose time passes only when it is told to; work itself takes no time of it."""

    def __init__(self, start: datetime, store: Path, **options: Any) -> None:
        self.clock: FakeClock
        super().__init__(store, clock=FakeClock(_aware(start)), lease=_FOR_EVER, **options)

    async def advance(self, span: Any) -> None:
        """So much time has passed, instant by instant, and all that fell due has settled."""
        await anyio.to_thread.run_sync(self.advance_blocking, span)

    def advance_blocking(self, span: Any) -> None:
        """As `advance`, for code without a loop."""
        target = self.clock.now() + duration(span, "span")
        self.settle()
        while (at := self.clock.next_wait()) is not None and at <= target:
            self.clock.move_to(at)
            self.settle()
        self.clock.move_to(target)
        self.settle()

    def settle(self) -> None:
        """Nothing is left to do before time goes on; running work has ended."""
        settled: Future[None] = Future()
        self.scheduler.call_soon(lambda: self.scheduler.spawn(self._settle, settled))
        settled.result()

    async def _settle(self, settled: Future[None]) -> None:
        looks = 0
        while looks < _STEADY_LOOKS:
            await anyio.lowlevel.checkpoint()
            if self.scheduler.idle and self.database.idle:
                looks += 1
            else:
                looks = 0
                await anyio.sleep(0.0005)  # noqa: TID251 real work takes real time, and nothing tells when it ends
        settled.set_result(None)


def _aware(start: datetime) -> datetime:
    if start.tzinfo is None:
        raise UsageError(
            f"the start {start.isoformat()} has no zone: give an aware datetime, such as with tzinfo=UTC"
        )
    return start


@asynccontextmanager
async def virtual_runtime(
    start: datetime, *, store: str | Path | None = None, **options: Any
) -> AsyncIterator[VirtualRuntime]:
    """A runtime on a clock that stands at `start`, on a store of its own unless one is given."""
    with tempfile.TemporaryDirectory(prefix="nbsched-") as folder:
        runtime = VirtualRuntime(start, Path(store or Path(folder) / "store.db"), **options)
        await anyio.to_thread.run_sync(runtime.__enter__)
        try:
            yield runtime
        finally:
            await anyio.to_thread.run_sync(runtime.__exit__, None, None, None)


def run_in_process(work: Any, params: Mapping[str, Any] | None = None, **policy: Any) -> Run:
    """The work's run when it has ended, on a store that lives as long as this process."""
    return _own().run(work, params, **policy).wait()


@functools.cache
def _own() -> Runtime:
    folder = tempfile.mkdtemp(prefix="nbsched-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Runtime(Path(folder) / "store.db").start()
