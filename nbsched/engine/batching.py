"""Functions are carried out in a thread, short ones many in a row, each as if it were alone."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from typing import Any

import anyio

from nbsched.core import plan
from nbsched.core.definitions import work_of
from nbsched.core.model import Function, Outcome
from nbsched.core.policy import Policy
from nbsched.engine.carrying import (
    Held,
    failed_to_prepare,
    given_up,
    judge,
    policy_of,
    report_of,
    stopped,
)
from nbsched.engine.clock import ticks
from nbsched.engine.preparing import Surroundings, prepare
from nbsched.engine.reporting import RunReport
from nbsched.engine.threads import Threads
from nbsched.executors.contract import Assignment
from nbsched.executors.function import FunctionExecutor
from nbsched.executors.short import Short
from nbsched.store import runs

_log = logging.getLogger("nbsched")

Call = Callable[[Assignment], Outcome]
Settle = Callable[[Sequence[runs.Settlement]], Future[Any]]
"""Has the settlements written; callable from any thread."""

BETWEEN_TRIES_S = 0.001


def reference_of(row: Mapping[str, Any]) -> str | None:
    """The function's reference, if its run needs nothing but a thread, and may be claimed before it begins.

    What is asked of its past and its files is asked of each run alone.
    """
    if row["kind"] != "function" or row["lane"] == "away":
        return None
    work, policy = work_of(row["work"]), policy_of(row["policy"])
    plain = policy.timeout is None and not policy.resources and policy.rerun
    plain = plain and not policy.cache and not policy.inputs
    return work.ref if plain and isinstance(work, Function) and work.where == "thread" else None


class Batch:
    """Runs of one function, carried out in order in one thread for as long as a batch may take.

    A run that is asked to stop is not begun, or interrupted; one that does not stop is left to its thread.
    """

    def __init__(
        self, ref: str, held: Iterable[Held], around: Surroundings, short: Short, settle: Settle
    ) -> None:
        self.ref = ref
        self.left = deque(held)
        """Those that have not begun."""
        self.ended: list[Held] = []
        self.settlements: list[runs.Settlement] = []
        """How those that have ended are to be settled."""
        self.written: Future[Any] | None = None
        """The settlements on their way to the store, when the thread has sent them."""
        self._around, self._short, self._settle_them = around, short, settle
        executor = around.executor_of(work_of(self.left[0].row["work"]), "local")
        assert isinstance(executor, FunctionExecutor)
        self._executor = executor
        self._current: Held | None = None
        self._over = False
        self._seconds, self._calls = 0.0, 0
        self._lock = threading.Lock()

    def begin(self, threads: Threads) -> None:
        """The batch is being carried out."""
        self._news, self._loop = anyio.Event(), asyncio.get_running_loop()
        for held in self.left:
            held.on_stop = self._look
        threads.run(self._main)

    async def until_over(self) -> None:
        """Nothing of the batch runs any more, unless it would not stop."""
        while not self._over:
            await self._hear()
            current = self._current
            if current is not None and current.cancel:
                await self._break_off(current)

    def _look(self) -> None:
        self._news.set()

    async def _hear(self) -> None:
        await self._news.wait()
        self._news = anyio.Event()

    async def _break_off(self, held: Held) -> None:
        policy = policy_of(held.row["policy"])
        grace = timedelta() if held.at_once else policy.grace
        with anyio.move_on_after(grace.total_seconds()):
            while self._current is held:
                reached = self._executor.interrupt(held.row["id"])
                with anyio.move_on_after(None if reached else BETWEEN_TRIES_S):
                    await self._hear()
        if self._is_over_for(held):
            report = report_of(held.row, self._around)
            report.output(f"it did not stop within {grace}; its thread is left to itself\n", "stderr")
            self._settle(held, judge(held.row, policy, stopped(held), report, self._around.clock.now()))
            self._over = True

    # -- in the thread -----------------------------------------------------------------------------------------

    def _main(self) -> None:
        try:
            if self._carried_out_by(ticks() + plan.BATCH.total_seconds()) and self.settlements:
                self.written = self._settle_them(self.settlements)
        finally:
            if self._calls:
                self._short.learn(self.ref, self._seconds / self._calls)
            self._over = True
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                self._loop.call_soon_threadsafe(self._look)

    def _carried_out_by(self, end: float) -> bool:
        """As much as there is time for is done; False if we were given up meanwhile."""
        with self._executor.together() as call:
            while (held := self._next()) is not None:
                settlement = self._carried_out(held, call)
                if not self._is_over_for(held):
                    return False
                self._settle(held, settlement)
                if held.cancel or ticks() > end:
                    break
        return True

    def _next(self) -> Held | None:
        with self._lock:
            self._current = self.left.popleft() if self.left else None
            return self._current

    def _carried_out(self, held: Held, call: Call) -> runs.Settlement:
        row, around = held.row, self._around
        try:
            policy, report = policy_of(row["policy"]), report_of(row, around)
            outcome = stopped(held) if held.cancel else self._outcome(held, policy, report, call)
            return judge(row, policy, outcome, report, around.clock.now())
        except Exception as error:
            _log.exception("run %s could not be carried out", row["id"])
            return given_up(row, error, around.clock.now())

    def _outcome(self, held: Held, policy: Policy, report: RunReport, call: Call) -> Outcome:
        try:
            assignment = prepare(held.row, policy, report, self._around)
        except Exception as error:
            return failed_to_prepare(error)
        began = ticks()
        outcome = call(assignment)
        self._seconds, self._calls = self._seconds + ticks() - began, self._calls + 1
        return stopped(held) if held.cancel and outcome.kind == "interrupted" else outcome

    def _is_over_for(self, held: Held) -> bool:
        """Whether it is for whoever asks to settle the run; only the first one is told so."""
        with self._lock:
            if self._current is not held:
                return False
            self._current = None
            return True

    def _settle(self, held: Held, settlement: runs.Settlement) -> None:
        self.ended.append(held)
        self.settlements.append(settlement)


class Line:
    """Runs of functions that are ours and wait for a thread; `dropped` is told of one that is asked to stop first."""

    def __init__(
        self, around: Surroundings, short: Short, settle: Settle, dropped: Callable[[Held], None]
    ) -> None:
        self._around, self._short, self._settle, self._dropped = around, short, settle, dropped
        self._threads = Threads()
        self._waiting: dict[str, deque[Held]] = {}

    def put(self, ref: str, held: Held) -> None:
        """The run stands last among those of its function."""
        self._waiting.setdefault(ref, deque()).append(held)
        held.on_stop = self._drop

    def put_back(self, batch: Batch) -> None:
        """What the batch has left stands where it stood."""
        left, batch.left = batch.left, deque()
        for held in left:
            self.put(batch.ref, held)
        self._waiting.get(batch.ref, left).rotate(len(left))
        self._drop()

    def begin_next(self) -> Batch | None:
        """What one thread takes of the line has begun, if anything waits."""
        for ref, waiting in self._waiting.items():
            size = min(self._short.sizes.get(ref, 1), len(waiting))
            held = [waiting.popleft() for _ in range(size)]
            batch = Batch(ref, held, self._around, self._short, self._settle)
            if not waiting:
                del self._waiting[ref]
            batch.begin(self._threads)
            return batch
        return None

    def close(self) -> None:
        """Nothing more is begun."""
        self._threads.close()

    def _drop(self) -> None:
        """Those that are asked to stop leave the line."""
        for ref, waiting in list(self._waiting.items()):
            for held in [held for held in waiting if held.cancel]:
                waiting.remove(held)
                self._dropped(held)
            if not waiting:
                del self._waiting[ref]
