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
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import NoneType
from typing import Any

import anyio
from anyio.abc import TaskGroup

from nbsched.core.model import Event
from nbsched.core.patterns import name_matches
from nbsched.engine.clock import Clock
from nbsched.engine.nudges import committed
from nbsched.engine.threads import LoopToken
from nbsched.store import events as log
from nbsched.store.database import Database

_log = logging.getLogger("nbsched")

Handler = Callable[[Event], Any]
Failed = Callable[[str, Event, BaseException, bool], None]
"""Told of a handler that failed: subscription, event, error, and whether the event is a dead letter by it."""

MOST_WAITING = 10_000
MOST_NAMES = 1_000
"""Of so many events it is remembered who hears them."""
RETRY_WAIT = timedelta(seconds=0.1)
"""Before a durable handler's second try; twice as long before each further one."""
AFTER_A_FAULT = timedelta(seconds=1)
"""Before the log is read again that could not be."""


class Letter:
    """An event on its way to several handlers."""

    __slots__ = ("_copied", "_facts", "event")

    def __init__(self, event: Event) -> None:
        self.event, self._facts = event, vars(event)
        flat = all(type(value) in _ATOMS for value in event.data.values())
        self._copied: Callable[[Any], Any] = dict if flat else copy.deepcopy

    def own(self) -> Event:
        """The event with data that nobody else has."""
        own = object.__new__(Event)  # dataclasses.replace takes ten times as long
        facts = own.__dict__
        facts.update(self._facts)
        facts["data"] = self._copied(self.event.data)
        return own


_ATOMS = frozenset({str, int, float, bool, NoneType, datetime})


@dataclass(slots=True, eq=False)
class Subscription:
    """One handler and what waits for it; the oldest are dropped when it is too slow."""

    name: str
    pattern: str
    handler: Handler
    durable: bool
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Tells this subscription from one of the same name that replaces it, here or in another process."""
    waiting: deque[Letter] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    wake: anyio.Event | None = None
    """To be set when there is something new, while it waits for that."""
    scope: anyio.CancelScope | None = None
    active: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.holder

    def offer(self, letter: Letter) -> None:
        """The event waits for the handler; a durable one reads it in the log instead. On the loop only."""
        if not self.durable:
            self.waiting.append(letter)
        if self.wake is not None:
            self.wake.set()
            self.wake = None

    def end(self) -> None:
        self.active = False
        if self.scope is not None:
            self.scope.cancel()


class Bus:
    """Runs the handlers on the runtime's loop; sync ones in worker threads."""

    def __init__(self, database: Database, clock: Clock, failed: Failed, now_ms: Callable[[], int]) -> None:
        self._database, self._clock, self._failed, self._now_ms = database, clock, failed, now_ms
        self._subscriptions: dict[str, Subscription] = {}
        self._heard_by: dict[str, tuple[Subscription, ...]] = {}
        """Who hears an event of that name, as long as they are the same."""
        self._told: deque[Event] = deque(maxlen=MOST_WAITING)
        self._token: LoopToken | None = None
        self._taking = False
        self._group: TaskGroup | None = None
        self._seq = 0
        self.busy = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Handlers are served until cancelled."""
        self._token = LoopToken()
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
        self._heard_by.clear()
        assert self._group is not None
        self._group.start_soon(self._serve_durably if subscription.durable else self._serve, subscription)

    def remove(self, name: str) -> None:
        """The handler hears nothing more. On the loop only."""
        found = self._subscriptions.pop(name, None)
        self._heard_by.clear()
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

    def tell(self, event: Event) -> None:
        """The event, which is kept nowhere, is on its way to every handler that it matches. From any thread."""
        self._told.append(event)
        if not self._taking and self._token is not None:
            self._taking = True
            self._token.call_soon(self._take)

    def _take(self) -> None:
        self._taking = False
        while self._told:
            self.offer(self._told.popleft())

    def offer(self, event: Event) -> None:
        """The event waits for every handler that it matches. On the loop only."""
        heard_by = self._heard_by.get(event.name)
        if heard_by is None:
            heard_by = self._those_who_hear(event.name)
        if heard_by:
            letter = Letter(event)
            for subscription in heard_by:
                subscription.offer(letter)

    def _those_who_hear(self, name: str) -> tuple[Subscription, ...]:
        if len(self._heard_by) >= MOST_NAMES:
            self._heard_by.clear()
        everyone = self._subscriptions.values()
        found = [one for one in everyone if one.durable or name_matches(one.pattern, name)]
        self._heard_by[name] = heard_by = tuple(found)
        return heard_by

    async def _serve(self, subscription: Subscription) -> None:
        handle = (
            self._handle_on_loop
            if inspect.iscoroutinefunction(subscription.handler)
            else self._handle_in_thread
        )
        try:
            with anyio.CancelScope() as subscription.scope:
                while subscription.active:
                    if not subscription.waiting:
                        wake = subscription.wake = anyio.Event()
                        await wake.wait()
                    self.busy += 1
                    try:
                        await handle(subscription)
                    finally:
                        self.busy -= 1
        finally:
            subscription.active = False  # a thread that is still at it ends with what it is at

    async def _handle_on_loop(self, subscription: Subscription) -> None:
        while subscription.waiting and subscription.active:
            letter = subscription.waiting.popleft()
            await self._until_answered(subscription, letter, subscription.handler(letter.own()))

    async def _handle_in_thread(self, subscription: Subscription) -> None:
        """What waits has been handled, in one thread as far as nothing is to be awaited: to go there takes long."""
        while subscription.waiting and subscription.active:
            answered = await anyio.to_thread.run_sync(
                self._handle_what_waits, subscription, abandon_on_cancel=True, limiter=self._threads
            )
            if answered is not None:
                await self._until_answered(subscription, *answered)

    def _handle_what_waits(self, subscription: Subscription) -> tuple[Letter, Awaitable[Any]] | None:
        """In a thread: all that waits is handled, up to the first event whose answer is to be awaited."""
        waiting, handler = subscription.waiting, subscription.handler
        while waiting and subscription.active:
            letter = waiting.popleft()
            try:
                answer = handler(letter.own())
            except Exception as error:
                self._failed(subscription.name, letter.event, error, False)
            except (KeyboardInterrupt, SystemExit) as error:
                self._failed(subscription.name, letter.event, _ended_by(error), False)
            else:
                if answer is not None and isinstance(answer, Awaitable):
                    return letter, answer
        return None

    async def _until_answered(
        self, subscription: Subscription, letter: Letter, answer: Awaitable[Any]
    ) -> None:
        try:
            await _apart(answer)
        except Exception as error:
            self._failed(subscription.name, letter.event, error, False)

    async def _call(self, subscription: Subscription, event: Event) -> BaseException | None:
        self.busy += 1
        try:
            await call(subscription.handler, Letter(event).own(), self._threads)
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
        wake = subscription.wake = anyio.Event()
        place = self._database.read(log.subscription, subscription.name)
        if place is None or place.holder != subscription.holder:
            self.drop(subscription)  # it was ended, or taken over by another process
            return
        found = self._database.read(log.since, place.seq)
        await self._handle_in_order(subscription, found)
        if not found:
            await wake.wait()

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
