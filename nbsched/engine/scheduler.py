"""The loop: fires what is due, claims what there is room for, has it carried out, settles it, and waits."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from nbsched.core.errors import StoreError
from nbsched.core.instants import floor_ms, from_ms, span_ms
from nbsched.engine.accounting import Accountant
from nbsched.engine.births import birth_of, is_dead
from nbsched.engine.bus import Bus
from nbsched.engine.calming import Calm
from nbsched.engine.crew import MOST_AWAY, MOST_CELLS, MOST_POKES, Crew, Room
from nbsched.engine.nudges import NEW, Nudges, committed
from nbsched.engine.orphans import clear_up
from nbsched.engine.preparing import Surroundings
from nbsched.engine.sensing import Senses
from nbsched.engine.telling import Tell, Teller
from nbsched.engine.threads import LoopToken
from nbsched.store import (
    attempts,
    claiming,
    events,
    hosts,
    lateness,
    rates,
    records,
    recovery,
    runs,
)
from nbsched.store.hosts import Host
from nbsched.store.outlook import Outlook, outlook

_log = logging.getLogger("nbsched")

AT_ONCE = 128
"""So many runs are sent to workers in one turn: to prepare each takes the loop a moment."""


class Scheduler:
    """One host's part in the work of its store. Everything but `nudge` is for the loop's own thread."""

    def __init__(
        self, around: Surroundings, *, kind: str, notebook: str | None, slots: int, resources: Mapping[str, float],
        lease: timedelta, ageing: timedelta | None, nudges: Nudges, look: Callable[[], None],
        ended: Callable[[Future[list[runs.Ended]]], None], tell: Tell, in_a_hurry: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._around, self._db, self._clock = around, around.database, around.clock
        self._nudges, self._lease, self._in_a_hurry = nudges, lease, in_a_hurry
        self._look, self._ended, self._teller = look, ended, Teller(self._db, tell)
        self._ageing_ms = None if ageing is None else span_ms(ageing)
        self._birth = birth_of(os.getpid()) or "?"
        self.host = Host(
            id=uuid.uuid4().hex[:12], kind=kind, pid=os.getpid(), birth=self._birth, port=nudges.port, slots=slots,
            resources=resources, notebook=notebook, started_ms=0, seen_ms=0, until_ms=0,
        )  # fmt: skip
        room = Room(
            float(slots), MOST_CELLS if kind == "kernel" else 0, dict(resources), MOST_POKES, MOST_AWAY
        )
        self._accountant = Accountant(self._db)
        self._senses = Senses(self._db, self._clock, self.spawn)
        self._crew = Crew(around, room, self._settle, self._settled, self._look_again)
        self._wake = anyio.Event()
        self._nudged, self._turning, self._closing = False, True, False
        self._hear = Calm(self._look_again)
        self.turns = 0
        self._served = False
        self._live_since = self._last_awake = around.clock.now()
        self._awake_since = self._live_since - lease
        self._background: TaskGroup
        self._token: LoopToken | None = None
        self.bus = Bus(self._db, self._clock, self._handler_failed, self._now_ms)
        self.followed: set[int] = set()
        """Keyed runs that someone here waits for: this host takes them over when theirs is gone."""

    # -- from any thread ---------------------------------------------------------------------------------------

    def nudge(self) -> None:
        """The loop looks again soon."""
        if self._token is not None and not self._nudged:
            self._nudged = True
            with suppress(RuntimeError):  # the loop has ended
                self._token.call_soon(self._look_again)

    def call_soon(self, call: Callable[[], None]) -> None:
        """The call is made on the loop."""
        assert self._token is not None
        self._token.call_soon(call)

    def spawn(self, work: Callable[..., Any], *args: Any) -> None:
        """The coroutine runs on the loop, beside the scheduler; on the loop only."""
        self._background.start_soon(work, *args)

    def lend(self, run: int) -> None:
        """The slot of the run is free until `take_back`, while it does nothing but wait."""
        self.call_soon(lambda: self._crew.lend(run))

    def take_back(self, run: int) -> None:
        self.call_soon(lambda: self._crew.take_back(run))

    @property
    def idle(self) -> bool:
        """Nothing runs here and nothing is left to look at before the next wait ends."""
        return not (
            len(self._crew)
            or self._nudged
            or self._hear.due
            or self._turning
            or self._teller.busy
            or self.bus.busy
        )

    def _look_again(self) -> None:
        self._nudged = False
        self._wake.set()

    # -- the loop ----------------------------------------------------------------------------------------------

    async def run(self, started: Callable[[], None], stop: anyio.Event) -> None:
        """The host lives and works until `stop`; then its work is asked to stop and it has left the store."""
        self._token = LoopToken()
        await self._register()
        await self._bury_the_dead()
        async with anyio.create_task_group() as background:
            self._background = background
            await background.start(self.bus.run)
            background.start_soon(self._nudges.hear, self._hear, self._know_the_others)
            background.start_soon(self._stay_alive)
            async with anyio.create_task_group() as group:
                self._crew.begin(group)
                group.start_soon(self._turn_until, stop)
                started()
            self._crew.end()
            if not self._in_a_hurry():
                await self._teller.end(self.host.id, background)
            await self._leave()
            background.cancel_scope.cancel()

    async def _turn_until(self, stop: anyio.Event) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._turn_for_ever)
            await stop.wait()
            group.cancel_scope.cancel()
        self._closing = True
        self._crew.close(at_once=self._in_a_hurry())

    async def _turn_for_ever(self) -> None:
        while True:
            self._wake, self._turning = anyio.Event(), True
            until = await self._turn_safely()
            self._turning = False
            await self._clock.wait(self._wake, until)

    async def _turn_safely(self) -> datetime:
        try:
            return await self._turn()
        except Exception:
            _log.exception("a turn of the scheduler failed; it goes on in a second")
            return self._clock.now() + timedelta(seconds=1)

    async def _turn(self) -> datetime:
        self.turns += 1
        now = self._clock.now()
        self._note_gap(now)
        now_ms = floor_ms(now)
        ahead = self._ahead(now)
        self._obey(ahead)
        mine = (self._places, self._takes_anything)
        changes = self._accountant.fire(from_ms(now_ms), ahead, mine, self._live_since)
        if (rung := self._senses.ring(ahead, now_ms)) is not None:
            changes[None] = rung
        self._senses.watch(ahead)
        claimed = await self._claim(now_ms) if ahead.queued or changes else []
        await self._accountant.written(changes, now_ms)
        if changes or claimed:
            self._nudges.send()
        if changes or any(map(_sets_an_alarm, claimed)) or self._made_wait(ahead):
            ahead = self._ahead(now)  # there are new alarms, and runs of ours may have been asked to stop
            self._obey(ahead)
        if ahead.untold:
            await self._teller.begin(self.host.id, self._background)
        self.bus.look()
        self._look()
        return now + timedelta(days=1) if ahead.next_ms is None else from_ms(ahead.next_ms)

    def _made_wait(self, ahead: Outlook) -> bool:
        """A claim may have made runs wait for their rate, which nothing but their own alarm ends."""
        return ahead.queued and self._db.read(rates.some_wait)

    def _ahead(self, now: datetime) -> Outlook:
        """What there is to do; when the servers are gone, what was theirs falls to us from now on."""
        found = self._looked_out(now)
        if found.served != self._served:
            self._live_since = now if self._served else self._live_since
            self._served = found.served
            found = self._looked_out(now)
        return found

    def _looked_out(self, now: datetime) -> Outlook:
        lanes = self._crew.room.lanes
        return self._db.read(outlook, floor_ms(now), self.host.id, self._places, self._takes_anything, lanes)

    def _note_gap(self, now: datetime) -> None:
        """After a pause longer than the lease (a suspended machine, a stopped process) what fell in it was missed."""
        if now - self._last_awake > self._lease:
            self._live_since = self._awake_since = now
        self._last_awake = now

    @property
    def _places(self) -> tuple[str, ...]:
        own = (f"host:{self.host.id}", f"process:{self.host.id}")
        notebook = (f"notebook:{self.host.notebook}",) if self.host.notebook else ()
        return (*own, *notebook, *((recovery.NOWHERE,) if self._takes_anything else ()))

    @property
    def _takes_anything(self) -> bool:
        return self.host.kind in hosts.SERVERS or not self._served

    def _now_ms(self) -> int:
        return floor_ms(self._clock.now())

    # -- claiming and carrying out -----------------------------------------------------------------------------

    async def _claim(self, now_ms: int) -> Sequence[dict[str, Any]]:
        """What there is room for is ours and has begun."""
        if self._closing:
            return []
        room = self._crew.room
        capacity = claiming.Capacity(
            places=self._places, any_place=self._takes_anything, slots=room.slots, cells=room.cells, pokes=room.pokes,
            away=min(room.away, AT_ONCE), resources=room.resources, short=self._crew.short.sizes,
            ageing_ms=self._ageing_ms,
        )  # fmt: skip
        with anyio.CancelScope(shield=True):
            claimed: list[dict[str, Any]] | None = await committed(
                self._db.submit_quietly(claiming.claim, self.host.id, self._birth, now_ms, capacity)
            )
            if claimed is None:
                await self._begin_anew()
            else:
                self._crew.take([row for row in claimed if row["lane"] != "none"])
                if sum(row["lane"] == "away" for row in claimed) == AT_ONCE:
                    self._look_again()  # for more of them
        return claimed or []

    def _settle(self, settlements: Sequence[runs.Settlement]) -> Future[Any]:
        settled = self._db.submit_untold(runs.settle, self.host.id, settlements, self._now_ms())
        settled.add_done_callback(self._ended)
        return settled

    def _settled(self) -> None:
        self._nudges.send()
        self._look()

    def _obey(self, ahead: Outlook) -> None:
        if ahead.cancelled:
            self._crew.stop(self._db.read(attempts.cancelled_of, self.host.id))

    # -- staying alive -----------------------------------------------------------------------------------------

    async def _register(self) -> None:
        now_ms = self._now_ms()
        self.host = replace(
            self.host, started_ms=now_ms, seen_ms=now_ms, until_ms=now_ms + span_ms(self._lease)
        )
        await committed(self._db.submit(hosts.register, self.host))
        self._db.submit_lightly(
            events.record, "runtime.started", now_ms, {"host": self.host.id, "kind": self.host.kind}
        )
        self._know_the_others()
        self._nudges.send(NEW)

    async def _stay_alive(self) -> None:
        while True:
            await self._clock.wait(anyio.Event(), self._next_sign_of_life())
            self._note_gap(self._clock.now())
            renewal = self._db.submit_quietly(hosts.renew, self.host.id, self._now_ms(), span_ms(self._lease))
            try:
                if not await committed(renewal):
                    await self._begin_anew()
                await self._bury_the_dead()
                self._know_the_others()
                self._look_again()  # a nudge may have been lost, or have come from where none can be heard
            except Exception as error:
                _log.warning("the lease could not be renewed: %s", error)

    def _next_sign_of_life(self) -> datetime:
        """In time to keep the lease, and no later than another's is over."""
        now, others = self._clock.now(), list[datetime]()
        with suppress(StoreError):
            others = [
                from_ms(host.until_ms) for host in self._db.read(hosts.known) if host.id != self.host.id
            ]
        return min(at for at in (*others, now + self._lease / 3) if at > now)

    async def _begin_anew(self) -> None:
        """The lease was taken from us: what we hold is another's now, so it stops here, and we are a new host."""
        self._crew.stop_all()
        self.host = replace(self.host, id=uuid.uuid4().hex[:12])
        self._live_since = self._clock.now()
        await self._register()
        self._look_again()

    async def _bury_the_dead(self) -> None:
        now_ms = self._now_ms()
        for host in self._db.read(hosts.known):
            if host.id != self.host.id and (self._is_over(host, now_ms) or is_dead(host.pid, host.birth)):
                await anyio.to_thread.run_sync(clear_up, self._db, host)
                gone = await committed(self._db.submit(recovery.give_up, host.id, now_ms))
                if gone:
                    _log.info("took over from host %s, which is gone", host.id)
                self._look_again()
        await self._carry_on_what_is_followed(now_ms)

    def _is_over(self, host: Host, now_ms: int) -> bool:
        """The lease is over, and we were awake to see it: after a sleep of the machine all have a lease to wake up."""
        return host.until_ms <= now_ms and floor_ms(self._awake_since + self._lease) <= now_ms

    async def _carry_on_what_is_followed(self, now_ms: int) -> None:
        self.followed -= self._db.read(records.ended_among, list(self.followed)) if self.followed else set()
        for run in tuple(self.followed):
            if self._db.read(recovery.is_left_alone, run):
                await committed(self._db.submit_lightly(recovery.adopt, run, self.host.id, now_ms))

    def _know_the_others(self) -> None:
        self._nudges.know(host.port for host in self._db.read(hosts.known) if host.id != self.host.id)

    async def _leave(self) -> None:
        with anyio.CancelScope(shield=True):
            now_ms = self._now_ms()
            self._db.submit_lightly(events.record, "runtime.stopped", now_ms, {"host": self.host.id})
            try:
                await committed(self._db.submit(recovery.give_up, self.host.id, now_ms))
            except StoreError as error:
                _log.error("%s; the others take over once the lease is over", error)

    # -- handlers ----------------------------------------------------------------------------------------------

    def _handler_failed(self, name: str, event: Any, error: BaseException, dead: bool) -> None:
        if event.name == "handler.failed":
            _log.error("the handler %r of handler.failed failed itself: %r", name, error)
            return
        data = {"handler": name, "event": event.name, "seq": event.seq, "error": repr(error), "dead": dead}
        _log.warning("the handler %r failed on %s: %r", name, event.name, error)
        self._db.submit_lightly(events.record, "handler.failed", self._now_ms(), data)


def _sets_an_alarm(claimed: Mapping[str, Any]) -> bool:
    """Something is to happen at an instant because the run has begun."""
    return claimed["lane"] == "none" or lateness.is_watched(claimed["policy"])
