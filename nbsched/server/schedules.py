"""Routes about schedules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from nbsched.core.durations import duration_text
from nbsched.core.occurrences import OccurrenceRow
from nbsched.core.rows import RunRow, ScheduleRow, iso, plain, schedule_row
from nbsched.core.wire import decode
from nbsched.engine.calls import Calls
from nbsched.loading.apart import begin
from nbsched.server.fields import (
    END,
    LIMIT,
    PARAMS,
    PATH,
    PIPELINE,
    POLICY,
    SCHEDULE,
    START,
    TRIGGER,
    ZONE,
    flag,
    one_of,
    whole,
)
from nbsched.server.places import file_in, path_in
from nbsched.server.routes import Given, Route, fields
from nbsched.stepcells import spelled
from nbsched.store import schedules
from nbsched.verbs.schedules import filled, next_instants

FOLLOWING = 5
"""So many next instants are told."""


class WholeSchedule(ScheduleRow):
    """A schedule with its work's file, all that it was defined with, and its next instants."""

    catchup: str
    jitter: str | None
    start: str | None
    end: str | None
    limit: int | None
    params: dict[str, Any]
    """As they are given: a reference is a text like `@scheduled_date`."""
    policy: dict[str, Any]
    path: str | None
    following: list[str]


class Removed(TypedDict):
    """The schedule that is gone."""

    name: str
    removed: bool


def _schedules(calls: Calls, given: Given) -> list[ScheduleRow]:
    return [schedule_row(one.record) for one in calls.schedules(given.get("limit"))]


def _row(calls: Calls, name: str) -> ScheduleRow:
    return schedule_row(calls.get_schedule(name).record)


def _define(calls: Calls, given: Given) -> ScheduleRow:
    asked = {name: given[name] for name in ("trigger", "tz", "params", "pipeline") if name in given}
    options = {name: given[name] for name in SCHEDULE if name in given}
    policy = {name: given[name] for name in POLICY if name in given}
    asked |= {"options": options, "policy": policy}
    return _row(calls, str(begin(calls, "schedule", file_in(given.root, given["path"]), asked)))


def _schedule(calls: Calls, given: Given) -> WholeSchedule:
    schedule = calls.get_schedule(given["name"]).record
    row = calls.database.read(schedules.find, schedule.name)
    work = json.loads(row["work"])
    return WholeSchedule(
        **schedule_row(schedule), catchup=duration_text(schedule.catchup),
        jitter=duration_text(schedule.jitter) if schedule.jitter else None,
        start=iso(schedule.start), end=iso(schedule.end), limit=schedule.limit,
        params=plain(spelled(decode(json.loads(row["params"]), dict))),
        policy=work.get("policy", {}),
        path=path_in(given.root, work["path"]) if "path" in work else None,
        following=[at.isoformat() for at in next_instants(schedule, FOLLOWING)],
    )  # fmt: skip


def _pause(calls: Calls, given: Given) -> ScheduleRow:
    calls.pause(given["name"])
    return _row(calls, given["name"])


def _resume(calls: Calls, given: Given) -> ScheduleRow:
    calls.resume(**given)
    return _row(calls, given["name"])


def _trigger(calls: Calls, given: Given) -> RunRow:
    return calls.trigger(given["name"]).row


def _reschedule(calls: Calls, given: Given) -> ScheduleRow:
    return schedule_row(calls.reschedule(**given).record)


def _backfill(calls: Calls, given: Given) -> Any:
    return filled(calls.backfill(**given)).data


def _remove(calls: Calls, given: Given) -> Removed:
    calls.unschedule(**given)
    return Removed(name=given["name"], removed=True)


def _occurrences(calls: Calls, given: Given) -> list[OccurrenceRow]:
    return calls.occurrences(**given)


SPAN: Mapping[str, Any] = {"start": START, "end": END}
ROUTES = (
    Route(
        path="/schedules", summary="schedules, the next to fire first", answer=_schedules, gives=list[ScheduleRow],
        query=fields(limit=LIMIT),
    ),
    Route(
        method="POST", path="/schedules", summary="schedule a notebook, or a pipeline of a Python file",
        answer=_define, gives=ScheduleRow, status=201,
        body=fields("path", "trigger", path=PATH, trigger=TRIGGER, tz=ZONE, pipeline=PIPELINE, params=PARAMS,
                    **SCHEDULE, **POLICY),
    ),
    Route(path="/schedules/{name}", summary="a schedule", answer=_schedule, gives=WholeSchedule),
    Route(
        method="DELETE", path="/schedules/{name}", summary="remove a schedule; its runs stay", answer=_remove,
        gives=Removed, query=fields(cancel_running=flag("and stop what it started")),
    ),
    Route(
        method="POST", path="/schedules/{name}/pause", summary="stop firing a schedule until it is resumed",
        answer=_pause, gives=ScheduleRow,
    ),
    Route(
        method="POST", path="/schedules/{name}/resume", summary="fire a paused schedule again", answer=_resume,
        gives=ScheduleRow,
        body=fields(missed=one_of(("skip", "latest", "all"), "which of the instants gone by run (skip)")),
    ),
    Route(
        method="POST", path="/schedules/{name}/trigger", summary="start a run of a schedule now", answer=_trigger,
        gives=RunRow, status=201,
    ),
    Route(
        method="POST", path="/schedules/{name}/reschedule", summary="let a schedule start anew under this trigger",
        answer=_reschedule, gives=ScheduleRow, body=fields("trigger", trigger=TRIGGER),
    ),
    Route(
        method="POST", path="/schedules/{name}/backfill", summary="run past instants, each once; dry, tell them",
        answer=_backfill, gives=list[RunRow] | list[str],
        body=fields(
            "start", "end", **SPAN, max_parallel=whole("how many of its runs go on at once (1)", least=1),
            dry_run=flag("say which instants would be run"),
            rerun_failed=flag("retry those that failed or were cancelled"),
        ),
    ),
    Route(
        path="/schedules/{name}/occurrences", summary="instants, each with the run or the row that accounts for it",
        answer=_occurrences, gives=list[OccurrenceRow], query=fields("start", "end", **SPAN),
    ),
)  # fmt: skip
