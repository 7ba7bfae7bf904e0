from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import hypothesis.strategies as st
from hypothesis import given

from nbsched.core.instants import floor_ms, from_ms, span_ms, to_ms

AWARE = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(minutes=345)), timezone(-timedelta(minutes=570))]),
)  # fmt: skip
MILLISECOND = timedelta(milliseconds=1)


@given(AWARE)
def test_an_instant_is_never_stored_as_an_earlier_one(at: datetime) -> None:
    assert timedelta() <= from_ms(to_ms(at)) - at < MILLISECOND


@given(AWARE)
def test_the_present_is_never_told_as_a_later_one(at: datetime) -> None:
    assert timedelta() <= at - from_ms(floor_ms(at)) < MILLISECOND


@given(st.integers(-(10**12), 10**13))
def test_milliseconds_come_back_as_themselves(ms: int) -> None:
    assert to_ms(from_ms(ms)) == floor_ms(from_ms(ms)) == ms


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=10_000)))
def test_a_span_is_never_stored_as_a_shorter_one(span: timedelta) -> None:
    assert timedelta() <= span_ms(span) * MILLISECOND - span < MILLISECOND


def test_nothing_stays_nothing() -> None:
    assert (to_ms(None), from_ms(None), span_ms(None)) == (None, None, None)
