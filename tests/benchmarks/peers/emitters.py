"""Sides of pyee and blinker: one publisher, so many subscribers that count."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from itertools import count

import blinker
from pyee.asyncio import AsyncIOEventEmitter
from pyee.base import EventEmitter
from serve import serve, timed


def pyee(events: int, subscribers: int) -> None:
    emitter, counters = EventEmitter(), [count() for _ in range(subscribers)]
    for counter in counters:
        emitter.on("tick", _counting(counter))
    for at in range(events):
        emitter.emit("tick", at)
    assert all(next(counter) == events for counter in counters)


def pyee_async(events: int, subscribers: int) -> None:
    asyncio.run(_pyee_async(events, subscribers))


async def _pyee_async(events: int, subscribers: int) -> None:
    emitter, counters = AsyncIOEventEmitter(), [count() for _ in range(subscribers)]
    for counter in counters:
        emitter.on("tick", _awaitable(_counting(counter)))
    for at in range(events):
        emitter.emit("tick", at)
        if at % 100 == 0:
            await asyncio.sleep(0)
    await emitter.wait_for_complete()
    assert all(next(counter) == events for counter in counters)


def blinkers(events: int, subscribers: int) -> None:
    signal, counters = blinker.Signal(), [count() for _ in range(subscribers)]
    for counter in counters:
        signal.connect(_counting(counter), weak=False)
    for at in range(events):
        signal.send(at)
    assert all(next(counter) == events for counter in counters)


def _counting(counter: count) -> Callable[[int], None]:
    def handler(event: int) -> None:
        next(counter)

    return handler


def _awaitable(handler: Callable[[int], None]) -> Callable[[int], object]:
    async def awaited(event: int) -> None:
        handler(event)

    return awaited


WAYS = {"pyee": pyee, "pyee, async": pyee_async, "blinker": blinkers}
if __name__ == "__main__":
    serve({"carry": timed(WAYS[sys.argv[1]])})
