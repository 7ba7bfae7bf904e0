"""The cron dialect against the examples, the rules walked minute by minute, and two other engines."""

from __future__ import annotations

import json
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nbsched.core.cron import Calendar, DayRule
from nbsched.core.cron_text import parse
from nbsched.core.errors import TriggerError
from nbsched.core.triggers import cron

EXAMPLES = json.loads(Path(__file__).with_name("cron_examples.json").read_text())
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Zone, and a date within two days of one of its clock changes.
CHANGES = [
    ("Europe/Berlin", "2024-03-31"),
    ("Europe/Berlin", "2024-10-27"),
    ("America/New_York", "2024-03-10"),
    ("America/New_York", "2024-11-03"),
    ("Australia/Lord_Howe", "2024-04-07"),
    ("Australia/Lord_Howe", "2024-10-06"),
    ("Antarctica/Troll", "2024-03-31"),
    ("Antarctica/Troll", "2024-10-27"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2018-02-18"),
    ("Asia/Beirut", "2022-03-27"),
    ("Asia/Beirut", "2022-10-30"),
    ("America/Havana", "2024-03-10"),
    ("America/Havana", "2024-11-03"),
    ("Africa/Cairo", "2024-04-26"),
    ("Africa/Cairo", "2024-11-01"),
    ("Asia/Pyongyang", "2015-08-15"),
    ("Asia/Pyongyang", "2018-05-05"),
    ("Africa/Casablanca", "2024-03-10"),
    ("Africa/Casablanca", "2024-04-14"),
    ("Europe/Dublin", "2024-03-31"),
    ("Europe/Dublin", "2024-10-27"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("Pacific/Chatham", "2024-04-07"),
    ("Pacific/Chatham", "2024-09-29"),
    ("America/St_Johns", "2006-04-02"),
    ("America/St_Johns", "2006-10-29"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Pacific/Kwajalein", "1969-09-30"),
    ("America/Caracas", "2016-05-01"),
    ("America/Caracas", "2007-12-09"),
    ("Antarctica/Casey", "2009-10-18"),
    ("Antarctica/Casey", "2010-03-05"),
    ("Asia/Tehran", "2022-03-22"),
    ("America/Scoresbysund", "2024-03-31"),
]
LOST_A_DAY = {"Pacific/Apia", "Pacific/Kwajalein"}
change_points = st.sampled_from(CHANGES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def texts(expr: str, zone: str, base: str, count: int, **options: str) -> list[str]:
    walk = cron(expr, tz=zone, **options).walk(utc(base))
    return [found.isoformat() for found in islice(walk, count)]


# Random expressions whose meaning is known without reading them ---------------------------------------


@dataclass(frozen=True)
class Part:
    """A field's text and what it means."""

    text: str
    values: frozenset[int]

    @property
    def star(self) -> bool:
        return self.text[0] == "*"


def part(low: int, high: int, modulus: int = 1000) -> st.SearchStrategy[Part]:
    value = st.integers(low, high)
    steps = st.integers(1, high + 1)

    def made(text: str, values: range) -> Part:
        return Part(text, frozenset(v % modulus for v in values))

    ranges = st.tuples(value, value).map(sorted)
    element = st.one_of(
        value.map(lambda v: made(str(v), range(v, v + 1))),
        ranges.map(lambda r: made(f"{r[0]}-{r[1]}", range(r[0], r[1] + 1))),
        st.tuples(ranges, steps).map(
            lambda t: made(f"{t[0][0]}-{t[0][1]}/{t[1]}", range(t[0][0], t[0][1] + 1, t[1]))
        ),
        st.tuples(value, steps).map(lambda t: made(f"{t[0]}/{t[1]}", range(t[0], high + 1, t[1]))),
        steps.map(lambda n: made(f"*/{n}", range(low, high + 1, n))),
        st.just(made("*", range(low, high + 1))),
    )
    lists = st.lists(element, min_size=1, max_size=3)
    return lists.map(
        lambda ps: Part(",".join(p.text for p in ps), frozenset().union(*(p.values for p in ps)))
    )


STAR = {
    name: Part("*", frozenset(range(*span)))
    for name, span in {"day": (1, 32), "month": (1, 13), "weekday": (0, 7)}.items()
}


@dataclass(frozen=True)
class Spec:
    minute: Part
    hour: Part
    day: Part
    month: Part
    weekday: Part

    @property
    def expr(self) -> str:
        return " ".join(p.text for p in (self.minute, self.hour, self.day, self.month, self.weekday))

    @property
    def fixed(self) -> bool:
        return not (self.minute.star or self.hour.star)

    def on_date(self, day: date) -> bool:
        in_month, in_week = day.day in self.day.values, day.isoweekday() % 7 in self.weekday.values
        both = self.day.star or self.weekday.star
        return day.month in self.month.values and ((in_month and in_week) if both else (in_month or in_week))

    def at(self, wall: datetime) -> bool:
        return (
            wall.minute in self.minute.values and wall.hour in self.hour.values and self.on_date(wall.date())
        )


MINUTES, HOURS = part(0, 59), part(0, 23)


def specs(
    minute: st.SearchStrategy[Part] = MINUTES, hour: st.SearchStrategy[Part] = HOURS
) -> st.SearchStrategy[Spec]:
    return st.builds(
        Spec,
        minute,
        hour,
        st.just(STAR["day"]) | part(1, 31),
        st.just(STAR["month"]) | part(1, 12),
        st.just(STAR["weekday"]) | part(0, 7, 7),
    )


# The rules, walked minute by minute -------------------------------------------------------------------


def walked(spec: Spec, zone: ZoneInfo, start: datetime, minutes: int) -> list[datetime]:
    """The instants at which a daemon that looks at its clock each minute starts the job.

    It keeps a virtual clock. A jump forward of at most three hours: the real minute's wildcard jobs, then the
    fixed jobs of every virtual minute up to it. Back by at most three hours: wildcard jobs only, until the
    virtual clock is caught up with. A longer jump: the virtual clock is set and all jobs of that minute run.
    """
    started = []
    virtual = (start - MINUTE).astimezone(zone).replace(tzinfo=None)
    for now in (start + n * MINUTE for n in range(minutes)):
        wall = now.astimezone(zone).replace(tzinfo=None)
        jump = wall - virtual - MINUTE
        if jump == timedelta() or abs(jump) > 3 * HOUR:
            virtual = wall
            runs = spec.at(wall)
        elif jump > timedelta():
            missed = (virtual + n * MINUTE for n in range(1, (wall - virtual) // MINUTE + 1))
            runs = any(map(spec.at, missed)) if spec.fixed else spec.at(wall)
            virtual = wall
        else:
            runs = not spec.fixed and spec.at(wall)
        if runs:
            started.append(now)
    return started


@settings(max_examples=120, deadline=None)
@given(specs(), change_points, st.integers(-30, 6))
def test_an_expression_runs_when_a_daemon_that_watches_the_clock_would(
    spec: Spec, change, offset: int
) -> None:
    zone, base = ZoneInfo(change[0]), utc(f"{change[1]}T00:00+00:00") + offset * HOUR
    expected = [t for t in walked(spec, zone, base - 30 * HOUR, 72 * 60) if t > base]
    try:
        trigger = cron(spec.expr, tz=change[0])
    except TriggerError:
        assert not expected
        return
    found = list(trigger.between(base, base + 42 * HOUR - MINUTE))
    assert found == expected


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize(
    "expr",
    [
        "30 2 * * *",
        "0 0 * * *",
        "15,45 0-3 * * *",
        "0 23,0,1 * * *",
        "*/20 0-4 * * *",
        "0 * * * *",
        "7 */3 * * *",
    ],
)
def test_a_usual_expression_crosses_every_kind_of_change_as_the_daemon_does(
    expr: str, zone: str, day: str
) -> None:
    fields = [
        _known_part(text, low, high)
        for text, (low, high) in zip(expr.split(), [(0, 59), (0, 23)], strict=False)
    ]
    spec = Spec(*fields, STAR["day"], STAR["month"], STAR["weekday"])
    base = utc(f"{day}T00:00+00:00") - 36 * HOUR
    expected = [t for t in walked(spec, ZoneInfo(zone), base - 30 * HOUR, 108 * 60) if t > base]
    assert list(cron(expr, tz=zone).between(base, base + 78 * HOUR - MINUTE)) == expected


def _known_part(text: str, low: int, high: int) -> Part:
    values: set[int] = set()
    for element in text.split(","):
        body, _, step = element.partition("/")
        first, _, last = (
            f"{low}-{high}" if body == "*" else body if "-" in body else f"{body}-{body}"
        ).partition("-")
        values |= set(range(int(first), int(last) + 1, int(step or 1)))
    return Part(text, frozenset(values))


# The examples -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["id"])
def test_an_example_gives_the_instants_it_states(case) -> None:
    if "expected" in case:
        found = texts(case["expr"], case["timezone"], case["base"], len(case["expected"]))
        assert found == case["expected"], case["why"]
    else:
        with pytest.raises(TriggerError, match="never" if case["expected_kind"] == "never" else None):
            cron(case["expr"], tz=case["timezone"])


# Invariants -------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(specs(), change_points, st.integers(-2000, 2000), st.sampled_from(["cron", "skip", "both"]))
def test_results_increase_strictly_from_after_the_base_and_depend_on_nothing_else(
    spec, change, minutes, dst
) -> None:
    base = utc(f"{change[1]}T00:00+00:00") + minutes * MINUTE
    try:
        trigger = cron(spec.expr, tz=change[0], dst=dst)
    except TriggerError:
        assume(False)
    found = list(islice(trigger.walk(base), 8))
    assert all(before < later for before, later in pairwise([base, *found]))
    for before, later in pairwise(found):
        inside = before + (later - before) * 0.6
        assert (
            trigger.next(before)
            == trigger.next(inside)
            == trigger.next(later - timedelta(microseconds=1))
            == later
        )


@settings(max_examples=60, deadline=None)
@given(specs(), change_points)
def test_a_wildcard_job_runs_in_each_matching_real_minute_and_no_other(spec: Spec, change) -> None:
    assume(not spec.fixed)
    zone, base = ZoneInfo(change[0]), utc(f"{change[1]}T00:00+00:00") - DAY
    try:
        trigger = cron(spec.expr, tz=change[0])
    except TriggerError:
        assume(False)
    minutes = [base + n * MINUTE for n in range(1, 48 * 60)]
    expected = [t for t in minutes if spec.at(t.astimezone(zone))]
    assert list(trigger.between(base, minutes[-1])) == expected


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 59), st.integers(0, 23), change_points)
@example(30, 2, ("Europe/Berlin", "2024-03-31"))
@example(59, 23, ("America/St_Johns", "2006-10-29"))
def test_a_fixed_daily_job_runs_once_for_each_local_date(minute: int, hour: int, change) -> None:
    assume(change[0] not in LOST_A_DAY)
    zone, middle = ZoneInfo(change[0]), date.fromisoformat(change[1])
    first = datetime(middle.year, middle.month, middle.day, 12, tzinfo=zone) - 5 * DAY
    found = list(cron(f"{minute} {hour} * * *", tz=change[0]).between(first, first + 10 * DAY))
    assert len(found) == 10
    for at in found:
        wall = at.astimezone(zone)
        if (wall.hour, wall.minute) != (hour, minute):
            gap = wall.utcoffset() - (at - timedelta(seconds=1)).astimezone(zone).utcoffset()
            assert timedelta() < gap <= 3 * HOUR, "moved, but not to the end of a gap"


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in CHANGES}))
@pytest.mark.parametrize("expr", ["30 2 * * *", "0 0 * * *", "30 23 * * *"])
def test_a_fixed_daily_job_runs_on_every_day_of_a_year(zone: str, expr: str) -> None:
    for year in (2023, 2024):
        start = datetime(year, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
        end = datetime(year + 1, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
        assert cron(expr, tz=zone).count(start, end) == (366 if year == 2024 else 365)


def test_a_lost_day_loses_its_run_and_no_other() -> None:
    found = texts("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00-10:00", 3)
    assert found == ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", "2012-01-01T12:00:00+14:00"]


def test_a_repeated_day_repeats_its_run() -> None:
    found = texts("0 12 * * *", "Pacific/Kwajalein", "1969-09-29T13:00:00+11:00", 3)
    assert found == ["1969-09-30T12:00:00+11:00", "1969-09-30T12:00:00-12:00", "1969-10-01T12:00:00-12:00"]


def test_the_process_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    asked = ("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00+01:00", 3)
    before = texts(*asked)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert texts(*asked) == before
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_naive_base_is_refused() -> None:
    with pytest.raises(TriggerError, match="no zone"):
        cron("0 2 * * *", tz="UTC").next(datetime(2024, 1, 1))


def test_a_result_compares_and_adds_as_elapsed_time() -> None:
    """Repeated wall times of a zone are never equal to anything in Python; fixed offsets are."""
    first, second = islice(cron("*/30 1 * * *", tz="America/New_York").walk(utc("2024-11-03T05:15+00:00")), 2)
    assert first == utc("2024-11-03T05:30+00:00")
    assert first + 30 * MINUTE == second


# Policies ---------------------------------------------------------------------------------------------


def test_skip_leaves_out_what_falls_into_a_gap() -> None:
    found = texts("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00+01:00", 2, dst="skip")
    assert found == ["2024-04-01T02:30:00+02:00", "2024-04-02T02:30:00+02:00"]


def test_skip_runs_a_fixed_job_once_in_a_fold() -> None:
    found = texts("30 1 * * *", "America/New_York", "2024-11-02T12:00:00-04:00", 2, dst="skip")
    assert found == ["2024-11-03T01:30:00-04:00", "2024-11-04T01:30:00-05:00"]


def test_both_runs_a_fixed_job_on_both_passes_of_a_fold() -> None:
    found = texts("30 1 * * *", "America/New_York", "2024-11-02T12:00:00-04:00", 3, dst="both")
    assert found == ["2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00", "2024-11-04T01:30:00-05:00"]


def test_both_moves_what_falls_into_a_gap_to_its_end() -> None:
    found = texts("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00+01:00", 2, dst="both")
    assert found == ["2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"]


@pytest.mark.parametrize("dst", ["cron", "skip", "both"])
def test_an_hourly_job_runs_in_every_real_hour_under_every_policy(dst: str) -> None:
    for day in ("2024-03-31", "2024-10-27"):
        found = list(
            cron("0 * * * *", tz="Europe/Berlin", dst=dst).between(
                utc(f"{day}T00:00+00:00") - HOUR, utc(f"{day}T08:00+00:00")
            )
        )
        assert all(later - before == HOUR for before, later in pairwise(found))
        assert len(found) == 9


def test_a_fold_that_crosses_midnight_keeps_the_order() -> None:
    """At 00:01 clocks went back to 23:01: one date's second pass follows the next date's first minute."""
    found = texts("0,30 23,0 * * *", "America/St_Johns", "2006-10-28T22:00:00-02:30", 5, dst="both")
    assert found == [
        "2006-10-28T23:00:00-02:30",
        "2006-10-28T23:30:00-02:30",
        "2006-10-29T00:00:00-02:30",
        "2006-10-28T23:30:00-03:30",
        "2006-10-29T00:00:00-03:30",
    ]


# The dialect ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "same"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("0\t9  * *   MON-FRI", "0 9 * * 1-5"),
        ("  0 9 * * *  ", "0 9 * * *"),
        ("5-5 * * * *", "5 * * * *"),
        ("10/20 * * * *", "10,30,50 * * * *"),
        ("*/90 * * * *", "0 * * * *"),
        ("5-10/90 * * * *", "5 * * * *"),
        ("0 0 * jan-MAR,12 sUn", "0 0 * 1,2,3,12 7"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("007 * * * *", "7 * * * *"),
        ("0 0 * * 5/1", "0 0 * * 5,6,7"),
        ("0 0 l * *", "0 0 L * *"),
        ("0 0 * * FRIL", "0 0 * * 5L"),
        ("0 0 * * sun#2", "0 0 * * 0#2"),
        ("59/1 * * * *", "59 * * * *"),
        ("5,5,5-6 * * * *", "5,6 * * * *"),
    ],
)
def test_two_spellings_mean_the_same(expr: str, same: str) -> None:
    base = datetime(2024, 1, 1, tzinfo=UTC)
    assert list(islice(cron(expr, tz="UTC").walk(base), 40)) == list(
        islice(cron(same, tz="UTC").walk(base), 40)
    )


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ("60 * * * *", "minute '60' at position 1 is out of range: give 0 to 59"),
        ("* 24 * * *", "hour '24' at position 3 is out of range: give 0 to 23"),
        ("0 0 32 * *", "day-of-month '32' at position 5 is out of range"),
        ("0 0 0 * *", "day-of-month '0' at position 5"),
        ("0 0 * 13 *", "month '13' at position 7"),
        ("0 0 * 0 *", "month '0'"),
        ("0 0 * * 8", "day-of-week '8' at position 9 is out of range: give 0 to 7"),
        ("0 0 * * 1,MAN", "day-of-week 'MAN' at position 11"),
        ("0 0 * FOO *", "month 'FOO'"),
        ("0 0 * JANUARY *", "JAN FEB"),
        ("0 0 * MON *", "month 'MON'"),
        ("*/0 * * * *", "step of zero"),
        ("5/0 * * * *", "step of zero"),
        ("*/ * * * *", "step"),
        ("*/-5 * * * *", "step"),
        ("*/1.5 * * * *", "step"),
        ("*/5/2 * * * *", "step"),
        ("1,,2 * * * *", "minute '' at position 3"),
        (",1 * * * *", "position 1"),
        ("1, * * * *", "position 3"),
        ("1- * * * *", "leaves a value out"),
        ("-5 * * * *", "leaves a value out"),
        ("1-2-3 * * * *", "minute '1-2-3'"),
        ("+5 * * * *", "minute '+5'"),
        ("1.5 * * * *", "minute '1.5'"),
        ("1#6 * * * *", "minute '1#6'"),
        ("5x * * * *", "minute '5x'"),
        ("** * * * *", "minute '**'"),
        ("*-5 * * * *", "minute '*-5'"),
        ("\uff15 * * * *", "position 1"),
        ("0 0 * * \u0660", "ASCII"),
        ("0 0 * * \u017fun", "ASCII"),
        ("50-10 * * * *", "runs backwards: write 50-59,0-10"),
        ("0 0 * * FRI-MON", "runs backwards: write FRI-7,0-MON"),
        ("0 22-6 * * *", "write 22-23,0-6"),
        ("0 0 * * 1#6", "1 to 5"),
        ("0 0 * * 1#0", "1 to 5"),
        ("0 0 * * 1#", "1 to 5"),
        ("0 0 * * #2", "leaves a value out"),
        ("0 0 * * MON-FRI#2", "day-of-week 'MON-FRI#2'"),
        ("0 0 * * L", "L in day-of-month"),
        ("0 0 * * 8L", "out of range"),
        ("0 0 * * 1-5L", "day-of-week"),
        ("0 0 15W * *", "day-of-month '15W'"),
        ("0 0 L-3 * *", "day-of-month 'L-3'"),
        ("0 0 L/2 * *", "day-of-month 'L/2'"),
        ("L 0 * * *", "minute 'L'"),
        ("0 0 ? * MON", "day-of-month '?'"),
        ("H * * * *", "minute 'H'"),
        ("R * * * *", "minute 'R'"),
        ("", "no fields"),
        ("   ", "no fields"),
        ("0 0 * *", "4 fields, the day-of-week is missing"),
        ("5", "1 field, the hour"),
        ("0 0 1 1 * 2024", "seconds='first'"),
        ("0 0 0 1 1 * 2024", "7 fields"),
        ("0 0\u00a0* * * *", "position"),
        ("0 0 * * *\n0 1 * * *", "9 fields|day-of-week"),
        ("@reboot", "on runtime.started"),
        ("@every 5m", "no cron alias"),
        ("@", "no cron alias"),
        ("@Daily", "no cron alias"),
        ("9999999999 * * * *", "minute"),
    ],
)
def test_what_is_refused_names_the_field_the_place_and_the_remedy(expr: str, says: str) -> None:
    with pytest.raises(TriggerError, match=None) as caught:
        cron(expr, tz="UTC")
    message = str(caught.value)
    assert any(option in message for option in says.split("|")), message
    assert "\n" not in message
    assert ": " in message


