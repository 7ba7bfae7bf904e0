"""Runs and schedules as people hold them: every attribute is asked of the store when it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbsched.core.durations import duration
from nbsched.core.errors import RunFailed
from nbsched.core.model import AttemptRecord, Error, RunRecord, ScheduleRecord
from nbsched.core.rows import RunRow, run_row
from nbsched.core.states import State
from nbsched.core.triggers import trigger_of
from nbsched.core.wire import encode
from nbsched.engine.lookups import Place, params_of
from nbsched.executors.values import load_value, load_values, refer
from nbsched.store import records, results

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls


class Run:
    """One run, live."""

    def __init__(self, runtime: Calls, run_id: int) -> None:
        self._runtime, self.id = runtime, run_id

    @property
    def record(self) -> RunRecord:
        """The run's row as it is now."""
        return self._runtime.database.read(records.run, self.id)

    @property
    def given(self) -> RunRecord:
        """The row with what its work is given as its params, as JSON."""
        place = Place(self._runtime.database, self._runtime.folder)
        params = params_of(self.id, place, lambda stored, folder: refer(stored))
        return replace(self.record, params=encode(params, "params", lambda file, name: file.to_json()))

    @property
    def row(self) -> RunRow:
        """What programs are told of the run, as JSON."""
        result = self._runtime.database.read(results.result, self.id)
        return run_row(replace(self.given, result=result))

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def state(self) -> State:
        return self._runtime.database.read(records.state, self.id)

    @property
    def reason(self) -> str | None:
        return self.record.reason

    @property
    def schedule(self) -> str | None:
        return self.record.schedule

    @property
    def pipeline(self) -> str | None:
        return self.record.pipeline

    @property
    def step(self) -> str | None:
        return self.record.step

    @property
    def index(self) -> int | None:
        return self.record.index

    @property
    def parent(self) -> int | None:
        return self.record.parent

    @property
    def retry_of(self) -> int | None:
        return self.record.retry_of

    @property
    def params(self) -> Mapping[str, Any]:
        """What its work is given; a reference where nothing is known of it yet."""
        return params_of(self.id, Place(self._runtime.database, self._runtime.folder))

    @property
    def result(self) -> Any:
        """What the work returned, as itself: frames and arrays too.

        Of a mapped step the list of its items' results, RunFailed where one has failed; of a pipeline the result
        of its last step, or by name those of several.
        """
        return load_value(self._runtime.database.read(results.result, self.id), self.folder)

    @property
    def values(self) -> Mapping[str, Any]:
        """The named values, emitted or keys of a returned mapping, as themselves."""
        return load_values(self.record.values, self.folder)

    @property
    def error(self) -> Error | None:
        return self.record.error

    @property
    def attempt(self) -> int:
        return self.record.attempt

    @property
    def attempts(self) -> list[AttemptRecord]:
        return self._runtime.database.read(records.attempts, self.id)

    @property
    def priority(self) -> int:
        return self.record.priority

    @property
    def scheduled_at(self) -> datetime:
        return self.record.scheduled_at

    @property
    def until(self) -> datetime | None:
        return self.record.until

    @property
    def count(self) -> int:
        return self.record.count

    @property
    def started_at(self) -> datetime | None:
        return self.record.started_at

    @property
    def ended_at(self) -> datetime | None:
        return self.record.ended_at

    @property
    def key(self) -> str | None:
        return self.record.key

    @property
    def output(self) -> str | None:
        """The output notebook's path."""
        return self.record.output

    @property
    def log(self) -> str:
        """What the run printed, over all its attempts."""
        try:
            return self.log_path.read_text("utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def log_path(self) -> Path:
        """The file of its log, which is there once something was printed."""
        return self.folder / "log.txt"

    @property
    def folder(self) -> Path:
        """Where the run keeps its files; what was taken over lies with the run that made it."""
        return self._runtime.folder / str(self.record.origin)

    @property
    def steps(self) -> dict[Any, Run]:
        """The runs of the steps by name, in the order of their definition; of a mapped step by index."""
        found = self._runtime.database.read(records.steps, self.id)
        return {_key(record): Run(self._runtime, record.id) for record in found}

    def cancel(self) -> None:
        """The run is cancelled, or asked to stop if it runs."""
        self._runtime.cancel(self.id)

    def retry(
        self, from_failed: bool = True, *, from_step: str | Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
    ) -> Run:  # fmt: skip
        """A new run that points to this one, see `nb.retry`."""
        return self._runtime.retry(self.id, from_failed, from_step=from_step, params=params)

    def wait(self, timeout: Any = None, check: bool = False) -> Run:
        """This run once it has ended; TimeoutError after `timeout`; RunFailed with `check` if it did not succeed.

        In a kernel's main thread the cells that wait for the kernel are executed meanwhile.
        """
        seconds = None if timeout is None else duration(timeout, "timeout").total_seconds()
        if not self.state.final:
            self._runtime.refuse_to_block()
            with self._runtime.lending():
                self._wait(self._runtime.when_ended(self.id), seconds)
        return self._checked() if check else self

    def _wait(self, ended: Future[None], seconds: float | None) -> None:
        if self._runtime.in_kernel:
            from nbsched.executors.cell import serve_cells_until

            over = serve_cells_until(ended, seconds)
        else:
            over = bool(wait([ended], seconds).done)
        if not over:
            raise TimeoutError(
                f"run {self.id} of {self.name!r} is still {self.state} after {seconds:g} s; it goes on"
            )
        ended.result()

    def _checked(self) -> Run:
        record = self.record
        if record.state is not State.SUCCEEDED:
            raise RunFailed(self.id, record.name, record.state.value, record.reason, record.error)
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        return self._ended().__await__()

    async def _ended(self) -> Run:
        if not self.state.final:
            ended = self._runtime.when_ended(self.id)
            if self._runtime.in_kernel:
                from nbsched.executors.cell import serve_cells_until_async

                await serve_cells_until_async(ended)
            with self._runtime.lending():
                await asyncio.wrap_future(ended)
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and (self.id, self._runtime) == (other.id, other._runtime)

    def __hash__(self) -> int:
        return hash((self.id, id(self._runtime)))

    def __repr__(self) -> str:
        record = self.record
        because = f" ({record.reason})" if record.reason else ""
        return f"<run {self.id} of {record.name!r}: {record.state}{because}>"


def _key(record: RunRecord) -> str | int:
    return record.step or "" if record.index is None else record.index


class Schedule:
    """One schedule, live."""

    def __init__(self, runtime: Calls, name: str) -> None:
        self._runtime, self.name = runtime, name

    @property
    def record(self) -> ScheduleRecord:
        """The schedule's row as it is now; UnknownName once it is unscheduled."""
        return self._runtime.database.read(records.schedule, self.name)

    @property
    def trigger(self) -> Any:
        return trigger_of(self.record.trigger)

    @property
    def tz(self) -> str | None:
        return self.record.tz

    @property
    def next_at(self) -> datetime | None:
        return self.record.next_at

    @property
    def paused(self) -> str | None:
        """None, or why: `by user`, `kernel gone`."""
        return self.record.paused

    @property
    def overlap(self) -> str:
        return self.record.overlap

    @property
    def missed(self) -> str:
        return self.record.missed

    @property
    def last_run(self) -> Run | None:
        found = self.record.last_run
        return None if found is None else Run(self._runtime, found)

    def pause(self) -> None:
        self._runtime.pause(self.name)

    def resume(self, missed: str = "skip") -> None:
        self._runtime.resume(self.name, missed=missed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (self.name, self._runtime) == (other.name, other._runtime)

    def __hash__(self) -> int:
        return hash((self.name, id(self._runtime)))

    def __repr__(self) -> str:
        record = self.record
        return f"<schedule {self.name!r}: {record.trigger}, {_when(record)}>"


def _when(record: ScheduleRecord) -> str:
    if record.paused:
        return f"paused: {record.paused}"
    if record.next_at is not None:
        return f"next {record.next_at:%Y-%m-%d %H:%M:%S %Z}"
    return "waits for events" if trigger_of(record.trigger).event_patterns else "over"


class Subscription:
    """A handler's place on the bus; a context manager that ends it."""

    def __init__(self, name: str, cancel: Callable[[], None]) -> None:
        self.name, self._cancel = name, cancel

    def cancel(self) -> None:
        """The handler hears nothing more; doing it again changes nothing."""
        self._cancel()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
