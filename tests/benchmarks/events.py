"""Events in memory from one publisher to ten subscribers, none of whom can harm another or the publisher."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import nbsched as nb
from nbsched.core.model import Event
from tests.benchmarks.environments import NotInstalled, python_of
from tests.benchmarks.measure import OURS, Spent, in_turns, spent
from tests.benchmarks.results import Report, Row, table
from tests.benchmarks.workers import worker

CHUNK = 1_000
"""So many events are on their way at most: a subscription keeps no more than some thousands for a slow handler."""
MOST_S = 20
"""For one turn of ours, which has as many events as take no longer."""
PEERS = ("pyee", "pyee, async", "blinker")
LEAST = {"": 2, ", async": 5}


class Counter:
    """A handler, and what tells when it has been called so often."""

    def __init__(self) -> None:
        self._numbers, self._goal, self._reached = count(1), 0, threading.Event()

    def __call__(self, event: Event) -> None:
        if next(self._numbers) == self._goal:
            self._reached.set()

    async def awaited(self, event: Event) -> None:
        self(event)

    def expect(self, goal: int) -> None:
        self._goal = goal
        self._reached.clear()

    def wait(self) -> None:
        assert self._reached.wait(300)


def report(events: int = 100_000, subscribers: int = 10, rounds: int = 3) -> Report:
    with ExitStack() as stack:
        runtime = stack.enter_context(
            nb.Runtime(Path(stack.enter_context(tempfile.TemporaryDirectory()), "store.db"))
        )
        contestants = {
            OURS: _ours(runtime, events, subscribers, lambda counter: counter),
            f"{OURS}, async": _ours(runtime, events, subscribers, lambda counter: counter.awaited),
        }
        try:
            for peer in PEERS:
                one = stack.enter_context(worker("emitters.py", peer, python=python_of("events")))
                contestants[peer] = partial(one.took, "carry", events, subscribers, units=events, settle_s=0)
            missing = ""
        except NotInstalled as error:
            missing = str(error)
        return told(events, subscribers, in_turns(contestants, rounds), missing)


def _ours(
    runtime: nb.Runtime, events: int, subscribers: int, handler: Callable[[Counter], Callable[[Event], Any]]
) -> Callable[[], Spent]:
    def turn(number: int) -> Spent:
        counters = [Counter() for _ in range(subscribers)]
        handles = [runtime.subscribe("tick", handler(counter)) for counter in counters]
        try:
            return spent(lambda: _published(runtime, number, counters), number)
        finally:
            for handle in handles:
                handle.cancel()

    affordable = int(MOST_S / turn(min(events, CHUNK)).wall)
    return partial(turn, min(events, affordable))


def _published(runtime: nb.Runtime, events: int, counters: Sequence[Counter]) -> None:
    """As the runtime offers what is not logged, such as progress."""
    at, scheduler = datetime.now(UTC), runtime.scheduler

    def offer(first: int, last: int) -> None:
        for number in range(first, last):
            scheduler.bus.offer(Event(id="", name="tick", at=at, seq=number, data={}))

    for first in range(0, events, CHUNK):
        last = min(first + CHUNK, events)
        for counter in counters:
            counter.expect(last)
        scheduler.call_soon(partial(offer, first, last))
        for counter in counters:
            counter.wait()


def told(events: int, subscribers: int, found: dict[str, Spent], missing: str) -> Report:
    title = f"{events:,} events in memory to {subscribers} subscribers"
    lines = [[name, f"{1 / took.wall:,.0f}", f"{took.cpu * 1e6:.1f}"] for name, took in found.items()]
    text = table(title, ["", "events per second", "CPU µs per event"], lines) + missing
    rows = [_row(title, way, least, found) for way, least in LEAST.items()]
    return Report(text, tuple(rows))


def _row(title: str, way: str, least: float, found: dict[str, Spent]) -> Row:
    alike = {
        name: took for name, took in found.items() if name in PEERS and name.endswith("async") == bool(way)
    }
    ours = 1 / found[f"{OURS}{way}"].wall
    if not alike:
        return Row(f"{title}{way}", ours, "per second", "pyee, not installed", least=least)
    best = min(alike, key=lambda name: alike[name].wall)
    return Row(f"{title}{way}", ours, "per second", best, 1 / alike[best].wall, least=least)
