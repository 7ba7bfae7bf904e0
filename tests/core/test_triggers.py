"""Triggers as values: their text, their instants, the events they match."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbsched.core import triggers as nb
from nbsched.core.errors import ExpressionError, TriggerError
from nbsched.core.triggers import Trigger, parse_trigger

START = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def berlin() -> Iterator[None]:
    before = nb.default_zone()
    nb.set_default_zone("Europe/Berlin")
    yield
    nb.set_default_zone(before)


# Text -------------------------------------------------------------------------------------------------

CANONICAL = [
    "0 2 * * * tz Europe/Berlin",
    "0 2 * * * tz Europe/Berlin dst skip",
    "0 2 * * * tz UTC dst both",
    "@daily",
    "@weekly tz Asia/Kathmandu",
    "*/10 * * * * * tz UTC seconds first",
    "0 0 LW * 5#2 30 tz UTC dst skip seconds last",
    "every 30s from 2026-01-01T00:00+00:00",
    "every 1h30m",
    "every 250ms from 2026-01-01T00:00:01.500-03:30",
    "at 2026-12-01T09:00+01:00",
    "at 2026-12-01T09:00:05+00:00",
    "on data.available",
    "on *",
    "on data.*.done",
    'on data where {"k": 1}',
    'on data where {"a": {"b": [1, "x; y)"]}}',
    "on data where rows > 10 and kind == 'a; b('",
    "after fetch",
    "after fetch failed",
    "after fetch within 2h",
    "after fetch skipped within 1d",
    'after "my task" failed',
    'after "a; b) \\"c\\"" within 5m',
    "any(@daily; on data)",
    "all(0 2 * * * tz UTC; every 1d from 2026-01-01T02:00+00:00)",
    'any(after a; any(every 5m; on b where {"k": ";"}); all(@daily; @weekly))',
    "any(@daily)",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_a_text_is_given_back_as_it_was(text: str, berlin: None) -> None:
    found = parse_trigger(text)
    assert str(found) == text
    assert parse_trigger(str(found)) == found == parse_trigger(found.stored) == nb.as_trigger(found)
    assert hash(parse_trigger(text)) == hash(found)
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  0   2 * * *   tz\tEurope/Berlin ", "0 2 * * * tz Europe/Berlin"),
        ("every 90 s", "every 1m30s"),
        ("every 3 days from 2026-01-01 00:00Z", "every 3d from 2026-01-01T00:00+00:00"),
        ("EVERY 5m", "every 5m"),
        ("at 2026-12-01 09:00:00.0004+01:00", "at 2026-12-01T09:00:00.001+01:00"),
        ("after fetch succeeded", "after fetch"),
        ('on data where {"b": 1,"a":2}', 'on data where {"a": 2, "b": 1}'),
        ("any( @daily ;on data )", "any(@daily; on data)"),
        ("0 2 * * *", "0 2 * * * tz Europe/Berlin"),
        ("0 2 * * * dst cron tz UTC", "0 2 * * * tz UTC"),
        ("0 2 * * * 5 seconds last tz UTC", "0 2 * * * 5 tz UTC seconds last"),
    ],
)
def test_another_spelling_becomes_the_usual_one(text: str, same: str, berlin: None) -> None:
    assert str(parse_trigger(text)) == same


def test_a_stored_text_names_its_zone(berlin: None) -> None:
    assert nb.cron("@daily").stored == "@daily tz Europe/Berlin"
    assert (
        nb.any_of("@daily", "0 2 * * *").stored == "any(@daily tz Europe/Berlin; 0 2 * * * tz Europe/Berlin)"
    )
    assert nb.cron("@daily") == nb.cron("@daily", tz="Europe/Berlin") != nb.cron("@daily", tz="UTC")


def test_a_text_without_zone_is_read_in_the_zone_that_is_given(berlin: None) -> None:
    assert (
        parse_trigger("any(0 2 * * *; 0 3 * * * tz UTC)", tz="Asia/Tokyo").stored
        == "any(0 2 * * * tz Asia/Tokyo; 0 3 * * * tz UTC)"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a trigger"),
        ("tomorrow", "is not a trigger"),
        ("0 2 * * * tz", "after 'tz'"),
        ("0 2 * * * tz Mars/Base", "time zone"),
        ("0 2 * * * dst maybe", "dst"),
        ("0 2 * * * in Berlin", "7 fields"),
        ("every", "empty"),
        ("every soon", "period"),
        ("every 0s", "too short"),
        ("every 5m from noon", "not an instant"),
        ("every 5m from 2026-01-01T00:00", "no offset"),
        ("at 2026-12-01T09:00", "no offset"),
        ("at", "not an instant"),
        ("on", "on NAME"),
        ("on a b", "on NAME"),
        ("on a..b", "event's name"),
        ("on data* ", "whole parts"),
        ("on data where", "on NAME"),
        ("on data where f(x)", "call"),
        ("on data where {", "cannot be read"),
        ("after", "after NAME"),
        ("after my task", "cannot wait for 'task'"),
        ("after fetch running", "cannot wait for 'running'"),
        ("after fetch within", "after NAME|cannot wait"),
        ("after fetch within soon", "within"),
        ('after "x', "quoted|after NAME"),
        ("any()", "is not a trigger"),
        ("all(@daily; on data)", "waits for an event"),
        ("any(@daily; )", "is not a trigger"),
        ("any(" * 30 + "@daily" + ")" * 30, "nested"),
        ("any(@daily", "no cron alias|is not a trigger|fields"),
    ],
)
def test_a_text_that_is_no_trigger_is_refused(text: str, says: str) -> None:
    with pytest.raises((TriggerError, ExpressionError)) as caught:
        parse_trigger(text)
    assert any(option in str(caught.value) for option in says.split("|")), caught.value
    assert len(str(caught.value).splitlines()) == 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet='any(l;) every 5m@dilo*0"{}', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_trigger(text)
    except (TriggerError, ExpressionError):
        return
    assert parse_trigger(str(found)) == found


names = st.text(min_size=1, max_size=12).filter(str.strip)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(
    lambda at: at.replace(tzinfo=timezone(timedelta(minutes=at.minute * 7 - 200)))
)
periods = st.integers(1, 10**10).map(lambda ms: timedelta(milliseconds=ms))
simple = st.one_of(
    st.builds(lambda p, s: nb.every(p, start=s), periods, st.none() | moments),
    st.builds(nb.at, moments),
    st.sampled_from(["0 2 * * *", "*/5 * * * 1-5", "@hourly"]).map(lambda e: nb.cron(e, tz="Asia/Kathmandu")),
    st.builds(
        nb.on,
        st.sampled_from(["a.b", "data.*"]),
        st.none() | st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    ),
    st.builds(
        nb.after, names, st.sampled_from(["succeeded", "failed", "cancelled", "skipped"]), st.none() | periods
    ),
)
trigger_values = st.recursive(
    simple, lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda t: nb.any_of(*t)), max_leaves=5
)


@settings(max_examples=200, deadline=None)
@given(trigger_values)
def test_every_trigger_is_read_back_from_its_text(trigger: Trigger) -> None:
    assert parse_trigger(str(trigger)) == trigger == pickle.loads(pickle.dumps(trigger))
    assert str(parse_trigger(str(trigger))) == str(trigger)
    assert isinstance(hash(trigger), int)


# Instants ---------------------------------------------------------------------------------------------


def test_every_counts_elapsed_time_from_its_start_which_is_itself_an_instant() -> None:
    trigger = nb.every("90s", start="2026-01-01T00:00Z")
    assert trigger.next(START - DAY) == START
    assert trigger.next(START) == START + 90 * SECOND
    assert trigger.next(START + 90 * SECOND - timedelta(microseconds=1)) == START + 90 * SECOND
    across = nb.every("1d", start=datetime(2024, 3, 30, 12, tzinfo=ZoneInfo("Europe/Berlin")))
    assert [
        t.astimezone(ZoneInfo("Europe/Berlin")).hour for t in islice(across.walk(START.replace(year=2024)), 3)
    ] == [12, 13, 13]


@settings(max_examples=100, deadline=None)
@given(periods, moments, moments)
def test_an_every_never_drifts(period: timedelta, start: datetime, after: datetime) -> None:
    trigger = nb.every(period, start=start)
    found = trigger.next(after)
    assert found > after
    assert (found - trigger.start) % period == timedelta()
    assert found == trigger.start or found - period <= after


def test_an_every_without_start_is_anchored_once() -> None:
    trigger = nb.every("5m")
    anchored = trigger.anchored(START)
    assert anchored.start == START
    assert anchored.anchored(START + DAY) == anchored != trigger
    assert trigger.next(START) == anchored.next(START) == START + timedelta(minutes=5)
    assert nb.any_of("@daily", trigger).anchored(START) == nb.any_of("@daily", anchored)
    assert nb.on("x").anchored(START) == nb.on("x")


def test_every_instant_is_a_whole_millisecond_and_never_early() -> None:
    odd = START + timedelta(microseconds=1500)
    assert nb.at(odd).when == START + timedelta(milliseconds=2) == nb.every("1s").anchored(odd).start
    assert nb.every(1 / 3).period == timedelta(milliseconds=333)
    assert nb.at(odd).next(odd) is not None


def test_an_at_comes_once() -> None:
    trigger = nb.at("2026-01-01T01:00+01:00")
    assert trigger.next(START - SECOND) == START
    assert trigger.next(START) is None


def test_an_instant_in_the_second_pass_of_a_fold_is_that_instant() -> None:
    second = datetime(2024, 11, 3, 1, 30, fold=1, tzinfo=ZoneInfo("America/New_York"))
    assert nb.at(second).when == datetime(2024, 11, 3, 6, 30, tzinfo=UTC)
    assert str(nb.at(second)) == "at 2024-11-03T01:30-05:00"


@pytest.mark.parametrize("naive", [datetime(2026, 1, 1), "2026-01-01T00:00"])
def test_naive_times_are_refused(naive) -> None:
    for attempt in (
        lambda: nb.at(naive),
        lambda: nb.every("1h", start=naive),
        lambda: nb.every("1h").anchored(naive),
    ):
        with pytest.raises(TriggerError, match=r"no zone|no offset"):
            attempt()


@pytest.mark.parametrize(
    "text",
    ["@daily", "every 1h", "at 2026-12-01T09:00+01:00", "any(@daily; on x)", "all(@daily; @weekly)", "on x"],
)
def test_a_naive_base_is_refused_by_every_trigger(text: str) -> None:
    with pytest.raises(TriggerError, match="no zone"):
        parse_trigger(text).next(datetime(2026, 1, 1))


def test_any_of_gives_shared_instants_once_and_in_order() -> None:
    trigger = nb.any_of(
        "0 */2 * * * tz UTC", nb.every("3h", start=START), nb.at(START + HOUR), "0 1 * * * tz Europe/Berlin"
    )
    hours = [(t - START) // HOUR for t in nb.instants(trigger, START, START + 12 * HOUR)]
    assert hours == [1, 2, 3, 4, 6, 8, 9, 10, 12]


def test_any_of_all_ended_has_no_next() -> None:
    assert nb.any_of(nb.at(START), nb.at(START + HOUR)).next(START + HOUR) is None


def test_all_of_gives_what_all_parts_give() -> None:
    friday_13 = nb.all_of("0 0 13 * * tz UTC", "0 0 * * 5 tz UTC")
    assert [t.date().isoformat() for t in islice(friday_13.walk(START), 3)] == [
        "2026-02-13",
        "2026-03-13",
        "2026-11-13",
    ]
    met = nb.all_of(nb.every("6m", start=START), nb.every("10m", start=START + timedelta(minutes=4)))
    assert met.next(START) == START + timedelta(minutes=24)
    one = nb.all_of("0 * * * * tz UTC", nb.at(START + 5 * HOUR))
    assert list(one.walk(START)) == [START + 5 * HOUR]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 300)), min_size=1, max_size=3))
def test_all_of_and_any_of_are_intersection_and_union(pairs) -> None:
    parts = [nb.every(p, start=START + s * SECOND) for p, s in pairs]
    end = START + 900 * SECOND
    sets = [set(nb.instants(part, START, end)) for part in parts]
    assert list(nb.instants(nb.all_of(*parts), START, end)) == sorted(set.intersection(*sets))
    assert list(nb.instants(nb.any_of(*parts), START, end)) == sorted(set.union(*sets))


@pytest.mark.parametrize(
    "parts",
    [
        ("0 2 * * * tz UTC", "0 3 * * * tz UTC"),
        ("every 2h from 2026-01-01T00:00Z", "every 2h from 2026-01-01T01:00Z"),
        ("* * * * * tz UTC", "every 1m from 2026-01-01T00:00:30Z"),
        ("@daily tz UTC", "at 2026-01-01T01:00Z"),
    ],
)
def test_parts_that_never_meet_end_the_search(parts: tuple[str, str]) -> None:
    assert nb.all_of(*parts).next(START) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nb.any_of(), "at least one"),
        (lambda: nb.all_of("@daily", nb.on("x")), "waits for an event"),
        (lambda: nb.all_of("@daily", nb.any_of("@hourly", "after x")), "waits for an event"),
        (lambda: nb.any_of(5), "is not a trigger"),
        (lambda: nb.every(-1), "negative"),
        (lambda: nb.every("0.1ms"), "too short"),
        (lambda: nb.cron(5), "not text"),
        (lambda: nb.at(5), "not a datetime"),
        (lambda: nb.after(""), "name"),
        (lambda: nb.on(""), "event's name"),
        (lambda: nb.on("x", {"a": object()}), "not JSON"),
        (lambda: nb.on("x", {"a": float("nan")}), "not JSON"),
        (lambda: nb.next_times("on x", after=START), "no times"),
        (lambda: nb.next_times("@daily", -1, after=START), "zero or more"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(make, says: str) -> None:
    with pytest.raises(TriggerError, match=says):
        make()


def test_zones_and_kinds_are_told() -> None:
    assert (
        nb.cron("@daily", tz="Asia/Tokyo").tz == "Asia/Tokyo" == nb.any_of("on x", "@daily tz Asia/Tokyo").tz
    )
    assert nb.every("1h").tz is None
    assert nb.on("x").tz is None
    assert [
        parse_trigger(t).timed
        for t in ("@daily", "on x", "after x", "any(on x; @daily)", "any(on x; after y)")
    ] == [True, False, False, True, False]
    assert nb.any_of("on a.*", "after b failed", "any(on a.*; on c)", "@daily").event_patterns == (
        "a.*",
        "run.failed",
        "c",
    )


def test_next_times_lists_instants_in_the_zone_asked_for() -> None:
    assert [t.isoformat() for t in nb.next_times("0 2 * * *", 2, after=START, tz="Asia/Tokyo")] == [
        "2026-01-02T02:00:00+09:00",
        "2026-01-03T02:00:00+09:00",
    ]
    assert [t.isoformat() for t in nb.next_times(nb.every("1h"), 2, after=START, tz="Asia/Tokyo")] == [
        "2026-01-01T10:00:00+09:00",
        "2026-01-01T11:00:00+09:00",
    ]
    assert len(nb.next_times("@daily", after=START)) == 5
    assert nb.next_times("at 2020-01-01T00:00Z", after=START) == []


# What a ledger asks -----------------------------------------------------------------------------------

LEDGER = [
    "*/7 * * * * tz Europe/Berlin",
    "30 2 * * * tz Europe/Berlin",
    "every 37m from 2024-03-30T13:00Z",
    "at 2024-03-31T01:00Z",
    "any(@daily tz UTC; every 5h from 2024-03-01T00:00Z; on x)",
    "all(*/2 * * * * tz UTC; */3 * * * * tz UTC)",
    "on x",
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LEDGER), st.integers(0, 2000), st.integers(0, 2000))
def test_count_first_and_latest_say_what_the_instants_say(text: str, begin: int, length: int) -> None:
    trigger = parse_trigger(text)
    after = datetime(2024, 3, 30, 12, tzinfo=UTC) + timedelta(minutes=begin)
    until = after + timedelta(minutes=length)
    found = list(nb.instants(trigger, after, until))
    assert all(after < t <= until for t in found)
    assert nb.count(trigger, after, until) == len(found)
    assert nb.first(trigger, after, until) == (found[0] if found else None)
    assert nb.latest(trigger, after, until) == (found[-1] if found else None)


def test_an_empty_or_backward_range_holds_nothing() -> None:
    for text in LEDGER:
        trigger = parse_trigger(text)
        assert nb.count(trigger, START, START) == 0 == nb.count(trigger, START, START - DAY)
        assert nb.latest(trigger, START, START - DAY) is None is nb.first(trigger, START, START - DAY)


def test_a_range_given_in_a_zone_with_folds_is_exact() -> None:
    zone = ZoneInfo("America/New_York")
    first, second = (datetime(2024, 11, 3, 1, 30, fold=fold, tzinfo=zone) for fold in (0, 1))
    assert (
        nb.count(nb.every("10m", start=START - 900 * DAY), first, second)
        == 6
        == nb.count(nb.cron("*/10 * * * *", tz="UTC"), first, second)
    )


def test_a_year_of_seconds_is_counted_at_once() -> None:
    trigger, end = nb.every("1s", start=START), START + 365 * DAY
    began = perf_counter()
    assert nb.count(trigger, START, end) == 365 * 86400
    assert nb.latest(trigger, START, end) == end
    assert nb.first(trigger, START + DAY, end) == START + DAY + SECOND
    assert nb.latest(nb.cron("* * * * *", tz="UTC"), START, end) == end
    assert nb.latest(nb.cron("0 0 1 1 *", tz="UTC"), START - SECOND, end - SECOND) == START
    assert perf_counter() - began < 3


# Events -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("data.available", ["data.available"], ["data", "data.available.now", "dataxavailable", ""]),
        ("data.*", ["data.a", "data.a.b"], ["data", "data.", "database.a", "x.data.a"]),
        ("*.done", ["a.done", "a.b.done"], ["done", ".done", "a.done.b"]),
        ("a.*.z", ["a.b.z", "a.b.c.z"], ["a.z", "a.b.c"]),
        ("*", ["a", "a.b.c"], ["", "."]),
    ],
)
def test_a_star_stands_for_one_or_more_parts(pattern: str, fits: list[str], others: list[str]) -> None:
    assert all(nb.name_matches(pattern, name) for name in fits)
    assert not any(nb.name_matches(pattern, name) for name in others)


parts = st.lists(st.sampled_from(["a", "b", "+", "*"]), min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(parts, st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=6))
def test_a_pattern_matches_as_its_meaning_says(pattern: list[str], name: list[str]) -> None:
    @lru_cache
    def fits(i: int, j: int) -> bool:
        if i == len(pattern) or j == len(name):
            return i == len(pattern) and j == len(name)
        if pattern[i] == "*":
            return fits(i + 1, j + 1) or fits(i, j + 1)
        return pattern[i] == name[j] and fits(i + 1, j + 1)

    assert nb.name_matches(".".join(pattern), ".".join(name)) == fits(0, 0)


@pytest.mark.parametrize(
    ("where", "data", "expected"),
    [
        (None, {}, True),
        ({"k": 1}, {"k": 1, "x": 2}, True),
        ({"k": 1}, {"k": 2}, False),
        ({"k": 1}, {}, False),
        ({"k": None}, {}, False),
        ({"k": 1}, {"k": True}, False),
        ({"k": True}, {"k": True}, True),
        ({"k": 1}, {"k": 1.0}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": {"b": 1}}, {"a": 1}, False),
        ({}, {"x": 1}, True),
        ("rows > 10", {"rows": 11}, True),
        ("rows > 10", {"rows": 9}, False),
        ("rows > 10", {}, False),
        ("rows > 10", {"rows": "many"}, False),
        ("file.size > 1 and 'csv' in file.name", {"file": {"size": 2, "name": "a.csv"}}, True),
        ('{"k": 1}', {"k": 1}, True),
    ],
)
def test_an_on_matches_events_whose_data_holds_its_condition(where, data, expected: bool) -> None:
    trigger = nb.on("data.*", where)
    assert trigger.matches("data.new", data) is expected
    assert not trigger.matches("other", data)
    assert trigger.next(START) is None
    assert list(trigger.walk(START)) == []


ROW = {
    "id": 1,
    "name": "fetch",
    "schedule": "nightly",
    "pipeline": None,
    "step": None,
    "parent": None,
    "state": "succeeded",
    "scheduled_at": "2026-01-01T00:00:00+00:00",
    "started_at": "2026-01-01T00:00:01+00:00",
    "ended_at": "2026-01-01T01:00:00+00:00",
}


@pytest.mark.parametrize(
    ("text", "event", "change", "expected"),
    [
        ("after fetch", "run.succeeded", {}, True),
        ("after nightly", "run.succeeded", {}, True),
        ("after fetch", "run.failed", {}, False),
        ("after fetch failed", "run.failed", {"state": "failed"}, True),
        ("after fetch", "run.succeeded", {"parent": 7}, False),
        ("after fetc", "run.succeeded", {}, False),
        ("after fetch within 1h", "run.succeeded", {}, True),
        ("after fetch within 59m", "run.succeeded", {}, False),
        ("after fetch within 1h", "run.succeeded", {"scheduled_at": None}, False),
        ("any(after x; after fetch)", "run.succeeded", {}, True),
        ("after fetch within 1h", "run.succeeded", {"scheduled_at": START, "ended_at": START + HOUR}, True),
        ("@daily", "run.succeeded", {}, False),
    ],
)
def test_an_after_matches_the_end_of_the_named_top_level_run(
    text: str, event: str, change, expected: bool
) -> None:
    assert parse_trigger(text).matches(event, ROW | change) is expected
