"""What is known of a notebook: what it asks for, when it runs, how it ran last, whether it has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbsched.core.declared import Parameter
from nbsched.core.model import Notebook, RunRecord, ScheduleRecord
from nbsched.core.states import State
from nbsched.core.work import declared_by
from nbsched.engine.caching import UNREADABLE
from nbsched.engine.code import notebook_mark
from nbsched.store import records


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A notebook as its badge and its form show it."""

    parameters: tuple[Parameter, ...]
    schedules: tuple[ScheduleRecord, ...]
    last_run: RunRecord | None
    changed: bool | None
    """Its code is not that of its last successful run; None where that cannot be told."""


def known_of(read: Callable[..., Any], work: Notebook) -> Known:
    """What the files and the store say of the notebook; its runs are those of its own name and of its schedules."""
    found = read(records.schedules_of_file, work.path)
    names = {work.name, *(name for name, _ in found)}
    succeeded = read(records.last_of_file, work.path, names, State.SUCCEEDED)
    return Known(
        parameters=tuple(declared_by(work).values()),
        schedules=tuple(schedule for _, schedule in found),
        last_run=read(records.last_of_file, work.path, names),
        changed=_changed(work.path, succeeded.output) if succeeded and succeeded.output else None,
    )


def _changed(path: str, output: str) -> bool | None:
    try:
        return notebook_mark(path) != notebook_mark(output)
    except UNREADABLE:  # an output that was removed, or is being written
        return None
