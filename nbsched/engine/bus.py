"""The event bus: handlers get every event that matches, in order, whatever the others do."""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import math
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import anyio
from anyio.abc import TaskGroup

from nbsched.core.model import Event
from nbsched.core.patterns import name_matches
from nbsched.engine.clock import Clock
from nbsched.engine.nudges import committed
from nbsched.store import events as log
from nbsched.store.database import Database

_log = logging.getLogger("nbsched")

Handler = Callable[[Event], Any]
Failed = Callable[[str, Event, BaseException, bool], None]
"""Told of a handler that failed: subscription, event, error, and whether the event is a dead letter by it."""

MOST_WAITING = 10_000
RETRY_WAIT = timedelta(seconds=0.1)
"""Before a durable handler's second try; twice as long before each further one."""
AFTER_A_FAULT = timedelta(seconds=1)
"""Before the log is read again that could not be."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One handler and what waits for it; the oldest are dropped when it is too slow."""

    name: str
    pattern: str
    handler: Handler
    durable: bool
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Tells this subscription from one of the same name that replaces it, here or in another process."""
    waiting: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    wake: anyio.Event | None = None
    scope: anyio.CancelScope | None = None
    active: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.holder

    def offer(self, event: Event) -> None:
        if self.active and not self.durable and name_matches(self.pattern, event.name):
            self.waiting.append(event)
        if self.wake is not None:
            self.wake.set()

    def end(self) -> None:
        self.active = False
        if self.scope is not None:
            self.scope.cancel()


class Bus:
    """Runs the handlers on the runtime's loop; sync ones in worker threads."""

    def __init__(self, database: Database, clock: Clock, failed: Failed, now_ms: Callable[[], int]) -> None:
        self._database, self._clock, self._failed, self._now_ms = database, clock, failed, now_ms
        self._subscriptions: dict[str, Subscription] = {}
        self._group: TaskGroup | None = None
        self._seq = 0
        self.busy = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Handlers are served until cancelled."""
        self._seq = self._database.read(log.last_seq)
        self._threads = anyio.CapacityLimiter(math.inf)  # one that hangs keeps no other from its turn
        async with anyio.create_task_group() as group:
            self._group = group
            task_status.started()
            await anyio.sleep_forever()

    def add(self, subscription: Subscription) -> None:
        """The handler hears what happens from now on; one of the same name hears no more. On the loop only."""
        self.look()
        self.remove(subscription.name)
        if not self._subscriptions:
            self._seq = self._database.read(log.last_seq)
        self._subscriptions[subscription.name] = subscription
        assert self._group is not None
        self._group.start_soon(self._serve_durably if subscription.durable else self._serve, subscription)

    def remove(self, name: str) -> None:
        """The handler hears nothing more. On the loop only."""
        found = self._subscriptions.pop(name, None)
        if found is not None:
            found.end()

    def drop(self, subscription: Subscription) -> None:
        """This very handler hears nothing more; one that has taken its name goes on. On the loop only."""
        if self._subscriptions.get(subscription.name) is subscription:
            self.remove(subscription.name)

    def look(self) -> None:
        """What has been logged since the last look is offered to the handlers. On the loop only."""
        if not self._subscriptions:
            return
        while found := self._database.read(log.since, self._seq):
            self._seq = found[-1].seq
            for event in found:
                self.offer(event)

    def offer(self, event: Event) -> None:
        """The event waits for every handler that it matches. On the loop only."""
        for subscription in tuple(self._subscriptions.values()):
            subscription.offer(event)

    async def _serve(self, subscription: Subscription) -> None:
        with anyio.CancelScope() as subscription.scope:
            while subscription.active:
                subscription.wake = anyio.Event()
                while subscription.waiting and subscription.active:
                    event = subscription.waiting.popleft()
                    error = await self._call(subscription, event)
                    if error is not None:
                        self._failed(subscription.name, event, error, False)
                await subscription.wake.wait()

    async def _call(self, subscription: Subscription, event: Event) -> BaseException | None:
        self.busy += 1
        try:
            own = replace(event, data=copy.deepcopy(event.data))
            await call(subscription.handler, own, self._threads)
        except Exception as error:
            return error
        finally:
            self.busy -= 1
        return None

    async def _serve_durably(self, subscription: Subscription) -> None:
        with anyio.CancelScope() as subscription.scope:
            while subscription.active:
                try:
                    await self._read_on(subscription)
                except Exception as error:
                    _log.error("the subscription %r cannot go on: %s", subscription.name, error)
                    await self._clock.wait(anyio.Event(), self._clock.now() + AFTER_A_FAULT)

    async def _read_on(self, subscription: Subscription) -> None:
        """What is in the log behind the subscription's place is handled; when that is nothing, more has come."""
        subscription.wake = anyio.Event()
        place = self._database.read(log.subscription, subscription.name)
        if place is None or place.holder != subscription.holder:
            self.drop(subscription)  # it was ended, or taken over by another process
            return
        found = self._database.read(log.since, place.seq)
        await self._handle_in_order(subscription, found)
        if not found:
            await subscription.wake.wait()

    async def _handle_in_order(self, subscription: Subscription, found: Sequence[Event]) -> None:
        for event in found:
            if name_matches(subscription.pattern, event.name) and not await self._handle(subscription, event):
                return
        if found:
            await committed(self._database.submit_lightly(log.handled, *subscription.key, found[-1].seq))

    async def _handle(self, subscription: Subscription, event: Event) -> bool:
        """Whether the subscription may go on behind the event: it was handled, or is a dead letter."""
        key = subscription.key
        tries = await committed(self._database.submit_lightly(log.tried, *key))
        if tries is None:
            return False
        error = await self._call(subscription, event)
        if error is None:
            await committed(self._database.submit(log.handled, *key, event.seq))
            return True
        dead = tries >= log.MOST_TRIES
        self._failed(subscription.name, event, error, dead)
        if dead:
            await committed(self._database.submit(log.bury, *key, event.seq, self._now_ms(), repr(error)))
            return True
        await self._clock.wait(anyio.Event(), self._clock.now() + RETRY_WAIT * 2 ** (tries - 1))
        return False


async def call(handler: Handler, event: Event, threads: anyio.CapacityLimiter) -> None:
    """The handler has handled the event: what it returns is awaited on this loop if it can be.

    Whatever it raises, a cancellation or an exit included, is raised here as an Exception.
    """
    if inspect.iscoroutinefunction(handler):
        answer: Any = handler(event)
    else:
        answer = await anyio.to_thread.run_sync(
            _guarded, handler, event, abandon_on_cancel=True, limiter=threads
        )
    if isinstance(answer, Awaitable):
        await _apart(answer)


def _guarded(handler: Handler, event: Event) -> Any:
    try:
        return handler(event)
    except (KeyboardInterrupt, SystemExit) as error:
        raise _ended_by(error) from error


async def _apart(answer: Awaitable[Any]) -> None:
    """Awaited in a task of its own, so that what it does to its task it does to no other."""
    task = asyncio.ensure_future(_awaited(answer))
    try:
        await asyncio.wait([task])
    except BaseException:
        task.cancel()
        raise
    if task.cancelled():
        raise RuntimeError("the handler was cancelled")
    task.result()


async def _awaited(answer: Awaitable[Any]) -> None:
    try:
        await answer
    except (KeyboardInterrupt, SystemExit) as error:
        raise _ended_by(error) from error


def _ended_by(error: BaseException) -> RuntimeError:
    return RuntimeError(f"the handler raised {type(error).__name__}")