@pytest.mark.parametrize(
    "expr",
    [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "0 0 30-31 FEB *",
        "* * */20 * 1L",
        "0 0 30 2 *,1#5",
        "0 0 31 2 */1",
        "0 0 */15 2 1#2",
    ],
)
def test_a_date_that_no_year_has_is_refused(expr: str) -> None:
    with pytest.raises(TriggerError, match="never matches"):
        cron(expr, tz="UTC")


@pytest.mark.parametrize(
    ("expr", "base", "expected"),
    [
        ("0 0 29 2 *", "2096-03-01", "2104-02-29"),
        ("0 0 29 2 *", "2023-01-01", "2024-02-29"),
        ("0 0 * 2 1#5", "2024-01-01", "2044-02-29"),
        ("0 0 */28 2 1#5", "2073-01-01", "2112-02-29"),
        ("0 0 31 2 1", "2024-01-01", "2024-02-05"),
        ("0 0 LW 2 *", "2026-01-01", "2026-02-27"),
        ("0 0 L 2 *", "2024-01-01", "2024-02-29"),
        ("0 0 LW * *", "2024-06-01", "2024-06-28"),
        ("0 0 * * 5L", "2024-02-01", "2024-02-23"),
        ("0 0 1 * 5L", "2024-02-02", "2024-02-23"),
    ],
)
def test_a_rare_date_is_found(expr: str, base: str, expected: str) -> None:
    found = cron(expr, tz="UTC").next(utc(f"{base}T00:00+00:00"))
    assert found is not None
    assert found.date().isoformat() == expected


