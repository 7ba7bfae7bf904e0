"""What schedules would do in a span of time: the store's own verbs on a clock that jumps; nothing runs.

The schedules are copied into a store in memory. There they fire, are claimed and settled as by a host with room for
everything, whose runs all succeed and take as long as they usually do.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypedDict

from nbsched.core import plan
from nbsched.core.clock_changes import clock_change
from nbsched.core.instants import from_ms, instant_text, to_ms
from nbsched.core.ledger import next_after
from nbsched.core.model import Event, RunRecord
from nbsched.core.rows import took_text
from nbsched.core.states import ACTIVE, ENDINGS, State, Verb
from nbsched.core.tables import Table
from nbsched.core.triggers import trigger_of
from nbsched.engine import firing
from nbsched.store import alarms, attempts, claiming, events, hosts, records, runs, schedules
from nbsched.store.database import in_memory
from nbsched.store.hosts import Host
from nbsched.store.insert import NewRun, insert
from nbsched.store.outlook import Outlook, outlook

MOST_ROWS = 10_000
_TICK = timedelta(milliseconds=1)


class Expected(TypedDict):
    """One row: what an instant would start, or why it would not."""

    at: datetime
    schedule: str
    verdict: str
    note: str


class Simulation(list[Expected]):
    """The rows in order, shown as a table."""

    @property
    def table(self) -> Table:
        cells = [(instant_text(row["at"]), row["schedule"], row["verdict"], row["note"]) for row in self]
        return Table(("at", "schedule", "verdict", "note"), cells, "nothing would run")

    def __repr__(self) -> str:
        more = f"\nand more: only {MOST_ROWS:,} are foreseen" if len(self) >= MOST_ROWS else ""
        return f"{self.table}{more}"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A run of the schedule that began before."""

    schedule: str
    started_ms: int


def simulate(
    rows: Sequence[Mapping[str, Any]],
    durations_ms: Mapping[str, int],
    start: datetime,
    end: datetime,
    going_on: Sequence[GoingOn] = (),
) -> Simulation:
    """What the schedules would do in [start, end), in order, at most MOST_ROWS."""
    living = [row for row in rows if not row["paused"]]
    with closing(_Rehearsal(living, durations_ms, start)) as rehearsal:
        for one in going_on:
            rehearsal.goes_on(one)
        found = rehearsal.until(end)
    found += filter(None, [_paused(row, start, end) for row in rows])
    heard = {row["schedule"] for row in found}
    found += [_waiting(row, start) for row in living if row["patterns"] != "[]" and row["name"] not in heard]
    return Simulation(sorted(found, key=lambda row: (row["at"], row["schedule"]))[:MOST_ROWS])


def _paused(row: Mapping[str, Any], start: datetime, end: datetime) -> Expected | None:
    """The paused schedule's instants as one row, as its ledger will have them."""
    if not row["paused"]:
        return None
    found = list(islice(_instants(row, start, end), MOST_ROWS))
    if not found and row["patterns"] == "[]":
        return None
    last = f"{len(found)} instants until {instant_text(found[-1])}" if len(found) > 1 else ""
    return Expected(
        at=found[0] if found else start, schedule=row["name"], verdict=f"paused: {row['paused']}", note=last
    )


def _instants(row: Mapping[str, Any], start: datetime, end: datetime) -> Iterator[datetime]:
    trigger, bounds = trigger_of(row["trigger"]), (from_ms(row["start_ms"]), from_ms(row["end_ms"]))
    at = next_after(trigger, start - _TICK, *bounds)
    while at is not None and at < end:
        yield at
        at = next_after(trigger, at, *bounds)


def _waiting(row: Mapping[str, Any], start: datetime) -> Expected:
    note = f"{trigger_of(row['trigger'])}: when that will be is not known"
    return Expected(at=start, schedule=row["name"], verdict="waits", note=note)


@dataclass(slots=True)
class _Told:
    """What became of one instant; `run` is None when it started nothing."""

    row: Mapping[str, Any]
    item: plan.Occurrence
    run: int | None
    verdict: str
    note: str = ""


_HOST = Host(
    id="simulated", kind="daemon", pid=0, birth="", port=None, slots=0, resources={}, notebook=None, started_ms=0,
    seen_ms=0, until_ms=1 << 62,
)  # fmt: skip
_ROOM = claiming.Capacity(places=(), any_place=True, slots=float("inf"), cells=0)


