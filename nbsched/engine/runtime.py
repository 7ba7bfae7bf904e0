"""One runtime per process and store: a thread with the scheduler's loop, and the calls that people make."""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import anyio

from nbsched.core import triggers
from nbsched.core.durations import duration
from nbsched.core.errors import InvalidState, StoreError, UnknownName, UsageError
from nbsched.core.instants import floor_ms
from nbsched.core.model import AttemptRecord, Cell, Event, Function, Notebook, Work
from nbsched.core.policy import priority as priority_number
from nbsched.core.wire import encode
from nbsched.engine import firing, publishing
from nbsched.engine.bus import Handler
from nbsched.engine.bus import Subscription as Subscribed
from nbsched.engine.carrying import Surroundings
from nbsched.engine.clock import Clock, SystemClock
from nbsched.engine.defining import Definer
from nbsched.engine.live import Run, Schedule, Subscription
from nbsched.engine.nudges import Nudges
from nbsched.engine.paths import default_store
from nbsched.engine.scheduler import Scheduler
from nbsched.executors.contract import Executor
from nbsched.store import events, hosts, records, retrying, runs, schedules
from nbsched.store.database import Database

MOST_WAIT_AT_EXIT_S = 1.0


class Runtime:
    """A host of the store at `store` while it is open; the default runtime inside its `with` block.

    `slots` (default: the number of cores) is how many runs it carries out at once, `resources` the named
    slots it offers, `lease` how long after its death another host takes over, at most.
    """

    def __init__(
        self, store: str | os.PathLike[str] | None = None, *, clock: Clock | None = None, slots: int | None = None,
        resources: Mapping[str, float] | None = None, lease: Any = "10s", kind: str = "script",
        notebook: str | None = None,
    ) -> None:  # fmt: skip
        self.store_path = Path(store).expanduser().absolute() if store is not None else default_store()
        self.folder = self.store_path.with_name(self.store_path.name + ".runs")
        self.clock: Clock = clock or SystemClock()
        self.kind, self.notebook = kind, notebook
        self._slots = _slots(slots)
        self._resources = dict(resources or {})
        self._lease = _lease(lease)
        self._thread: threading.Thread | None = None
        self._waiting: dict[int, list[Future[None]]] = defaultdict(list)
        self._watchers: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._hurry = False

    # -- life --------------------------------------------------------------------------------------------------

    @property
    def in_kernel(self) -> bool:
        return self.kind == "kernel"

    @property
    def open(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and self._pid == os.getpid()

    def start(self) -> Self:
        """The runtime works; StoreError when its file cannot be used."""
        if self.open:
            return self
        self._nudges = Nudges()
        self.database = Database(self.store_path, self._committed)
        self._started: Future[None] = Future()
        # A fresh context: the loop must not keep the parent header of the cell that starts it.
        self._thread = threading.Thread(
            target=contextvars.Context().run, args=(self._main,), name="nbsched-loop", daemon=True
        )
        self._thread.start()
        self._started.result()
        self._define = Definer(self.scheduler, self.database, self.clock, self._resources)
        atexit.register(self.close, hurry=True)
        return self

    def close(self, *, hurry: bool = False) -> None:
        """Running work was asked to stop and has, or was killed; others carry on what is left."""
        if self._thread is None:
            return
        if self.open:
            self._hurry = hurry
            self._call_soon(self._stop.set)
            self._thread.join()
        self._thread = None
        atexit.unregister(self.close)
        self.database.close()
        self._nudges.close()

    def __enter__(self) -> Self:
        self.start()
        _inside.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _inside.remove(self)
        self.close()

    def _main(self) -> None:
        try:
            anyio.run(self._serve)
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            else:
                raise

    async def _serve(self) -> None:
        self._stop = anyio.Event()
        self.scheduler = Scheduler(
            self._around(), kind=self.kind, notebook=self.notebook, slots=self._slots, resources=self._resources,
            lease=self._lease, nudges=self._nudges, ended=self._wake_waiting, in_a_hurry=lambda: self._hurry,
        )  # fmt: skip
        await self.scheduler.run(lambda: self._started.set_result(None), self._stop)

    def _around(self) -> Surroundings:
        executors: dict[str, Executor] = {}

        def executor_of(work: Work) -> Executor:
            kind = _executor_kind(work)
            if kind not in executors:
                executors[kind] = _new_executor(kind)
            return executors[kind]

        return Surroundings(
            database=self.database, clock=self.clock, folder=self.folder, tell=self._tell, zone=self._zone,
            executor_of=executor_of, environment={"NBSCHED_STORE": str(self.store_path)},
        )  # fmt: skip

    def _committed(self) -> None:
        if self._started.done():
            self.scheduler.nudge()
        self._nudges.send()

    def _call_soon(self, call: Callable[[], None]) -> None:
        self.scheduler.call_soon(call)

    def _zone(self, schedule: str | None) -> str:
        found = self.database.read(_zone_of, schedule) if schedule else None
        return found or triggers.default_zone()

    # -- waiting and watching ----------------------------------------------------------------------------------

    def when_ended(self, run: int) -> Future[None]:
        """Done once the run has ended."""
        future: Future[None] = Future()
        with self._lock:
            self._waiting[run].append(future)
        if self.database.read(records.state, run).final:
            self._wake_waiting()
        return future

    def _wake_waiting(self) -> None:
        with self._lock:
            ended = self.database.read(records.ended_among, list(self._waiting)) if self._waiting else ()
            futures = [future for run in ended for future in self._waiting.pop(run)]
        for future in futures:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
        for watcher in tuple(self._watchers):
            watcher()

    def watch(self, changed: Callable[[], None]) -> Subscription:
        """`changed` is called, on the loop, whenever something in the store may have; it must not wait."""
        self._watchers.append(changed)

        def cancel() -> None:
            if changed in self._watchers:
                self._watchers.remove(changed)

        return Subscription("watch", cancel)

    # -- runs --------------------------------------------------------------------------------------------------

    def run(
        self, work: Any, params: Mapping[str, Any] | None = None, *, key: str | None = None, **policy: Any
    ) -> Run:
        """The work's run, queued and durable; with a `key` that was used before, that run."""
        new = self._define.run(work, params, key, policy)
        run = self.database.write(retrying.start, new, self._now_ms())
        if new.key is not None:
            self.scheduler.followed.add(run)
            self.database.write(retrying.adopt, run, self.scheduler.host.id, self._now_ms())
        return Run(self, run)

    def runs(
        self, state: str | None = None, name: str | None = None, schedule: str | None = None,
        pipeline: str | None = None, parent: int | None = None, limit: int | None = 50,
    ) -> list[Run]:  # fmt: skip
        """The runs that match, newest first; steps only with `parent`."""
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
        self.database.write(runs.cancel, run_id(run), self._now_ms())

    def retry(self, run: int | Run, from_failed: bool = True) -> Run:
        """A new run that points to this ended one; with `from_failed` its succeeded steps are taken over."""
        new = self.database.write(
            retrying.retry, run_id(run), self._now_ms(), from_failed=from_failed, host=self.scheduler.host.id
        )
        return Run(self, new)

    def set_priority(self, run: int | Run, priority: int | str) -> int:
        """The run stands last among its new equals; the old priority."""
        return self.database.write(runs.set_priority, run_id(run), priority_number("priority", priority))

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
        self.database.write(schedules.define, new, self._now_ms())
        return Schedule(self, new.name)

    def schedules(self) -> list[Schedule]:
        """Every schedule, the next to fire first."""
        return [Schedule(self, record.name) for record in self.database.read(records.schedules)]

    def get_schedule(self, name: str) -> Schedule:
        """The schedule; UnknownName names the nearest when there is none."""
        return Schedule(self, self.database.read(records.schedule, name).name)

    def pause(self, name: str) -> None:
        """Nothing of the schedule fires, and nothing is recorded, until it is resumed."""
        self.database.write(schedules.pause, _name(name), self._now_ms())

    def resume(self, name: str, missed: str = "skip") -> None:
        """The schedule fires again; the instants gone by are accounted for as `missed` says: skip, latest or all."""
        if missed not in ("skip", "latest", "all"):
            raise UnknownName("way to resume", missed, ("skip", "latest", "all"))
        row = self.database.read(schedules.find, _name(name))
        if row["paused"] is None:
            return
        now_ms = self._now_ms()
        last = self.database.read(events.last_seq)
        heard = self.database.read(events.since, row["after_seq"], last) if row["patterns"] != "[]" else []
        told = firing.resuming(row, firing.whole_ms(self.clock.now()), missed, heard, last)
        self.database.write(schedules.account, told, now_ms)

    def trigger(self, name: str) -> Run:
        """A run of the schedule's work now, beside its instants."""
        place = f"host:{self.scheduler.host.id}"
        return Run(self, self.database.write(schedules.trigger, _name(name), self._now_ms(), place))

    def reschedule(self, name: str, trigger: Any) -> Schedule:
        """The schedule starts anew under this trigger."""
        change = self._define.trigger(self.database.read(schedules.find, _name(name)), trigger)
        self.database.write(schedules.retime, _name(name), change, self._now_ms())
        return Schedule(self, _name(name))

    def unschedule(self, name: str, cancel_running: bool = False) -> None:
        """The schedule is gone; its history stays."""
        self.database.write(schedules.remove, _name(name), self._now_ms(), cancel_running=cancel_running)

    def paused_of_notebook(self, notebook: str) -> list[str]:
        """The names of the notebook's schedules that wait for a kernel of it."""
        return self.database.read(schedules.waiting_for_kernel, notebook)

    # -- events ------------------------------------------------------------------------------------------------

    def publish(self, name: str, data: Mapping[str, Any] | None = None) -> None:
        """The event is in the log and on its way to every handler."""
        publishing.check(name)
        text = publishing.text(encode(dict(data or {}), f"the data of {name!r}"))
        self.database.write(events.record, name, self._now_ms(), text)

    def subscribe(
        self, pattern: str, handler: Handler, *, name: str | None = None, durable: bool = False
    ) -> Subscription:
        """`handler` is called with each event that matches, from now on; one of the same name is replaced."""
        subscribed = publishing.subscription(pattern, handler, name, durable)
        if durable:
            self.database.write(events.subscribe, subscribed.name, pattern, self.scheduler.host.id)
        self._on_loop(lambda: self.scheduler.bus.add(subscribed))
        return Subscription(subscribed.name, lambda: self._unsubscribe(subscribed))

    def _unsubscribe(self, subscribed: Subscribed) -> None:
        if subscribed.active and self.open:
            self._on_loop(lambda: self.scheduler.bus.remove(subscribed.name))
            if subscribed.durable:
                self.database.write(events.unsubscribe, subscribed.name)

    def _on_loop(self, call: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:
            return call()
        done: Future[None] = Future()

        def carry_out() -> None:
            try:
                call()
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)

        self._call_soon(carry_out)
        done.result()

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

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        if len(self.scheduler.bus):
            event = Event(id="", name=name, at=self.clock.now(), seq=0, data=data)
            self._call_soon(lambda: self.scheduler.bus.offer(event))

    # -- the rest ----------------------------------------------------------------------------------------------

    def hosts(self) -> Sequence[hosts.Host]:
        """The hosts that live."""
        return self.database.read(hosts.living, self._now_ms())

    def _now_ms(self) -> int:
        if not self.open:
            raise StoreError("this runtime is closed: open a new one, or use it inside its `with` block")
        return floor_ms(self.clock.now())

    def __repr__(self) -> str:
        return f"<nbsched runtime on {self.store_path}, {'open' if self.open else 'closed'}>"


_inside: list[Runtime] = []


def innermost() -> Runtime | None:
    """The runtime of the `with` block that is being executed."""
    return next((runtime for runtime in reversed(_inside) if runtime.open), None)


def run_id(run: Any) -> int:
    found = run.id if isinstance(run, Run) else run
    if isinstance(found, bool) or not isinstance(found, int):
        raise InvalidState(f"{run!r} is no run: give a run or its number")
    return found


def _name(schedule: Any) -> str:
    return schedule.name if isinstance(schedule, Schedule) else schedule


def _slots(slots: int | None) -> int:
    if slots is None:
        return os.cpu_count() or 1
    if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
        raise UsageError(f"slots {slots!r} is not a whole number of 1 or more")
    return slots


def _lease(lease: Any) -> timedelta:
    found = duration(lease, "lease")
    if found < timedelta(milliseconds=100):
        raise UsageError(f"a lease of {found} is too short to be renewed in time: give 100ms or more")
    return found


def _zone_of(db: Any, schedule: str) -> str | None:
    row = db.execute("SELECT tz FROM schedules WHERE name = ?", (schedule,)).fetchone()
    return row[0] if row else None


def _executor_kind(work: Work) -> str:
    if isinstance(work, Notebook) or (isinstance(work, Cell) and work.where == "process"):
        return "notebook"
    if isinstance(work, Cell):
        return "cell"
    return "function" if isinstance(work, Function) else "shell"


def _new_executor(kind: str) -> Executor:
    if kind == "notebook":
        from nbsched.executors.notebook import NotebookExecutor

        return NotebookExecutor()
    if kind == "cell":
        from nbsched.executors.cell import CellExecutor

        return CellExecutor()
    if kind == "function":
        from nbsched.executors.function import FunctionExecutor

        return FunctionExecutor()
    from nbsched.executors.shell import ShellExecutor

    return ShellExecutor()