def test_the_walk_ends_with_the_calendar() -> None:
    assert cron("0 0 1 1 *", tz="UTC").next(datetime(9998, 12, 31, 23, tzinfo=UTC)) is None
    assert cron("0 0 1 1 *", tz="UTC").next(datetime.max.replace(tzinfo=UTC)) is None
    assert cron("0 0 1 1 *", tz="Asia/Tokyo").next(datetime.min.replace(tzinfo=UTC)) is not None


def test_seconds_stand_where_it_was_said() -> None:
    base = utc("2024-01-01T00:00+00:00")
    first, last = (
        cron("*/20 30 2 * * *", tz="UTC", seconds="first"),
        cron("30 2 * * * */20", tz="UTC", seconds="last"),
    )
    expected = [f"2024-01-01T02:30:{second}+00:00" for second in ("00", "20", "40")]
    assert [t.isoformat() for t in islice(first.walk(base), 3)] == expected
    assert [t.isoformat() for t in islice(last.walk(base), 3)] == expected
    assert first.next(utc("2024-01-01T02:30:20+00:00")) == utc("2024-01-01T02:30:40+00:00")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seconds": "first"}, "needs six"),
        ({"seconds": "both"}, "first"),
        ({"dst": "shift"}, "dst"),
        ({"tz": "Europe/Berln"}, "Europe/Berlin"),
        ({"tz": ""}, "time zone"),
        ({"tz": "../etc/passwd"}, "time zone"),
        ({"tz": "Europe"}, "time zone"),
    ],
)
def test_a_wrong_option_is_refused(options, says: str) -> None:
    with pytest.raises(TriggerError, match=says):
        cron("0 2 * * *", **({"tz": "UTC"} | options))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet="0123456789*/,-# LWMONJAN@\t?", max_size=25))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    said = ""
    try:
        assert parse(text).possible
    except TriggerError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