class _Rehearsal:
    """A host of a store of its own, whose clock jumps from one thing to do to the next."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], durations_ms: Mapping[str, int], start: datetime
    ) -> None:
        self._db = in_memory()
        self._db.execute("BEGIN")  # one transaction for all, which is never committed
        self._durations, self._start = durations_ms, firing.whole_ms(start)
        self._ends: list[tuple[int, int]] = []
        """When running runs end, and which."""
        self._fences: dict[int, int] = {}
        self._left: dict[int, int] = {}
        """How long those still take that had begun before."""
        self._heard: dict[str, int] = {}
        self._told: list[_Told] = []
        hosts.register(self._db, _HOST)
        for row in rows:
            schedules.enter(self._db, row["name"], _copied(row, self._start), to_ms(self._start))

    def close(self) -> None:
        self._db.close()

    def goes_on(self, run: GoingOn) -> None:
        """The run is there, and ends after its usual time, if that is still to come."""
        start_ms = to_ms(self._start)
        left = run.started_ms + self._durations.get(run.schedule, 0) - start_ms
        if run.started_ms <= start_ms and left > 0:
            new = NewRun(
                work=_work(run.schedule, {}), scheduled_ms=run.started_ms, previous_ms=run.started_ms,
                schedule=run.schedule,
            )  # fmt: skip
            self._left[insert(self._db, new, start_ms)] = left

    def until(self, end: datetime) -> list[Expected]:
        """What the instants before `end` come to."""
        now_ms: int | None = to_ms(self._start)
        while now_ms is not None and now_ms < to_ms(end) and len(self._told) < MOST_ROWS:
            now_ms = self._step(now_ms)
        return [self._expected(told) for told in self._told]

    def _step(self, now_ms: int) -> int | None:
        """What is to be done at the instant is done; when there is more to do: now, if that has given more."""
        self._settle(self._over(now_ms), Verb.SUCCEED, now_ms)
        ahead = self._ahead(now_ms)
        if ahead.alarm_ms is not None and ahead.alarm_ms <= now_ms:
            alarms.ring(self._db, [], now_ms)
        if (ahead.is_due(now_ms) or ahead.listening) and self._fire(now_ms, ahead):
            ahead = self._ahead(now_ms)
        if ahead.cancelled:
            self._settle(attempts.cancelled_of(self._db, _HOST.id), Verb.CANCEL, now_ms)
            return now_ms
        if ahead.queued and self._claim(now_ms):
            return now_ms
        coming = [at for at in (ahead.next_ms, self._ends[0][0] if self._ends else None) if at is not None]
        return max(min(coming), now_ms) if coming else None

    def _ahead(self, now_ms: int) -> Outlook:
        return outlook(self._db, now_ms, _HOST.id, (), True, ("slot",))

    def _over(self, now_ms: int) -> Iterator[int]:
        while self._ends and self._ends[0][0] <= now_ms:
            yield heapq.heappop(self._ends)[1]

    def _settle(self, ended: Iterable[int], verb: Verb, now_ms: int) -> None:
        told = [
            runs.Settlement(
                run=run, fence=self._fences[run], verdict=plan.Verdict(verb), outcome=ENDINGS[verb], ended_ms=now_ms
            )
            for run in ended
        ]  # fmt: skip
        if told:
            runs.settle(self._db, _HOST.id, told, now_ms)

    def _fire(self, now_ms: int, ahead: Outlook) -> bool:
        """What is due is accounted for; whether anything was."""
        last, here = events.last_seq(self._db), ((), True)
        due = schedules.due(self._db, now_ms, *here) if ahead.is_due(now_ms) else []
        found = (*due, *(schedules.listening(self._db, *here) if ahead.listening else ()))
        rows = {row["name"]: row for row in found}
        return True in [self._account(row, now_ms, last) for row in rows.values()]

    def _account(self, row: Mapping[str, Any], now_ms: int, last: int) -> bool:
        """What of the schedule is due is accounted for; whether anything was."""
        name = row["name"]
        heard = self._hear(row, last) if row["patterns"] != "[]" else []
        if not heard and (row["next_ms"] is None or row["next_ms"] > now_ms):
            return False
        told = firing.accounting(row, from_ms(now_ms), self._start, heard, last)
        before = schedules.active(self._db, name)
        started = schedules.account(self._db, told, now_ms)
        self._tell(row, told, started, bool(before))
        return True

    def _hear(self, row: Mapping[str, Any], last: int) -> list[Event]:
        trigger, seen = (
            trigger_of(row["trigger"]),
            max(row["after_seq"], self._heard.get(row["name"], 0)),
        )
        self._heard[row["name"]] = last
        found = events.since(self._db, seen, -1) if seen < last else []
        return [event for event in found if trigger.matches(event.name, event.data)]

    def _tell(
        self, row: Mapping[str, Any], told: schedules.Accounting, started: Sequence[int], others: bool
    ) -> None:
        """The instants and what became of them; behind the last that a limit allows there are none."""
        over, left = self._is_over(row, started), list(started)
        for item in told.decisions:
            assert isinstance(
                item, plan.Occurrence
            )  # the host has been there from the start: nothing was missed
            if over and not left:
                break
            run = left.pop(0) if left and records.run(self._db, left[0]).scheduled_at == item.at else None
            self._told.append(_Told(row, item, run, self._verdict(row["overlap"], run, others)))
        if started and (over or told.next_ms is None):
            self._told[-1].note = _last(row, over)

    def _is_over(self, row: Mapping[str, Any], started: Sequence[int]) -> bool:
        return row["max_fires"] is not None and row["fired"] + len(started) >= row["max_fires"]

    def _verdict(self, overlap: str, run: int | None, others: bool) -> str:
        if run is None:
            return "skip: overlap"
        if others and overlap in ("cancel_other", "kill_other"):
            return "run, ending the one before"
        return "run, after the one before" if records.state(self._db, run) is State.PENDING else "run"

    def _claim(self, now_ms: int) -> bool:
        claimed = claiming.claim(self._db, _HOST.id, "", now_ms, _ROOM) or []
        for row in claimed:
            self._fences[row["id"]] = row["fence"]
            takes = self._left.get(row["id"], self._durations.get(row["schedule"], 0))
            heapq.heappush(self._ends, (now_ms + takes, row["id"]))
        return bool(claimed)

    def _expected(self, told: _Told) -> Expected:
        at, name, verdict = told.item.at, told.row["name"], told.verdict
        trigger = trigger_of(told.row["trigger"])
        notes = [str(trigger) if told.item.seq else clock_change(trigger, at)]
        if told.run is not None:
            found = records.run(self._db, told.run)
            if found.state is State.SKIPPED:
                verdict = f"skip: {found.reason}"
            notes += [_beginning(at, found), self._ending(name, found), told.note]
        return Expected(at=at, schedule=name, verdict=verdict, note="; ".join(filter(None, notes)))

    def _ending(self, schedule: str, run: RunRecord) -> str:
        if run.state is State.CANCELLED:
            return "ended by the next one"
        if schedule not in self._durations:
            return "its duration is not known"
        return f"takes about {took_text(self._durations[schedule])}"


def _beginning(at: datetime, run: RunRecord) -> str:
    if run.started_at is None:
        return "has not begun by then" if run.state in ACTIVE else ""
    late = run.started_at > at
    return f"begins {instant_text(run.started_at.astimezone(at.tzinfo))}" if late else ""


def _last(row: Mapping[str, Any], limited: bool) -> str:
    if limited:
        return f"the last: its limit of {row['max_fires']} is reached"
    return "the last before its end" if row["end_ms"] is not None else ""


_OF_REAL_HOSTS = frozenset({"resources", "executor"})


def _copied(row: Mapping[str, Any], start: datetime) -> dict[str, Any]:
    """The schedule's row as it would be at `start`, its work without what only real hosts can give."""
    work = json.loads(row["work"])
    policy = {name: value for name, value in work.get("policy", {}).items() if name not in _OF_REAL_HOSTS}
    after, bounds = start - _TICK, (from_ms(row["start_ms"]), from_ms(row["end_ms"]))
    over = row["max_fires"] is not None and row["fired"] >= row["max_fires"]
    following = None if over else next_after(trigger_of(row["trigger"]), after, *bounds)
    changed = {"work": json.dumps(_work(work["name"], policy)), "params": "{}", "place": None, "after_ms": to_ms(after),
               "next_ms": to_ms(following)}  # fmt: skip
    kept = {name: value for name, value in row.items() if name not in ("name", "after_seq", "created_ms")}
    return {**kept, **changed}


def _work(name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "kind": "function", "ref": "", "policy": policy}
