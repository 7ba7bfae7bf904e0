from __future__ import annotations

from bisect import insort

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nbsched.core import limits
from nbsched.core.limits import Rate, rate_of


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/m", Rate(10, 60_000)),
        ("1/s", Rate(1, 1_000)),
        ("3/h", Rate(3, 3_600_000)),
        ("2/d", Rate(2, 86_400_000)),
    ],
)
def test_a_rate_is_a_count_per_period(text: str, rate: Rate) -> None:
    assert rate_of(text) == rate


@given(st.integers(1, 4), st.integers(1, 50), st.lists(st.integers(0, 30), max_size=40))
def test_in_any_span_of_the_period_no_more_begin_than_may_and_none_is_kept_waiting(
    count: int, period: int, gaps: list[int]
) -> None:
    rate, starts, now = Rate(count, period), list[int](), 0
    for gap in gaps:
        now += gap
        at = rate.next_start(starts, now)
        assert at >= now
        for earlier in range(now, at):  # at no earlier instant would it have been within its rate
            assert sum(earlier - period < start for start in starts) >= count
        insort(starts, at)
        now = max(now, at)
    for begin in starts:
        assert sum(begin <= start < begin + period for start in starts) <= count


priorities, instants = st.integers(-10, 10), st.integers(0, 10**6)


@given(priorities, instants, priorities, instants, st.integers(1, 10**5))
def test_of_two_that_wait_the_one_is_first_that_has_gained_more(
    one: int, since: int, other: int, other_since: int, ageing: int
) -> None:
    now = max(since, other_since)
    gained = (one - (now - since) / ageing) - (other - (now - other_since) / ageing)
    difference = limits.rank(one, since, ageing) - limits.rank(other, other_since, ageing)
    assert abs(gained - difference / ageing) < 1e-6


@given(priorities, priorities, st.integers(1, 10**5))
def test_whoever_has_waited_long_enough_is_before_all_that_come_later(
    low: int, high: int, ageing: int
) -> None:
    long_enough = max(0, low - high) * ageing + 1
    assert limits.rank(low, 0, ageing) < limits.rank(high, long_enough, ageing)


@pytest.mark.parametrize(
    ("durations", "most"),
    [
        ([], None),
        ([60_000] * 4, None),
        ([10, 11, 10, 12, 10], 1_010),
        ([60_000] * 5, 90_000),
        ([60_000] * 19 + [600_000], 90_000),
        ([60_000] * 18 + [600_000] * 2, 600_000),
    ],
    ids=["nothing", "too little", "tiny", "steady", "one of twenty", "two of twenty"],
)
def test_what_takes_longer_than_usual(durations: list[int], most: int | None) -> None:
    assert limits.usual_most(durations) == most


@given(st.lists(st.integers(0, 10**7), min_size=5, max_size=60))
def test_what_is_usual_is_never_alarming(durations: list[int]) -> None:
    most = limits.usual_most(durations)
    assert most is not None
    assert sum(took > most for took in durations) <= 0.05 * len(durations)
    assert most >= sorted(durations)[(len(durations) - 1) // 2] + 1_000
