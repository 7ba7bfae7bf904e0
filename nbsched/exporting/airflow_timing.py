"""When a pipeline runs, in Airflow's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from nbsched.core.cron_text import parse
from nbsched.core.triggers import At, Cron, Every
from nbsched.exporting.airflow_policy import Options, timedelta_source
from nbsched.exporting.literals import text
from nbsched.exporting.subject import Timing

_LONG_AGO = "2024, 1, 1"
"""A DAG needs a first day; with catchup off it only has to be past."""


def timing_options(timing: Timing | None) -> Options:
    """The DAG's schedule, its first and last instant and how its runs meet."""
    if timing is None:
        return {"schedule": "None", "start_date": _start("UTC"), "catchup": "False"}
    found = {
        "schedule": _schedule(timing),
        "start_date": _first(timing),
        "catchup": str(timing.missed == "all"),
    }
    if timing.end is not None:
        found["end_date"] = _instant(timing.end)
    if timing.overlap != "allow":
        found["max_active_runs"] = "1"
    return found


def timing_notes(timing: Timing | None) -> Iterator[str]:
    """One sentence for each part of the schedule that the DAG is not given."""
    if timing is None:
        return
    trigger = timing.trigger
    if _schedule(timing) == "None":
        yield f"the trigger '{trigger}' (Airflow has no such timetable: start the DAG from outside)"
    if isinstance(trigger, Cron) and trigger.dst != "cron":
        yield f"the schedule's dst {trigger.dst!r} (Airflow decides about clock changes itself)"
    if timing.overlap not in ("queue_all", "allow"):
        yield f"the schedule's overlap {timing.overlap!r} (a run that is due while another is on waits for it)"
    if timing.missed not in ("latest", "all"):
        yield f"the schedule's missed {timing.missed!r} (Airflow runs the latest instant that was missed)"
    if timing.jitter is not None:
        yield f"the schedule's jitter {timing.jitter} (Airflow has none)"
    if timing.limit is not None:
        yield f"the schedule's limit of {timing.limit} runs (Airflow has none: give the DAG an end_date)"


def _schedule(timing: Timing) -> str:
    trigger = timing.trigger
    if isinstance(trigger, Cron) and trigger.seconds is None and _known(trigger):
        return f"CronDataIntervalTimetable({text(trigger.expr)}, timezone={text(trigger.zone)})"
    if isinstance(trigger, Every):
        return f"DeltaDataIntervalTimetable({timedelta_source(trigger.period)})"
    return "'@once'" if isinstance(trigger, At) else "None"


def _known(trigger: Cron) -> bool:
    """No alias of the last workday, which Airflow's reader of cron expressions does not know."""
    return not parse(trigger.expr).days.last_workday


def _first(timing: Timing) -> str:
    trigger = timing.trigger
    if timing.start is not None:
        return _instant(timing.start)
    if isinstance(trigger, At):
        return _instant(trigger.when)
    if isinstance(trigger, Every) and trigger.start is not None:
        return _instant(trigger.start)
    return _start(trigger.tz or "UTC")


def _start(zone: str) -> str:
    return f"pendulum.datetime({_LONG_AGO}, tz={text(zone)})"


def _instant(at: datetime) -> str:
    return f"pendulum.parse({text(at.isoformat())})"
