"""Backfills: the runs of a schedule's past instants, asked for together."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Self, TypeVar
from zoneinfo import ZoneInfo

from nbsched.core import triggers
from nbsched.core.durations import duration
from nbsched.core.errors import TriggerError, UsageError
from nbsched.core.grid import grid, summary
from nbsched.core.instants import to_ms
from nbsched.core.ledger import previous
from nbsched.core.occurrences import Account, OccurrenceRow, occurrences
from nbsched.core.plan import Occurrence
from nbsched.core.policy import whole_number
from nbsched.core.states import State
from nbsched.core.tables import Table
from nbsched.core.triggers import Trigger, default_zone, trigger_of
from nbsched.engine.firing import whole_ms
from nbsched.engine.live import Run
from nbsched.engine.lookups import Place
from nbsched.store import backfilling as store
from nbsched.store import schedules

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls

MOST = 100_000
"""So many instants at most are filled by one call."""
MOST_SHOWN = 30
_TICK = timedelta(milliseconds=1)
T = TypeVar("T")


class Backfill(list[Run]):
    """The runs of a backfill, one for each instant, oldest first."""

    def __init__(self, runtime: Calls, schedule: str, runs: Iterable[int] = ()) -> None:
        super().__init__(Run(runtime, run) for run in runs)
        self.schedule, self._runtime = schedule, runtime

    def wait(self, timeout: Any = None, check: bool = False) -> Self:
        """This once all have ended; TimeoutError after `timeout`; RunFailed with `check` for the first that failed."""
        clock = self._runtime.clock
        until = None if timeout is None else clock.now() + duration(timeout, "timeout")
        for run in self:
            run.wait(None if until is None else max(until - clock.now(), timedelta()))
        for run in self if check else ():
            run.wait(check=True)
        return self

    def cancel(self) -> None:
        """None of them goes on; those that run are asked to stop."""
        for part in _parts(self._ids[::-1]):
            self._runtime.database.write(store.cancel, part, self._runtime.now_ms())

    @property
    def states(self) -> dict[State, int]:
        """How many there are in each state."""
        return self._runtime.database.read(store.states, self._ids)

    @property
    def grid(self) -> Table:
        """A row for each instant, a column for each step."""
        return self._grid(self._ids)

    @property
    def _ids(self) -> list[int]:
        return [run.id for run in self]

    def _grid(self, runs: Sequence[int]) -> Table:
        database, folder = self._runtime.database, self._runtime.folder
        zone = ZoneInfo(Place(database, folder).zone(self.schedule))
        return grid(database.read(store.grid_rows, runs), zone)

    def _shown(self) -> tuple[str, Table, str]:
        more = len(self) - MOST_SHOWN
        return (
            summary(self.schedule, self.states),
            self._grid(self._ids[:MOST_SHOWN]),
            f"and {more} more: .grid has them all" if more > 0 else "",
        )

    def __repr__(self) -> str:
        return "\n".join(filter(None, map(str, self._shown())))

    def _repr_html_(self) -> str:
        head, table, more = self._shown()
        return f"<p>{html.escape(head)}</p>{table._repr_html_()}" + (f"<p>{more}</p>" if more else "")


def begin(
    runtime: Calls, name: str, start: Any, end: Any, *, max_parallel: int, dry_run: bool, rerun_failed: bool
) -> Backfill | list[datetime]:
    """The runs of the schedule's instants in [start, end) that have come; dry, the instants that would be run."""
    database, most = runtime.database, whole_number("max_parallel", max_parallel, 1)
    row = database.read(schedules.find, name)
    wanted = _occurrences(row, start, end, whole_ms(runtime.clock.now()))
    if dry_run:
        known = database.read(store.there, name, wanted)
        return [item.at for item in wanted if _is_new(known.get(to_ms(item.at)), rerun_failed)]
    if wanted:
        database.write(store.widen, name, most)
    runs: list[int] = []
    for part in _parts(wanted):
        runs += database.write(
            store.fill, name, part, runtime.now_ms(), most=most, rerun_failed=rerun_failed, host=runtime.host
        )
    return Backfill(runtime, name, runs)


def _is_new(known: Account | None, rerun_failed: bool) -> bool:
    return known is None or (rerun_failed and known.state in store.NOT_DONE)


def accounted(runtime: Calls, name: str, start: Any, end: Any) -> list[OccurrenceRow]:
    """The schedule's instants in [start, end), those to come too, each with what accounts for it."""
    row = runtime.database.read(schedules.find, name)
    since, until = _span(row, start, end)
    wanted = _instants(row, since, until)
    began = runtime.database.read(store.there, name, wanted)
    not_run = runtime.database.read(store.not_run, name, to_ms(since), to_ms(until))
    return occurrences((item.at for item in wanted), began, not_run, runtime.clock.now())


def _parts(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[at : at + store.AT_ONCE] for at in range(0, len(items), store.AT_ONCE))


def _occurrences(row: Mapping[str, Any], start: Any, end: Any, now: datetime) -> list[Occurrence]:
    """The schedule's instants in [start, end) that have come, each with the one before it.

    The schedule's own start, end and limit are about what it fires by itself, so they do not count here.
    """
    _timed(row)
    since, until = _span(row, start, end)
    if since > now:
        raise UsageError(
            f"the start {since.isoformat()} has not come yet, and {row['name']!r} fires by itself from then on: "
            "give a span of the past"
        )
    return _instants(row, since, min(until, now + _TICK))


def _span(row: Mapping[str, Any], start: Any, end: Any) -> tuple[datetime, datetime]:
    since, until = (_instant(name, value, row["tz"]) for name, value in (("start", start), ("end", end)))
    if until < since:
        raise UsageError(f"the end {until.isoformat()} is before the start {since.isoformat()}: swap them")
    return since, until


def _instants(row: Mapping[str, Any], since: datetime, until: datetime) -> list[Occurrence]:
    """The schedule's instants in [since, until), each with the one before it; UsageError when there are too many."""
    trigger = _timed(row).reaching(since)
    found = list(islice(trigger.between(since - _TICK, until - _TICK), MOST + 1))
    if len(found) > MOST:
        raise UsageError(
            f"{row['name']!r} has more than {MOST:,} instants from {since.isoformat()} to {until.isoformat()}: "
            "give a shorter span at a time"
        )
    before = [previous(trigger, found[0]), *found] if found else []
    return [Occurrence(at=at, previous=last) for last, at in pairwise(before)]


def _timed(row: Mapping[str, Any]) -> Trigger:
    trigger = trigger_of(row["trigger"])
    if not trigger.timed:
        raise UsageError(
            f"{row['name']!r} runs {trigger} and has no instants to fill: "
            f"nb.trigger({row['name']!r}) runs it once, nb.publish publishes the event"
        )
    return trigger


def _instant(name: str, value: Any, tz: str | None) -> datetime:
    """An aware datetime, its ISO text, or midnight of a date in the schedule's zone."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value.strip()) == 10 else value
        if isinstance(day, date) and not isinstance(day, datetime):
            return triggers.at(datetime.combine(day, time(), ZoneInfo(tz or default_zone()))).when
        return triggers.at(day).when
    except (TriggerError, ValueError) as error:
        raise UsageError(f"{name}: {error}; a date such as 2026-01-31 will do") from None
