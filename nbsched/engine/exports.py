"""From what people name to what is exported: the work, its schedule, and the file that defines it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from nbsched.core.definitions import work_from_json
from nbsched.core.errors import UnknownName
from nbsched.core.instants import from_ms
from nbsched.core.model import Notebook, Work
from nbsched.core.pipeline import PipelineBuilder
from nbsched.core.triggers import as_trigger, parse_trigger
from nbsched.core.wire import decode
from nbsched.core.work import as_work
from nbsched.engine.defining import Definer
from nbsched.exporting import Subject, Timing, as_pipeline
from nbsched.store import retrying, schedules
from nbsched.store.database import Database


def subject_of(
    database: Database,
    define: Definer,
    work: Any,
    *,
    schedule: Any,
    params: Mapping[str, Any] | None,
    path: Any,
) -> Subject:
    """What is to be exported; `work` may be the name of a schedule, or of what was run last under it."""
    found, own, timing = (
        _named(database, work) if isinstance(work, str) else (as_work(work), {}, _written(work))
    )
    if schedule is not None:
        timing = Timing(trigger=as_trigger(schedule))
    if path is None and isinstance(found, Notebook):
        path = found.path
    file = None if path is None else str(Path(path).expanduser().absolute())
    return Subject(
        pipeline=as_pipeline(define.without_callables(found)), params={**own, **(params or {})}, timing=timing,
        path=file, repository=file and _repository(Path(file)), program=f"{sys.executable} -m nbsched",
    )  # fmt: skip


def _written(work: Any) -> Timing | None:
    """The schedule that a pipeline was given when it was written."""
    schedule = work.schedule if isinstance(work, PipelineBuilder) else None
    return None if schedule is None else Timing(trigger=as_trigger(schedule))


def _named(database: Database, name: str) -> tuple[Work, dict[str, Any], Timing | None]:
    """The work, its parameters and its schedule, by the name of a schedule, else by that of the last run."""
    row = next((row for row in database.read(schedules.all_rows) if row["name"] == name), None)
    if row is not None:
        return work_from_json(json.loads(row["work"])), decode(json.loads(row["params"])), _timing(row)
    last = database.read(retrying.definition, name)
    if last is None:
        known = [row["name"] for row in database.read(schedules.all_rows)]
        raise UnknownName(
            "schedule or run", name, known, "give a name that `nbsched schedules` or `nbsched runs` lists"
        )
    return work_from_json(last[0]), decode(last[1]), None


def _timing(row: Mapping[str, Any]) -> Timing:
    jitter = row["jitter_ms"]
    return Timing(
        trigger=parse_trigger(row["trigger"]), overlap=row["overlap"], missed=row["missed"],
        catchup=timedelta(milliseconds=row["catchup_ms"]),
        jitter=None if jitter is None else timedelta(milliseconds=jitter), start=from_ms(row["start_ms"]),
        end=from_ms(row["end_ms"]), limit=row["max_fires"],
    )  # fmt: skip


def _repository(file: Path) -> str:
    """The nearest folder around the file that is a repository's, else the file's own."""
    return str(next((folder for folder in file.parents if (folder / ".git").exists()), file.parent))