# Days -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(specs(minute=st.just(Part("0", frozenset({0}))), hour=st.just(Part("0", frozenset({0})))))
def test_an_expression_is_refused_exactly_when_no_kind_of_year_has_its_day(spec: Spec) -> None:
    days = (
        date(2000, 1, 1) + n * DAY for n in range(28 * 365 + 7)
    )  # 2000 to 2027: all fourteen kinds of year
    try:
        parse(spec.expr)
        accepted = True
    except TriggerError:
        accepted = False
    assert accepted == any(map(spec.on_date, days))


def test_the_last_weekdays_of_months_are_those_of_the_calendar() -> None:
    rule = DayRule(frozenset(), True, True, frozenset(), frozenset({5}), frozenset({(1, 2)}), both=False)
    for year in range(2000, 2028):
        for month in range(1, 13):
            length = monthrange(year, month)[1]
            days = [date(year, month, day) for day in range(1, length + 1)]
            expected = {
                days[-1],
                [d for d in days if d.weekday() < 5][-1],
                [d for d in days if d.weekday() == 4][-1],
                [d for d in days if d.weekday() == 0][1],
            }
            assert {d for d in days if rule.matches(d.day, length, d.isoweekday() % 7)} == expected


# Other engines, where they are right ------------------------------------------------------------------


