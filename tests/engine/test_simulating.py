"""What is foreseen is what then happens."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import nbsched as nb
from nbsched.core.instants import to_ms
from nbsched.engine import simulating
from nbsched.engine.defining import OVERLAPS
from nbsched.engine.simulating import GoingOn, simulate
from nbsched.executors.lookup import load_file
from nbsched.store import schedules
from nbsched.testing import VirtualRuntime

START = datetime(2026, 1, 5, tzinfo=UTC)
works_file: ModuleType = load_file(Path(__file__).with_name("works.py"))

TIMED = (
    "every 7m",
    "every 11m from 2026-01-05T00:03+00:00",
    "*/10 * * * * tz UTC",
    "at 2026-01-05T00:31+00:00",
)
FOLLOWING = (
    "after s0",
    "after s0 cancelled",
    "any(every 40m; after s0)",
    "on run.succeeded where schedule == 's0'",
)
schedule = st.fixed_dictionaries({
    "seconds": st.sampled_from([0, 13, 433, 433, 1501, 2777]),
    "overlap": st.sampled_from(OVERLAPS), "jitter": st.sampled_from([None, None, "5m"]),
    "limit": st.sampled_from([None, None, 3]), "end": st.sampled_from([None, None, START + timedelta(minutes=50)]),
    "expires": st.sampled_from([None, None, "8m"]),
})  # fmt: skip


several = st.tuples(
    st.lists(schedule, min_size=1, max_size=3), st.sampled_from(TIMED),
    st.lists(st.sampled_from(TIMED + FOLLOWING), min_size=2, max_size=2),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=several)
def test_what_is_foreseen_is_what_the_engine_then_does(
    told: tuple[list[dict[str, Any]], str, list[str]],
) -> None:
    span = timedelta(hours=1, minutes=30, seconds=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        VirtualRuntime(START, Path(folder) / "store.db", slots=8) as rt,
    ):
        durations = {}
        asked, first, others = told
        for number, (one, trigger) in enumerate(zip(asked, (first, *others), strict=False)):
            name, seconds = f"s{number}", one["seconds"]
            durations[name] = seconds * 1000
            options = {key: value for key, value in one.items() if value and key != "seconds"}
            work = nb.task(works_file.lasts, name=name)
            rt.schedule(work, trigger, name=name, params={"seconds": seconds}, **options)
        rows = rt.database.read(schedules.all_rows)
        expected = simulate(rows, durations, START + timedelta(milliseconds=1), START + span)
        rt.advance_blocking(span)
        assert sorted(seen(expected)) == sorted(done(rt, START + span)), told


def seen(expected: simulating.Simulation) -> list[tuple[str, datetime, str]]:
    return [
        (row["schedule"], row["at"].astimezone(UTC), row["verdict"].partition(",")[0])
        for row in expected if row["verdict"] != "waits"
    ]  # fmt: skip


def done(rt: VirtualRuntime, end: datetime) -> list[tuple[str, datetime, str]]:
    """Each instant as the ledger has it; those that share a row are counted out by the trigger and the events."""
    found = []
    for run in rt.runs(limit=None):
        reason = f"skip: {run.reason}" if run.state == "skipped" else "run"
        found += [(run.schedule or "", at, reason) for at in instants(rt, run)]
    return [one for one in found if one[1] < end]


def instants(rt: VirtualRuntime, run: nb.Run) -> list[datetime]:
    if run.count == 1:
        return [run.scheduled_at]
    trigger = nb.parse_trigger(rt.get_schedule(run.schedule or "").record.trigger)
    assert run.until is not None
    timed = list(trigger.between(run.scheduled_at - timedelta(milliseconds=1), run.until))
    heard = [
        event.at for event in rt.events(after=0, limit=None)
        if trigger.matches(event.name, event.data) and run.scheduled_at <= event.at <= run.until
    ]  # fmt: skip
    found = sorted([at.astimezone(UTC) for at in timed] + heard)
    assert len(found) == run.count
    return found


def foreseen(
    rt: VirtualRuntime, hours: float, durations: dict[str, int] | None = None
) -> list[tuple[str, str, str]]:
    """Time of day, verdict and note of each row."""
    now = rt.clock.now()
    rows = rt.database.read(schedules.all_rows)
    found = simulate(rows, durations or {}, now + timedelta(milliseconds=1), now + timedelta(hours=hours))
    return [(f"{row['at']:%H:%M:%S}", row["verdict"], row["note"]) for row in found]


def test_a_row_says_how_long_it_takes_and_what_becomes_of_the_next(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="skips")
    assert foreseen(rt, 2.1) == [
        ("01:00:00", "run", "its duration is not known"), ("02:00:00", "run", "its duration is not known")
    ]  # fmt: skip
    takes = {"skips": 5_400_000}
    assert foreseen(rt, 2.1, takes) == [
        ("01:00:00", "run", "takes about 1:30:00"), ("02:00:00", "skip: overlap", "")
    ]  # fmt: skip
    rt.schedule(works.ok, nb.every("1h"), name="skips", overlap="queue_one")
    assert foreseen(rt, 2.1, takes)[1] == (
        "02:00:00", "run, after the one before", "has not begun by then; takes about 1:30:00",
    )  # fmt: skip
    assert foreseen(rt, 3.5, takes)[1][2] == "begins Mon 2026-01-05 02:30:00 +00:00; takes about 1:30:00"
    rt.schedule(works.ok, nb.every("1h"), name="skips", overlap="cancel_other")
    assert [row[1:] for row in foreseen(rt, 2.1, takes)] == [
        ("run", "ended by the next one"), ("run, ending the one before", "takes about 1:30:00")
    ]  # fmt: skip


def test_the_usual_duration_comes_from_the_last_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.later, nb.every("1h"), name="s")
    rt.advance_blocking("100m")
    (row,) = rt.simulate(rt.clock.now(), rt.clock.now() + timedelta(hours=1))
    assert (row["verdict"], row["note"]) == ("run", "takes about 10:00")


def test_paused_limited_ended_and_waiting_ones_are_told(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="limited", limit=2)
    assert foreseen(rt, 9, {"limited": 1000})[1] == (
        "02:00:00", "run", "takes about 1.0 s; the last: its limit of 2 is reached"
    )  # fmt: skip
    rt.unschedule("limited")
    rt.schedule(works.ok, nb.every("1h"), name="ends", end=START + timedelta(hours=2.5))
    assert [row[2] for row in foreseen(rt, 9, {"ends": 1000})] == [
        "takes about 1.0 s", "takes about 1.0 s; the last before its end"
    ]  # fmt: skip
    rt.unschedule("ends")
    rt.schedule(works.ok, nb.every("1h"), name="paused")
    rt.pause("paused")
    assert foreseen(rt, 9) == [
        ("01:00:00", "paused: by user", "8 instants until Mon 2026-01-05 08:00:00 +00:00")
    ]  # fmt: skip
    rt.unschedule("paused")
    rt.schedule(works.ok, "on data.ready", name="waits")
    assert foreseen(rt, 9) == [("00:00:00", "waits", "on data.ready: when that will be is not known")]


def test_what_follows_another_is_foreseen_at_its_end(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="fetch", limit=1)
    rt.schedule(works.ok, "after fetch", name="report")
    rt.schedule(works.ok, "after report within 10m", name="mail")
    assert [row[::2] for row in foreseen(rt, 9, {"fetch": 240_000, "report": 60_000})][1:] == [
        ("01:04:00", "after fetch; takes about 1:00"),
        ("01:05:00", "after report within 10m; its duration is not known"),
    ]


def test_jitter_is_foreseen_as_it_will_be(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="s", jitter="30m")
    (row,) = rt.simulate(START + timedelta(seconds=1), START + timedelta(hours=1, minutes=59))
    rt.advance_blocking("119m")
    (run,) = rt.runs()
    assert run.started_at is not None
    assert f"begins Mon {run.started_at:%Y-%m-%d %H:%M:%S} +00:00" in row["note"]


def test_what_runs_now_counts_for_the_first_instant(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="s")
    rows = rt.database.read(schedules.all_rows)
    going_on = [GoingOn("s", to_ms(START) - 600_000)]
    for minutes, verdict in ((75, "skip: overlap"), (65, "run")):
        (row,) = simulate(
            rows,
            {"s": minutes * 60_000},
            START + timedelta(seconds=1),
            START + timedelta(minutes=61),
            going_on,
        )
        assert row["verdict"] == verdict


@pytest.mark.parametrize(
    ("trigger", "day", "notes"),
    [
        ("30 2 * * * tz Europe/Berlin", "2027-03-28", ["02:30 does not exist that day: it fires at 03:00"]),
        ("30 2 * * * tz Europe/Berlin", "2027-10-31", ["02:30 comes twice that day: this is the first"]),
        ("30 2 * * * tz Europe/Berlin dst both", "2027-10-31", [
            "02:30 comes twice that day: this is the first", "02:30 comes twice that day: this is the second"]),
        ("30 2 * * * tz Europe/Berlin dst skip", "2027-03-28", []),
        ("30 2 * * * tz Europe/Berlin", "2027-03-29", [""]),
        ("any(30 2 * * * tz Europe/Berlin; at 2027-03-28T12:00Z)", "2027-03-28", [
            "02:30 does not exist that day: it fires at 03:00", ""]),
        ("0 3 * * * tz Europe/Berlin", "2027-03-28", [""]),
    ],
)  # fmt: skip
def test_a_change_of_the_clocks_is_noted(
    rt: VirtualRuntime, works: ModuleType, trigger: str, day: str, notes: list[str]
) -> None:
    rt.schedule(works.ok, trigger, name="s")
    start = datetime.fromisoformat(f"{day}T00:00+01:00")
    rows = rt.database.read(schedules.all_rows)
    found = simulate(rows, {"s": 1000}, start, start + timedelta(days=1))
    ends = ("; the last before its end", "; takes about 1.0 s", "takes about 1.0 s")
    told = []
    for row in found:
        note = row["note"]
        for end in ends:
            note = note.removesuffix(end)
        told.append(note)
    assert told == notes


def test_it_is_shown_as_a_table_and_runs_nothing(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1h"), name="<s>")
    found = rt.simulate(START + timedelta(seconds=1), START + timedelta(hours=3))
    assert repr(found).splitlines()[0].split() == ["at", "schedule", "verdict", "note"]
    assert "&lt;s&gt;" in found._repr_html_()
    assert isinstance(found, list)
    assert rt.runs() == []
    assert repr(rt.simulate(START, START)) == "nothing would run"


def test_a_simulation_is_bounded_and_quick(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, nb.every("1s"), name="often")
    rt.schedule(works.ok, "after again", name="again")
    began = time.perf_counter()
    found = rt.simulate(START + timedelta(seconds=1), START + timedelta(days=9))
    assert len(found) == simulating.MOST_ROWS
    assert "only 10,000 are foreseen" in repr(found)
    assert time.perf_counter() - began < 30
