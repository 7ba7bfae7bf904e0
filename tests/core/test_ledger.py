from __future__ import annotations

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from nbsched.core.ledger import due_occurrences, next_after, previous
from nbsched.core.triggers import instants, parse_trigger

START = datetime(2026, 3, 28, tzinfo=UTC)
TEXTS = (
    "every 7m from 2026-03-28T00:00+00:00", "every 1s from 2026-03-28T00:00:00.500+00:00", "*/15 * * * * tz UTC",
    "30 2 * * * tz Europe/Berlin", "at 2026-03-28T10:00+00:00", "on data", "any(on data; 0 * * * * tz UTC)",
    "any(every 1h from 2026-03-28T00:20+00:00; */30 * * * * tz UTC)",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    begin=st.integers(0, 2000),
    length=st.integers(0, 2000),
    most=st.integers(1, 40),
)
def test_what_is_due_is_every_instant_once(text: str, begin: int, length: int, most: int) -> None:
    trigger = parse_trigger(text)
    after = START + timedelta(minutes=begin)
    until = after + timedelta(minutes=length if "1s" not in text else length / 60)
    theory = list(instants(trigger, after, until)) if trigger.timed else []
    older, tail = due_occurrences(trigger, after, until, most)
    assert len(tail) <= most
    assert [item.at for item in tail] == theory[len(theory) - len(tail) :]
    left = theory[: len(theory) - len(tail)]
    assert (older is None) == (not left)
    if older is not None:
        assert (older.since, older.until, older.count, older.reason) == (
            left[0],
            left[-1],
            len(left),
            "missed",
        )
        assert tail == [] or tail[0].previous == left[-1]


def test_a_long_time_of_a_short_period_is_counted_without_being_walked() -> None:
    trigger = parse_trigger("every 10ms from 2026-01-01T00:00+00:00")
    older, tail = due_occurrences(trigger, START, START + timedelta(days=300), 10)
    assert older is not None
    assert older.count + len(tail) == 300 * 86_400 * 100


@pytest.mark.parametrize(
    ("text", "at", "before"),
    [
        ("0 2 * * * tz UTC", "2026-03-28T02:00", "2026-03-27T02:00"),
        ("0 0 29 2 * tz UTC", "2028-02-29T00:00", "2024-02-29T00:00"),
        ("every 1h from 2026-03-28T00:00+00:00", "2026-03-28T01:00", "2026-03-28T00:00"),
        ("every 1h from 2026-03-28T00:00+00:00", "2026-03-28T00:00", "2026-03-28T00:00"),
        ("at 2026-03-28T00:00+00:00", "2026-03-28T00:00", "2026-03-28T00:00"),
    ],
)
def test_the_instant_before_or_itself_when_there_is_none(text: str, at: str, before: str) -> None:
    assert previous(parse_trigger(text), datetime.fromisoformat(f"{at}+00:00")) == datetime.fromisoformat(
        f"{before}+00:00"
    )


def test_the_next_instant_lies_within_start_and_end() -> None:
    hourly, hour = parse_trigger("0 * * * * tz UTC"), timedelta(hours=1)
    assert next_after(hourly, START, None, None) == START + hour
    assert next_after(hourly, START, START + 3 * hour, None) == START + 3 * hour
    assert next_after(hourly, START, None, START + hour) == START + hour
    assert next_after(hourly, START + hour, None, START + hour) is None
    assert next_after(parse_trigger("on data"), START, None, None) is None