def has_range_of_one(spec: Spec) -> bool:
    """Holds `a-a`, which both others misread in some places."""
    ranges = [element.split("/")[0].split("-") for field in spec.expr.split() for element in field.split(",")]
    return any(len(ends) == 2 and ends[0] == ends[1] for ends in ranges)


@settings(max_examples=80, deadline=None)
@given(specs(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_cronsim_agrees_where_no_clock_changes(spec: Spec, base: datetime) -> None:
    assume(not has_range_of_one(spec))
    base = base.replace(microsecond=0, tzinfo=UTC)
    try:
        trigger = cron(spec.expr, tz="UTC")
    except TriggerError:
        assume(False)
    assert list(islice(trigger.walk(base), 10)) == list(islice(CronSim(spec.expr, base), 10))


@pytest.mark.parametrize(
    "expr",
    [
        "0 0 L * *",
        "0 0 LW * *",
        "0 0 * * 5L",
        "0 0 * * 1#3",
        "0 0 * * 7#1,3#5",
        "0 0 1,L * *",
        "0 0 13 * 5L",
        "0 9 */2 * 1L,2",
    ],
)
def test_cronsim_agrees_on_days_by_their_place_in_the_month(expr: str) -> None:
    base = datetime(2023, 1, 1, tzinfo=UTC)
    assert list(islice(cron(expr, tz="UTC").walk(base), 60)) == list(islice(CronSim(expr, base), 60))


@settings(max_examples=60, deadline=None)
@given(specs(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_croniter_agrees_where_no_clock_changes_and_no_range_is_one_value(spec: Spec, base: datetime) -> None:
    assume(not has_range_of_one(spec))
    assume("/" not in spec.weekday.text)  # N/step ends at 6 there
    assume(all(field.star or len(field.values) < full for field, full in ((spec.day, 31), (spec.weekday, 7))))
    base = base.replace(microsecond=0, tzinfo=UTC)
    try:
        trigger = cron(spec.expr, tz="UTC")
    except TriggerError:
        assume(False)
    other = croniter(spec.expr, base, implement_cron_bug=True)
    assert list(islice(trigger.walk(base), 6)) == [other.get_next(datetime) for _ in range(6)]


def test_walls_begin_at_the_second_that_was_asked() -> None:
    calendar: Calendar = parse("*/7 9-17/4 * * *")
    everything = list(islice(calendar.walls(datetime(2024, 1, 1)), 200))
    for start in (
        datetime(2024, 1, 1, 9, 7),
        datetime(2024, 1, 1, 9, 7, 1),
        datetime(2024, 1, 2, 13, 59),
        datetime(2024, 1, 3, 23),
    ):
        expected = everything[bisect_right(everything, start - timedelta(seconds=1)) :][:20]
        assert list(islice(calendar.walls(start), 20)) == expected
