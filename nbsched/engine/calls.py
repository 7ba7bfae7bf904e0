"""What people ask of a store: runs, schedules and events, by the same calls wherever they are asked."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nbsched import exporting
from nbsched.core import triggers
from nbsched.core.errors import InvalidState, UnknownName, UsageError
from nbsched.core.instants import floor_ms
from nbsched.core.model import AttemptRecord, Event
from nbsched.core.occurrences import OccurrenceRow
from nbsched.core.policy import normalise, whole_number
from nbsched.core.policy import priority as priority_number
from nbsched.core.states import State
from nbsched.engine import backfilling, exports, firing, publishing
from nbsched.engine.backfilling import Backfill
from nbsched.engine.clock import Clock
from nbsched.engine.defining import Definer
from nbsched.engine.explaining import Answer, explain
from nbsched.engine.live import Run, Schedule, Subscription
from nbsched.engine.lookups import Place
from nbsched.engine.simulating import GoingOn, Simulation, simulate
from nbsched.exporting import Exported
from nbsched.store import (
    events,
    hosts,
    line,
    records,
    retention,
    retrying,
    schedules,
    sensing,
    stopping,
)
from nbsched.store.database import Database
from nbsched.store.hosts import Host, place_of
from nbsched.store.insert import NewRun
from nbsched.store.retrying import Redo


class Calls:
    """The calls; who they are made by says which clock tells the time and which host asks."""

    store_path: Path
    folder: Path
    clock: Clock
    database: Database

    def zone(self, schedule: str | None) -> str:
        """The zone that the schedule thinks in, or the machine's."""
        return Place(self.database, self.folder).zone(schedule)

    @property
    def in_kernel(self) -> bool:
        return False

    @property
    def host(self) -> Host:
        """The host that asks."""
        raise NotImplementedError

    @property
    def _define(self) -> Definer:
        return Definer(self.host, self.database, self.clock)

    def now_ms(self) -> int:
        return floor_ms(self.clock.now())

    def _follow(self, run: int) -> None:
        """The keyed run is carried on here when its host is gone."""

    def watch(self, changed: Callable[[], None]) -> Subscription:
        """`changed` is called, from any thread, whenever something in the store may have; it must not wait."""
        raise NotImplementedError

    def lending(self) -> AbstractContextManager[object]:
        """A block in which the caller does nothing but wait for a run."""
        return nullcontext()

    def refuse_to_block(self) -> None:
        """UsageError where nothing could go on while the caller waits."""

    def when_ended(self, run: int) -> Future[None]:
        """Done once the run has ended."""
        raise NotImplementedError

    # -- runs --------------------------------------------------------------------------------------------------

    def run(
        self, work: Any, params: Mapping[str, Any] | None = None, *, key: str | None = None, **policy: Any
    ) -> Run:
        """The work's run, queued and durable; with a `key` that was used before, that run."""
        new = self._define.run(work, params, key, policy)
        run = self.database.write(retrying.start, new, self.now_ms())
        if new.key is not None:
            self._follow(run)
        return Run(self, run)

    def runs(
        self, state: str | None = None, name: str | None = None, schedule: str | None = None,
        pipeline: str | None = None, parent: int | None = None, limit: int | None = 50,
    ) -> list[Run]:  # fmt: skip
        """The runs that match, newest first; steps only with `parent`."""
        if state is not None and state not in set(State):
            raise UnknownName("state", state, State)
        if limit is not None:
            limit = whole_number("limit", limit)
        found = self.database.read(
            records.runs,
            state=state,
            name=name,
            schedule=schedule,
            pipeline=pipeline,
            parent=parent,
            limit=limit,
        )
        return [Run(self, record.id) for record in found]

    def get_run(self, run: int) -> Run:
        """The run with this id; UnknownName when there is none."""
        return Run(self, self.database.read(records.run, run_id(run)).id)

    def cancel(self, run: int | Run) -> None:
        """The run is cancelled, or asked to stop if it runs; InvalidState when it has ended."""
        self.database.write(stopping.cancel, run_id(run), self.now_ms())

    def retry(
        self, run: int | Run, from_failed: bool = True, *, from_step: str | Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
    ) -> Run:  # fmt: skip
        """A new run that points to this ended one; with `from_failed` its succeeded steps are taken over.

        But not those of `from_step` and behind, nor those that take one of `params`, given over the run's own.
        """
        old = run_id(run)
        given = self._define.redone(*self.database.read(retrying.given_to, old), params or {})
        steps = [from_step] if isinstance(from_step, str) else list(from_step)
        redo = Redo(from_failed=from_failed, from_steps=steps, params=given)
        return Run(self, self.database.write(retrying.retry, old, self.now_ms(), redo, host=self.host))

    def set_priority(self, run: int | Run, priority: int | str) -> int:
        """The run stands last among its new equals; the old priority."""
        return self.database.write(line.set_priority, run_id(run), priority_number("priority", priority))

    def resolve(self, run: int | Run, value: Any) -> None:
        """The approval has its answer, or the one approval that waits in the pipeline's run.

        InvalidState when nothing of the run asks, ParameterError when the value is no answer to what is asked.
        """
        self.database.write(sensing.answer, run_id(run), value, _person(), self.now_ms())

    def why(
        self, work: Any, params: Mapping[str, Any] | None = None, *, step: str | None = None, **policy: Any
    ) -> list[Answer]:
        """For each step, or the one named, whether it would run again now and why; nothing is run.

        A name stands for what ran last under it.
        """
        new = (
            self._again(work, params, policy)
            if isinstance(work, str)
            else self._define.run(work, params, None, policy)
        )
        found = [answer for answer in explain(new, self) if step in (None, answer["step"])]
        if not found:
            raise UnknownName("step", step, [one["name"] for one in new.work.get("steps", ())])
        return found

    def _again(self, name: str, params: Mapping[str, Any] | None, policy: Mapping[str, Any]) -> NewRun:
        new = self.database.read(retrying.defined, name)
        if new is None:
            raise UnknownName("run", name, remedy="run it once, or give the work itself")
        given = {**new.params, **self._define.redone(new.work, new.params, params or {})}
        now_ms = self.now_ms()
        return replace(
            new,
            params=given,
            policy={**new.policy, **normalise(policy)},
            scheduled_ms=now_ms,
            previous_ms=now_ms,
        )

    def attempts(self, run: int) -> list[AttemptRecord]:
        return self.database.read(records.attempts, run_id(run))

    # -- schedules ---------------------------------------------------------------------------------------------

    def schedule(
        self, work: Any, trigger: Any, *, name: str | None = None, overlap: str = "skip", missed: str = "latest",
        catchup: Any = "1d", jitter: Any = None, start: Any = None, end: Any = None, limit: int | None = None,
        params: Mapping[str, Any] | None = None, **policy: Any,
    ) -> Schedule:  # fmt: skip
        """The schedule of this name is as asked; the same definition keeps its next time."""
        new = self._define.schedule(
            work, trigger, name=name, overlap=overlap, missed=missed, catchup=catchup, jitter=jitter, start=start,
            end=end, limit=limit, params=params, policy=policy,
        )  # fmt: skip
        self.database.write(schedules.define, new, self.now_ms())
        return Schedule(self, new.name)

    def schedules(self, limit: int | None = None) -> list[Schedule]:
        """The schedules, the next to fire first: all, or at most so many."""
        if limit is not None:
            limit = whole_number("limit", limit)
        return [Schedule(self, name) for name in self.database.read(records.schedule_names, limit)]

    def get_schedule(self, name: str) -> Schedule:
        """The schedule; UnknownName names the nearest when there is none."""
        return Schedule(self, self.database.read(records.schedule, name).name)

    def pause(self, name: str) -> None:
        """Nothing of the schedule fires, and nothing is recorded, until it is resumed."""
        self.database.write(schedules.pause, _name(name), self.now_ms())

    def resume(self, name: str, missed: str = "skip") -> None:
        """The schedule fires again; the instants gone by are accounted for as `missed` says: skip, latest or all."""
        if missed not in ("skip", "latest", "all"):
            raise UnknownName("way to resume", missed, ("skip", "latest", "all"))
        row = self.database.read(schedules.find, _name(name))
        if row["paused"] is None:
            return
        now_ms = self.now_ms()
        last = self.database.read(events.last_seq)
        heard = self.database.read(events.since, row["after_seq"], last) if row["patterns"] != "[]" else []
        told = firing.resuming(row, firing.whole_ms(self.clock.now()), missed, heard, last)
        self.database.write(schedules.account, told, now_ms)

    def trigger(self, name: str) -> Run:
        """A run of the schedule's work now, beside its instants."""
        found = self.database.write(schedules.trigger, _name(name), self.now_ms(), place_of(self.host))
        return Run(self, found)

    def backfill(
        self, name: str, start: Any, end: Any, *, max_parallel: int = 1, dry_run: bool = False,
        rerun_failed: bool = False,
    ) -> Backfill | list[datetime]:  # fmt: skip
        """One run for each instant of the schedule in [start, end) that has come, `max_parallel` of them at once.

        What has been run, by the schedule or a backfill, is not run again; asked for again, the same runs come back.
        With `rerun_failed` those that failed or were cancelled are retried; `dry_run` gives the instants instead.
        """
        return backfilling.begin(
            self,
            _name(name),
            start,
            end,
            max_parallel=max_parallel,
            dry_run=dry_run,
            rerun_failed=rerun_failed,
        )

    def occurrences(self, name: str, start: Any, end: Any) -> list[OccurrenceRow]:
        """The schedule's instants in [start, end), each with the run, or the row, that accounts for it."""
        return backfilling.accounted(self, _name(name), start, end)

    def reschedule(self, name: str, trigger: Any) -> Schedule:
        """The schedule starts anew under this trigger."""
        change = self._define.trigger(self.database.read(schedules.find, _name(name)), trigger)
        self.database.write(schedules.retime, _name(name), change, self.now_ms())
        return Schedule(self, _name(name))

    def unschedule(self, name: str, cancel_running: bool = False) -> None:
        """The schedule is gone; its history stays."""
        self.database.write(schedules.remove, _name(name), self.now_ms(), cancel_running=cancel_running)

    def export(
        self,
        work: Any,
        to: str,
        *,
        schedule: Any = None,
        params: Mapping[str, Any] | None = None,
        path: Any = None,
    ) -> Exported:
        """The pipeline, or what has that name, as a text for airflow, cron, github or python.

        `schedule` is a trigger in the place of its own, `params` are defaults before its own, `path` is the file that
        defines it, which cron and github run. Its `notes` say what the target cannot express.
        """
        found = exports.subject_of(
            self.database, self._define, work, schedule=schedule, params=params, path=path
        )
        return exporting.export(found, to)

    # -- events ------------------------------------------------------------------------------------------------

    def publish(self, name: str, data: Mapping[str, Any] | None = None, *, key: str | None = None) -> None:
        """The event is in the log and on its way to every handler; with a key, only the sensors of that run see it."""
        text = publishing.checked(name, data)
        signal = normalise({"key": key})["key"]
        self.database.write(events.record, name, self.now_ms(), text, signal)

    def events(
        self, after: int = 0, name: str | None = None, run: int | None = None, limit: int | None = 1000
    ) -> list[Event]:
        """The logged events, oldest first: those of one run, or the newest `limit` behind the place `after`."""
        if run is not None:
            found: Iterable[Event] = self.database.read(events.of_run, run_id(run))
        elif after:
            found = self.database.read(events.since, after, -1 if limit is None else limit)
        else:
            found = self.database.read(events.latest, -1 if limit is None else limit)
        return [event for event in found if name is None or triggers.name_matches(name, event.name)]

    def dead_letters(self) -> list[dict[str, Any]]:
        """The events that a durable handler failed on five times."""
        return self.database.read(events.dead_letters)

    # -- the rest ----------------------------------------------------------------------------------------------

    def hosts(self) -> Sequence[hosts.Host]:
        """The hosts that live."""
        return self.database.read(hosts.living, self.now_ms())

    def simulate(self, start: datetime, end: datetime) -> Simulation:
        """What the schedules would do from `start` to `end`, with the durations of their last runs; nothing runs."""
        first, last = firing.aware(start), firing.aware(end)
        if last < first:
            raise UsageError(f"the end {last.isoformat()} is before the start {first.isoformat()}: swap them")
        found = self.database.read(schedules.all_rows)
        going_on = [GoingOn(*one) for one in self.database.read(records.going_on)]
        return simulate(found, self.database.read(records.typical_durations), first, last, going_on)

    def prune(self, dry_run: bool = False) -> dict[str, int]:
        """What is older than its `keep`, and events older than a month, are gone; how many of each."""
        gone = self.database.write(retention.prune, self.now_ms(), dry_run=dry_run)
        if not dry_run:
            retention.remove_folders(self.folder, [*gone.runs, *gone.steps])
        return {"runs": len(gone.runs), "events": gone.events}


def run_id(run: Any) -> int:
    found = run.id if isinstance(run, Run) else run
    if isinstance(found, bool) or not isinstance(found, int):
        raise InvalidState(f"{run!r} is no run: give a run or its number")
    return found


def _person() -> str | None:
    """Who asks, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _name(schedule: Any) -> str:
    return schedule.name if isinstance(schedule, Schedule) else schedule
