from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from nbsched.engine import clock
from nbsched.engine.clock import SystemClock

pytestmark = pytest.mark.anyio


async def test_a_wait_ends_at_its_instant_and_never_before() -> None:
    system = SystemClock()
    for number in range(20):
        until = system.now() + timedelta(milliseconds=number)
        assert await system.wait(anyio.Event(), until) is False
        assert system.now() >= until


async def test_a_wait_ends_with_its_event() -> None:
    event = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.lowlevel.checkpoint)
        event.set()
        assert await SystemClock().wait(event, None) is True
    assert await SystemClock().wait(event, datetime.max.replace(tzinfo=UTC)) is True


async def test_a_clock_that_is_set_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "LONGEST_SLEEP", timedelta(milliseconds=10))
    system, offset = SystemClock(), timedelta()
    now = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda self: now(self) + offset)
    until = system.now() + timedelta(hours=1)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                assert await system.wait(anyio.Event(), until) is False

            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            offset = timedelta(hours=2)
