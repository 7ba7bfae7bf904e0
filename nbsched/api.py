"""What `import nbsched as nb` offers: the calls of the default runtime, and what work is made of."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nbsched.core import ports, triggers
from nbsched.core.triggers import Trigger
from nbsched.engine import default
from nbsched.engine.backfilling import Backfill
from nbsched.engine.clock import SystemClock
from nbsched.engine.explaining import Answer
from nbsched.engine.live import Run, Schedule, Subscription
from nbsched.engine.simulating import Simulation
from nbsched.engine.surroundings import Files
from nbsched.engine.zone import machine_zone
from nbsched.executors.lookup import is_only_read, named, reference_of
from nbsched.exporting import Exported

ports.use(Files())
triggers.set_default_zone(machine_zone)
ports.set_function_reference(reference_of)
ports.set_named_function(named)
ports.set_scheduler(lambda work, trigger: None if is_only_read() else schedule(work, trigger))
ports.set_form(lambda work: importlib.import_module("nbsched").form(work))
ports.set_runner(lambda work, params, policy: run(work, params, **policy))


def run(work: Any, params: Mapping[str, Any] | None = None, *, key: str | None = None, **policy: Any) -> Run:
    """The work's run, queued and durable; with a `key` that was used before, that run."""
    return default.runtime().run(work, params, key=key, **policy)


def schedule(work: Any, trigger: Any, **options: Any) -> Schedule:
    """The schedule of the work is as asked; see `Runtime.schedule` for the options."""
    return default.runtime().schedule(work, trigger, **options)


def schedules(limit: int | None = None) -> list[Schedule]:
    """The schedules, the next to fire first: all, or at most so many."""
    return default.runtime().schedules(limit)


def pause(name: str) -> None:
    """Nothing of the schedule fires, and nothing is recorded, until it is resumed."""
    default.runtime().pause(name)


def resume(name: str, missed: str = "skip") -> None:
    """The schedule fires again; the instants gone by are accounted for as `missed` says: skip, latest or all."""
    default.runtime().resume(name, missed=missed)


def trigger(name: str) -> Run:
    """A run of the schedule's work now, beside its instants."""
    return default.runtime().trigger(name)


def backfill(
    name: str,
    start: Any,
    end: Any,
    *,
    max_parallel: int = 1,
    dry_run: bool = False,
    rerun_failed: bool = False,
) -> Backfill | list[datetime]:
    """One run for each past instant of the schedule in [start, end), each once; see `Runtime.backfill`."""
    return default.runtime().backfill(
        name, start, end, max_parallel=max_parallel, dry_run=dry_run, rerun_failed=rerun_failed
    )


def reschedule(name: str, trigger: Any) -> Schedule:
    """The schedule starts anew under this trigger."""
    return default.runtime().reschedule(name, trigger)


def unschedule(name: str, cancel_running: bool = False) -> None:
    """The schedule is gone; its history stays."""
    default.runtime().unschedule(name, cancel_running=cancel_running)


def export(
    work: Any, to: str, *, schedule: Any = None, params: Mapping[str, Any] | None = None, path: Any = None
) -> Exported:
    """The pipeline, or what has that name, as a text for airflow, cron, github or python; see `Runtime.export`."""
    return default.runtime().export(work, to, schedule=schedule, params=params, path=path)


def runs(
    state: str | None = None, name: str | None = None, schedule: str | None = None, pipeline: str | None = None,
    parent: int | None = None, limit: int | None = 50,
) -> list[Run]:  # fmt: skip
    """The runs that match, newest first; steps only with `parent`."""
    return default.runtime().runs(state, name, schedule, pipeline, parent, limit)


def get_run(id: int) -> Run:
    """The run with this id; UnknownName when there is none."""
    return default.runtime().get_run(id)


def why(
    work: Any, params: Mapping[str, Any] | None = None, *, step: str | None = None, **policy: Any
) -> Sequence[Answer]:
    """For each step, or the one named, whether it would run again now and why; nothing is run."""
    return default.runtime().why(work, params, step=step, **policy)


def cancel(id: int | Run) -> None:
    """The run is cancelled, or asked to stop if it runs; InvalidState when it has ended."""
    default.runtime().cancel(id)


def retry(
    id: int | Run, from_failed: bool = True, *, from_step: str | Sequence[str] = (),
    params: Mapping[str, Any] | None = None,
) -> Run:  # fmt: skip
    """A new run that points to this ended one; with `from_failed` its succeeded steps are taken over.

    But not those of `from_step` and behind, nor those that take one of `params`, given over the run's own.
    """
    return default.runtime().retry(id, from_failed, from_step=from_step, params=params)


def set_priority(id: int | Run, n: int | str) -> int:
    """The run stands last among its new equals; the old priority."""
    return default.runtime().set_priority(id, n)


def publish(name: str, data: Mapping[str, Any] | None = None, *, key: str | None = None) -> None:
    """The event is in the log and on its way to every handler; with a key, only the sensors of that run see it."""
    default.runtime().publish(name, data, key=key)


def subscribe(pattern: str, handler: Any, *, name: str | None = None, durable: bool = False) -> Subscription:
    """`handler` is called with each event that matches, from now on; one of the same name is replaced."""
    return default.runtime().subscribe(pattern, handler, name=name, durable=durable)


def resolve(id: int | Run, value: Any) -> None:
    """The approval, or the one that waits in the pipeline's run, has its answer; InvalidState when nothing asks."""
    default.runtime().resolve(id, value)


def simulate(start: datetime, end: datetime) -> Simulation:
    """What the schedules would do from `start` to `end`: rows of at, schedule, verdict and note, shown as a table."""
    return default.runtime().simulate(start, end)


def next_times(
    trigger_or_text: str | Trigger, n: int = 5, *, after: datetime | None = None, tz: str | None = None
) -> Sequence[datetime]:
    """The trigger's next instants after `after` (default: now), aware."""
    return triggers.next_times(trigger_or_text, n, after=after or SystemClock().now(), tz=tz)
