"""The only place that asks the time or sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import anyio

LONGEST_SLEEP = timedelta(seconds=30)
"""A sleep is cut so often, so that a suspended machine or a set clock is noticed."""

GRAIN = timedelta(milliseconds=1)
"""The loop's timers are as coarse as this, and late by it."""


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...

    async def wait(self, event: anyio.Event, until: datetime | None) -> bool:
        """True once the event is set, False when the instant has come before it; never early."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, event: anyio.Event, until: datetime | None) -> bool:
        while not event.is_set():
            left = LONGEST_SLEEP if until is None else until - self.now()
            if left <= timedelta():
                return False
            if left <= GRAIN:
                time.sleep(left.total_seconds())  # noqa: ASYNC251 too short for the loop to tell
            else:
                with anyio.move_on_after(min(left - GRAIN, LONGEST_SLEEP).total_seconds()):
                    await event.wait()
        return True


def ticks() -> float:
    """Seconds of a clock that nobody sets, for measuring how long something takes."""
    return time.perf_counter()


def after(seconds: float, call: Callable[[], None]) -> None:
    """The running loop makes the call when so much of that time has passed, unless it has ended before."""
    asyncio.get_running_loop().call_later(seconds, call)


class FakeClock:
    """A clock that stands still until it is moved; waits end when it reaches their instant."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._waits: dict[object, tuple[datetime, anyio.Event, anyio.lowlevel.EventLoopToken]] = {}

    def now(self) -> datetime:
        return self._now

    async def wait(self, event: anyio.Event, until: datetime | None) -> bool:
        if until is not None and until <= self._now and not event.is_set():
            await anyio.lowlevel.checkpoint()
            return event.is_set()
        reached, mark = anyio.Event(), object()
        if until is not None:
            self._waits[mark] = (until, reached, anyio.lowlevel.current_token())
        try:
            await _either(event, reached)
        finally:
            self._waits.pop(mark, None)
        return event.is_set()

    def next_wait(self) -> datetime | None:
        """The earliest instant that anything waits for."""
        return min((until for until, _, _ in list(self._waits.values())), default=None)

    def move_to(self, instant: datetime) -> None:
        """It is this instant now; the waits for it and for earlier ones end. Callable from any thread."""
        self._now = max(self._now, instant.astimezone(UTC))
        for until, reached, token in list(self._waits.values()):
            if until <= self._now:
                anyio.from_thread.run_sync(reached.set, token=token)


async def _either(first: anyio.Event, second: anyio.Event) -> None:
    async with anyio.create_task_group() as group:

        async def watch(event: anyio.Event) -> None:
            await event.wait()
            group.cancel_scope.cancel()

        group.start_soon(watch, first)
        group.start_soon(watch, second)
