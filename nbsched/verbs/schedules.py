"""Verbs about schedules."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from nbsched.core.instants import instant_text
from nbsched.core.model import ScheduleRecord
from nbsched.core.rows import milliseconds, panel_row, schedule_row, when_text
from nbsched.core.tables import Table
from nbsched.core.triggers import next_times, parse_trigger
from nbsched.options import Parser, whole
from nbsched.verbs.table import Answer, schedule_name, verb

if TYPE_CHECKING:
    from nbsched.engine.backfilling import Backfill
    from nbsched.engine.calls import Calls

COLUMNS = ("schedule", "trigger", "next", "", "last runs")


def _limit(parser: Parser) -> None:
    parser.add_argument("--limit", type=whole, metavar="N", help="at most this many, the next to fire")


@verb("all schedules with their next times", _limit)
def schedules(rt: Calls, given: argparse.Namespace) -> Answer:
    found = [schedule.record for schedule in rt.schedules(**vars(given))]
    return Answer([schedule_row(schedule) for schedule in found], schedules_table(rt, found))


def schedules_table(rt: Calls, found: Iterable[ScheduleRecord], empty: str = "no schedules yet") -> Table:
    """The schedules with their next time and how their last runs ended, the latest last."""
    return Table(COLUMNS, [_cells(rt, schedule) for schedule in found], empty)


def _cells(rt: Calls, schedule: ScheduleRecord) -> tuple[str, ...]:
    signs = [panel_row(run.record)["sign"] for run in rt.runs(schedule=schedule.name, limit=5)]
    return (
        schedule.name,
        schedule.trigger,
        *_next_cells(schedule, rt.clock.now().astimezone()),
        " ".join(reversed(signs)),
    )


def _next_cells(schedule: ScheduleRecord, now: datetime) -> tuple[str, str]:
    if schedule.paused:
        return f"paused ({schedule.paused})", ""
    if schedule.next_at is None:
        return "", ""
    at = _in_its_zone(schedule, schedule.next_at)
    return instant_text(at), when_text(milliseconds(at), milliseconds(now) or 0)


def _in_its_zone(schedule: ScheduleRecord, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(schedule.tz) if schedule.tz else None)


def echo(schedule: ScheduleRecord, done: str = "scheduled", following: int = 3) -> Answer:
    """The schedule as it stands; in words its trigger, its zone and its next instants."""
    zone = f" ({schedule.tz})" if schedule.tz and schedule.tz not in schedule.trigger else ""
    said = f"{schedule.name}: {done}, {schedule.trigger}{zone}"
    if schedule.paused:
        return Answer(schedule_row(schedule), f"{said}; paused ({schedule.paused})")
    times = ", ".join(map(instant_text, next_instants(schedule, following)))
    return Answer(schedule_row(schedule), f"{said}; next {times}" if times else said)


def next_instants(schedule: ScheduleRecord, most: int) -> list[datetime]:
    """The next instants, in the schedule's zone."""
    if schedule.next_at is None:
        return []
    first = _in_its_zone(schedule, schedule.next_at)
    last = schedule.end
    rest = next_times(parse_trigger(schedule.trigger), most - 1, after=first) if most > 1 else []
    return [at for at in [first, *rest] if last is None or at <= last]


@verb("stop firing a schedule until it is resumed", schedule_name)
def pause(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.pause(given.name)
    return echo(rt.get_schedule(given.name).record, "paused")


def _missed(parser: Parser) -> None:
    parser.add_argument(
        "--missed", choices=("skip", "latest", "all"), help="which of the instants gone by run (skip)"
    )


@verb("fire a paused schedule again", schedule_name, _missed)
def resume(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.resume(**vars(given))
    return echo(rt.get_schedule(given.name).record, "resumed", following=1)


@verb("start a run of a schedule now", schedule_name)
def trigger(rt: Calls, given: argparse.Namespace) -> Answer:
    run = rt.trigger(given.name)
    return Answer(run.row, f"run {run.id} of {run.name}: started by hand")


def backfill_words(parser: Parser) -> None:
    """What `nb.backfill` takes beside the schedule's name."""
    for name, which, help_ in (
        ("from", "start", "its first instant"),
        ("to", "end", "no instant from here on"),
    ):
        parser.add_argument(
            f"--{name}", dest=which, required=True, metavar="WHEN",
            help=f"{help_}: a date, in the schedule's zone, or an instant with offset",
        )  # fmt: skip
    parser.add_argument(
        "--max-parallel", type=whole, metavar="N", help="how many of its runs go on at once (1)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say which instants would be run")
    parser.add_argument(
        "--rerun-failed", action="store_true", help="retry those that failed or were cancelled"
    )


@verb("run the past instants of a schedule, each once", schedule_name, backfill_words)
def backfill(rt: Calls, given: argparse.Namespace) -> Answer:
    return filled(rt.backfill(**vars(given)))


def filled(found: Backfill | list[datetime]) -> Answer:
    """The backfill's runs and their grid, or the instants of a dry run."""
    from nbsched.engine.backfilling import Backfill

    if isinstance(found, Backfill):
        return Answer([run.row for run in found], found)
    return Answer([at.isoformat() for at in found], "\n".join(map(instant_text, found)) or "nothing to run")


def _cancel_running(parser: Parser) -> None:
    parser.add_argument("--cancel-running", action="store_true", help="and stop what it started")


@verb("remove a schedule; its runs stay", schedule_name, _cancel_running)
def unschedule(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.unschedule(**vars(given))
    return Answer({"name": given.name, "removed": True}, f"{given.name}: removed")


def _when(parser: Parser) -> None:
    parser.add_argument(
        "expr", nargs="+", metavar="EXPR", help="a trigger: '0 2 * * *', 'every 5m', '@daily'"
    )
    parser.add_argument(
        "--tz", metavar="ZONE", help="its zone, such as Europe/Berlin; default this machine's"
    )
    parser.add_argument("-n", type=whole, metavar="N", help="how many instants (5)")


@verb("the next instants of a trigger", _when, name="next")
def next_(rt: Calls, given: argparse.Namespace) -> Answer:
    options = {name: value for name, value in vars(given).items() if name != "expr"}
    times = next_times(" ".join(given.expr), after=rt.clock.now(), **options)
    found = [at.astimezone() if at.tzinfo is UTC else at for at in times]
    return Answer([at.isoformat() for at in found], "\n".join(map(instant_text, found)) or "never")
