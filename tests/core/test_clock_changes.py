"""What a change of the clocks does to the instants of a cron expression, told of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsched.core.clock_changes import clock_note
from nbsched.core.cron_text import parse
from nbsched.core.triggers import Trigger, cron, parse_trigger

SPRING = datetime(2026, 3, 27, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 23, 12, tzinfo=UTC)


def notes(trigger: Trigger, after: datetime, count: int) -> list[str]:
    times = [after, *islice(trigger.walk(after), count)]
    return [clock_note(trigger, before, at) for before, at in pairwise(times)]


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("30 2 * * * tz Europe/Berlin", SPRING,
         ["", "02:30 does not exist that day: it fires at 03:00", ""]),
        ("30 2 * * * tz Europe/Berlin dst skip", SPRING,
         ["", "clocks go forward on 2026-03-29: 02:30 does not exist", ""]),
        ("*/30 1-3 29 3 * tz Europe/Berlin", SPRING, ["", "", "clocks go forward: 02:00 to 02:30 do not exist", ""]),
        ("30 2 * * * tz Europe/Berlin", AUTUMN, ["", "02:30 comes twice that day: this is the first", ""]),
        ("30 2 * * * tz Europe/Berlin dst both", AUTUMN,
         ["", "02:30 comes twice that day: this is the first", "02:30 comes twice that day: this is the second", ""]),
        ("0 2 * * * tz UTC", SPRING, ["", "", ""]),
        ("every 1h from 2026-03-29T00:00+00:00", SPRING, ["", "", ""]),
    ],
)  # fmt: skip
def test_an_instant_that_the_clocks_touch_has_a_note(text: str, after: datetime, expected: list[str]) -> None:
    assert notes(parse_trigger(text), after, len(expected)) == expected


def test_of_several_triggers_the_one_that_is_touched_speaks() -> None:
    both = parse_trigger("any(0 12 * * * tz UTC; 30 2 * * * tz Europe/Berlin dst skip)")
    assert notes(both, SPRING, 4) == ["", "", "clocks go forward: 02:30 does not exist", ""]


CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 28)), ("Europe/Berlin", datetime(2026, 10, 24)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4)), ("Australia/Lord_Howe", datetime(2026, 10, 3)),
    ("America/New_York", datetime(2026, 3, 7)), ("Pacific/Apia", datetime(2011, 12, 28)),
]  # fmt: skip
MINUTE = timedelta(minutes=1)


def is_there(wall: datetime, zone: ZoneInfo) -> bool:
    """Some instant is shown so."""
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    return at.astimezone(zone).replace(tzinfo=None) == wall


def is_twice(wall: datetime, zone: ZoneInfo) -> bool:
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first < second and is_there(wall, zone)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["0", "30", "15,45", "*/20", "*"]), st.sampled_from(["2", "1-3", "*", "0", "*/2"]),
    st.sampled_from(CHANGES), st.sampled_from(["cron", "skip", "both"]),
)  # fmt: skip
def test_there_is_a_note_just_where_a_wall_time_is_missing_or_doubled(minute, hour, change, dst) -> None:
    name, day = change
    zone, trigger = ZoneInfo(name), cron(f"{minute} {hour} * * *", tz=name, dst=dst)
    calendar = parse(trigger.expr)
    times = [
        day.replace(tzinfo=UTC),
        *trigger.between(day.replace(tzinfo=UTC), (day + timedelta(days=3)).replace(tzinfo=UTC)),
    ]
    for before, at in pairwise(times):
        since, wall = (one.astimezone(zone).replace(tzinfo=None, fold=0) for one in (before, at))
        between = [since + n * MINUTE for n in range(1, (wall - since) // MINUTE)]
        meant = (one for one in between if one.minute in calendar.minutes and one.hour in calendar.hours)
        missing = any(not is_there(one, zone) for one in meant)
        assert bool(clock_note(trigger, before, at)) == (missing or is_twice(wall, zone)), (before, at)
