"""Triggers in words: read back, the words mean the same instants."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbsched.core.errors import TriggerError
from nbsched.core.triggers import Cron, cron, parse_trigger
from nbsched.core.words import words

SAID = {
    "0 2 * * *": "every day at 02:00",
    "@daily": "every day at 00:00",
    "* * * * *": "every minute",
    "*/15 * * * *": "every 15 minutes",
    "@hourly": "every hour",
    "5 * * * *": "every hour at minute 5",
    "0 */2 * * *": "every 2 hours from 00:00 to 22:00",
    "*/15 9-16 * * 1-5": "every 15 minutes from 09:00 to 16:45 on Monday to Friday",
    "0 9,12,17 * * 1-5": "at 09:00, 12:00 and 17:00 on Monday to Friday",
    "30 8 * * 6,0": "at 08:30 on Saturday and Sunday",
    "0 0 1 * *": "at 00:00 on day 1 of the month",
    "0 0 1 */3 *": "at 00:00 on day 1 of the month in January, April, July and October",
    "0 2 * 7 *": "every day at 02:00 in July",
    "0 9 13 * 5": "at 09:00 on day 13 of the month and also on Friday",
    "0 9 */2 * 1": "at 09:00 on Monday, but only on days 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 "
    "of the month",
    "0 9 1-31 * 1": "every day at 09:00",
    "0 18 L * *": "at 18:00 on the last day of the month",
    "0 18 LW * *": "at 18:00 on the last workday (Monday to Friday) of the month",
    "0 18 * * 5L": "at 18:00 on the last Friday of the month",
    "0 18 * * 2#2": "at 18:00 on the second Tuesday of the month",
    "7,22 * * * *": "at minutes 7 and 22 of every hour",
    "*/7 8,20 * * *": "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of hours 8 and 20",
    "0 2 * * * tz Europe/Berlin dst skip": "every day at 02:00 (Europe/Berlin), not where the clocks skip it",
    "0 2 * * * tz UTC dst both": "every day at 02:00, twice where the clocks repeat it",
    "*/10 * * * * * seconds first": "every 10 seconds",
    "30 5 2 * * * seconds first": "every day at 02:05:30",
    "0,30 * 9 * * * seconds first": "at seconds 0 and 30 of every minute of hour 9",
    "every 30s from 2026-01-01T00:00+00:00": "every 30 seconds, from 2026-01-01 00:00+00:00",
    "every 1h": "every hour",
    "every 90m": "every 1 hour and 30 minutes",
    "every 1d": "every 24 hours",
    "every 2w": "every 14 days of 24 hours",
    "at 2026-12-01T09:00+01:00": "once, at 2026-12-01 09:00+01:00",
    "on data.available": "when data.available is published",
    "on data.*": "when any event like data.* is published",
    'on data where {"k": 1}': 'when data is published with {"k": 1}',
    "on data where rows > 10": "when data is published and rows > 10 holds",
    "after fetch": "after fetch has succeeded",
    "after fetch failed within 1h": "after fetch has failed within 1 hour of its time",
    "any(@daily; on data.ready)": "every day at 00:00; or when data.ready is published",
    "all(*/5 * * * *; any(0 2 * * *; 0 3 * * *))":
        "every 5 minutes; when that is also (every day at 02:00; or every day at 03:00)",
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_a_trigger_says_in_words_when_it_is_due(text: str) -> None:
    assert words(parse_trigger(text, tz="UTC"), "UTC") == SAID[text]


# The words are read by a reader that knows only them ---------------------------------------------------

Holds = Callable[[datetime], bool]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [f"{datetime(2026, month, 1):%B}" for month in range(1, 13)]
NTH = ["first", "second", "third", "fourth", "fifth"]
OF_MONTH = r"days? [\d, toand]+|the last day|the last workday \(Monday to Friday\)"
IN_MONTH = f"(?:{OF_MONTH}) of the month"
DAY_NAME = f"(?:{'|'.join(DAYS)})"
IN_WEEK = rf"the (?:last|{'|'.join(NTH)}) {DAY_NAME} of the month|{DAY_NAME}(?: to {DAY_NAME})?"


def listed(text: str, number: Callable[[str], int]) -> set[int]:
    found: set[int] = set()
    for part in re.split(r", | and ", text):
        first, _, last = part.partition(" to ")
        found |= set(range(number(first), number(last or first) + 1))
    return found


def read(said: str) -> Holds:
    said, _, months = said.partition(" in ")
    times, _, days = said.partition(" on ")
    tests = [of_times(times.removeprefix("every day ")), of_days(days)]
    if months:
        allowed = listed(months, lambda name: MONTHS.index(name) + 1)
        tests.append(lambda wall: wall.month in allowed)
    return lambda wall: all(test(wall) for test in tests)


def of_days(said: str) -> Holds:
    if not said:
        return lambda wall: True
    if ", but only on " in said:
        week, month = map(of_days, said.split(", but only on "))
        return lambda wall: week(wall) and month(wall)
    if " and also on " in said:
        one, other = map(of_days, said.split(" and also on "))
        return lambda wall: one(wall) or other(wall)
    parts = re.findall(rf"{IN_MONTH}|{IN_WEEK}", said)
    assert re.fullmatch(r"(, | and )*", re.sub(rf"{IN_MONTH}|{IN_WEEK}", "", said)), said
    return lambda wall: any(of_day(part, wall) for part in parts)


def of_day(said: str, wall: datetime) -> bool:
    length = ((wall.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    weekday = DAYS[wall.weekday()]
    if said == "the last day of the month":
        return wall.day == length
    if said.startswith("the last workday"):
        last = wall.replace(day=length)
        return wall.date() == (last - timedelta(days=max(0, last.weekday() - 4))).date()
    if found := re.fullmatch(r"the (\w+) (\w+) of the month", said):
        last = wall.day > length - 7
        return weekday == found[2] and (
            last if found[1] == "last" else (wall.day + 6) // 7 == NTH.index(found[1]) + 1
        )
    if found := re.fullmatch(r"days? (.*) of the month", said):
        return wall.day in listed(found[1], int)
    return DAYS.index(weekday) in listed(said, DAYS.index)


def of_times(said: str) -> Holds:
    if found := re.fullmatch(r"at ([\d:, and]+)", said):
        clocks = {f"{clock}:00"[:8] for clock in re.split(r", | and ", found[1])}
        return lambda wall: f"{wall:%H:%M:%S}" in clocks
    if said.startswith("at "):
        return of_fields(said.removeprefix("at "))
    found = re.fullmatch(
        r"every (?:(\d+) )?(second|minute|hour)s?(?: at minute (\d+))?(?: from (.*) to (.*))?", said
    )
    assert found, said
    return every(int(found[1] or 1), found[2], int(found[3] or 0), found[4] or "00:00", found[5] or "23:59")


def every(step: int, unit: str, minute: int, first: str, last: str) -> Holds:
    since = int(first[:2]) * 60 + int(first[3:]) + minute

    def holds(wall: datetime) -> bool:
        if not first <= f"{wall:%H:%M}" <= last:
            return False
        if unit == "second":
            return wall.second % step == 0
        in_day = wall.hour * 60 + wall.minute - since
        return wall.second == 0 and in_day % (step * (60 if unit == "hour" else 1)) == 0

    return holds


def of_fields(said: str) -> Holds:
    allowed = {"second": {0}}
    for part in said.split(" of "):
        found = re.fullmatch(r"(every )?(second|minute|hour)s?(?: (.*))?", part)
        assert found, said
        allowed[found[2]] = set(range(60)) if found[1] else listed(found[3], int)
    return lambda wall: all(getattr(wall, unit) in values for unit, values in allowed.items())


def field(low: int, high: int) -> st.SearchStrategy[str]:
    value = st.integers(low, high)
    ranges = st.tuples(value, value).map(lambda two: f"{min(two)}-{max(two)}")
    steps = st.integers(1, high - low)
    part = st.one_of(
        value.map(str), ranges, st.just("*"), steps.map(lambda n: f"*/{n}"),
        st.tuples(ranges, steps).map(lambda two: f"{two[0]}/{two[1]}"),
    )  # fmt: skip
    return st.lists(part, min_size=1, max_size=3).map(",".join)


DAY = st.one_of(st.just("*"), field(1, 31), st.sampled_from(["L", "LW", "15,L", "1-3,LW", "L,LW"]))
WEEKDAY = st.one_of(st.just("*"), field(0, 7), st.sampled_from(["5L", "1#2", "1,5L,3#3", "0#5", "mon-fri"]))
MONTH = st.just("*") | field(1, 12)


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    parts = [draw(one) for one in (field(0, 59), field(0, 23), DAY, MONTH, WEEKDAY)]
    seconds = draw(st.sampled_from([None, None, "first"]))
    try:
        return cron(" ".join([draw(field(0, 59)), *parts] if seconds else parts), tz="UTC", seconds=seconds)
    except TriggerError:
        return cron("0 2 * * *", tz="UTC")


MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2029, 1, 1)).map(
    lambda wall: wall.replace(microsecond=0)
)


@settings(max_examples=400, deadline=None)
@given(crons(), MOMENTS, st.data())
@example(cron("*/30 */2 1-7 * 1", tz="UTC"), datetime(2026, 1, 5), None)
def test_the_words_mean_the_instants_and_no_others(trigger: Cron, start: datetime, data) -> None:  # type: ignore[no-untyped-def]
    holds = read(words(trigger))
    found = trigger.next(start.replace(tzinfo=UTC)) or start
    near = [
        found + timedelta(seconds=apart) for apart in (0, 1, 60, -60, 3600, -3600, 86_400, -86_400, 604_800)
    ]
    some = [start, *near, *((found + timedelta(days=28 * n, minutes=n)) for n in range(12))]
    if data:
        some.append(start.replace(**data.draw(st.fixed_dictionaries({
            "hour": st.integers(0, 23), "minute": st.integers(0, 59), "second": st.sampled_from([0, 0, 0, 10, 30]),
        }))))  # fmt: skip
    for wall in some:
        at = wall.replace(tzinfo=UTC)
        is_instant = trigger.next(at - timedelta(milliseconds=1)) == at
        assert holds(wall.replace(tzinfo=None)) == is_instant, (wall, words(trigger), trigger.expr)
