"""Work that is sent to an engine's workers only to see whether it comes back, by the way that runs go."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio

from nbsched.away.distant import DistantExecutor
from nbsched.away.facts import WorkerFacts
from nbsched.away.trial import TRIAL
from nbsched.core.model import Context, Function, Outcome
from nbsched.core.policy import PRIORITIES, Policy
from nbsched.executors.contract import Assignment
from nbsched.executors.values import INLINE_LIMIT, load_value, store_value

NAME = "nbsched doctor"
TRIP_S = 20.0
"""What has not come back by then does not: a worker may have to import nbsched first."""
NOBODY_S = 10.0
"""So long is waited while no worker can take it: an adaptive cluster may start one."""
WARM = 3
"""Trips of which the quickest counts: each worker's first one takes longer."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """How it went."""

    seconds: float
    trouble: str = ""
    """Why it is not well; empty if it is."""
    in_place: bool = False
    """Whether the worker read the file where its sender has it."""

    @property
    def ok(self) -> bool:
        return not self.trouble


class Watch:
    """A report that keeps what was said last of why the work does not begin, and waits less for it then."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.said = ""
        self._scope, self._end = scope, scope.deadline

    def progress(self, done: int, total: int, label: str = "", usage: Any = None) -> None:
        self.said = label
        self._scope.deadline = self._end - (TRIP_S - NOBODY_S if label else 0)

    def started(self, pid: int) -> None: ...
    def output(self, text: str, stream: str = "stdout") -> None: ...
    def display(self, message: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...
    def output_file(self, path: Path) -> None: ...


class Trips:
    """Those of one executor; `folder` is one of their own among those of runs."""

    def __init__(self, executor: DistantExecutor, folder: Path) -> None:
        self._executor, self._folder, self._count = executor, folder, 0

    @property
    def where(self) -> str:
        """The engine's address, in which there may be a password; empty while it is not known."""
        return self._executor.where

    @property
    def runs(self) -> Path:
        return self._folder.parent

    async def reach(self) -> float:
        """The engine is open; after how many seconds."""
        began = perf_counter()
        await self._executor.reach(self.runs)
        return perf_counter() - began

    async def workers(self, needs: Mapping[str, Any]) -> Sequence[WorkerFacts]:
        """Each asked whether it could do the like, and has those needs."""
        return await self._executor.workers(self._assignment({}, Watch(anyio.CancelScope())), needs)

    async def go(self) -> Trip:
        """A function that does nothing has come back, or has not in time."""
        trip, _ = await self._go({})
        return trip

    async def go_warm(self) -> Trip:
        """The quickest of some, or the first one that was not well."""
        trips = [await self.go() for _ in range(WARM)]
        return next((trip for trip in trips if not trip.ok), min(trips, key=lambda trip: trip.seconds))

    async def go_with_file(self) -> Trip:
        """A file has gone there and come back as it was."""
        sent, text = self._folder / "sent", secrets.token_hex(INLINE_LIMIT)
        sent.write_text(text)
        trip, result = await self._go({"file": sent})
        if not trip.ok:
            return trip
        if result[1] != text:
            return Trip(seconds=trip.seconds, trouble="a file came back as another one than was sent")
        return Trip(seconds=trip.seconds, in_place=result[0] == str(sent))

    async def _go(self, params: Mapping[str, Any]) -> tuple[Trip, Any]:
        watch, began = Watch(anyio.CancelScope()), perf_counter()
        try:
            with anyio.fail_after(TRIP_S) as scope:
                watch = Watch(scope)
                assignment = self._assignment(params, watch)
                outcome = await self._executor.execute(assignment)
                result = load_value(store_value(outcome.result, "result", self._folder), self._folder)
        except TimeoutError:
            return Trip(
                seconds=perf_counter() - began, trouble=_late(perf_counter() - began, watch.said)
            ), None
        except Exception as error:
            return Trip(seconds=perf_counter() - began, trouble=str(error)), None
        return Trip(seconds=perf_counter() - began, trouble=_trouble(outcome)), result

    def _assignment(self, params: Mapping[str, Any], watch: Watch) -> Assignment:
        self._count += 1
        context = Context(
            run_id=0, attempt=self._count, scheduled_at=LONG_AGO, interval=(LONG_AGO, LONG_AGO), params=params,
            pipeline=None, step=None, key=None, event=None,
        )  # fmt: skip
        return Assignment(
            work=Function(name=NAME, ref=TRIAL, params=params), context=context, params=params,
            folder=self._folder / str(self._count), env={}, report=watch, cell_timeout=None, grace=timedelta(),
            policy=Policy(priority=PRIORITIES["high"]),
        )  # fmt: skip


def _late(seconds: float, said: str) -> str:
    why = said or "the workers may all be busy: ask again when they are not, or see their logs"
    return f"nothing has come back within {took(seconds)}: {why}"


def _trouble(outcome: Outcome) -> str:
    if outcome.kind == "succeeded":
        return ""
    if outcome.error is None:
        return f"it was {outcome.kind}: its worker has gone, or cannot be heard; see the worker's log"
    return outcome.error.message


def took(seconds: float) -> str:
    """For people: how long it took."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
