from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.durations import duration, duration_text
from nbsched.core.errors import UsageError


@pytest.mark.parametrize(("written", "seconds"), [
    ("90s", 90), ("5m", 300), ("1h30m", 5400), ("3d", 259_200), ("2w", 1_209_600), ("3 days", 259_200),
    ("1 day, 2 hours", 93_600), ("250ms", 0.25), ("1.5h", 5400), (" 1 H ", 3600), ("0s", 0), (90, 90), (0.5, 0.5),
    (timedelta(days=1), 86_400), ("10 min", 600), ("2 hrs", 7200), ("5 secs", 5),
])  # fmt: skip
def test_a_duration_is_read_as_people_write_it(written: object, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", [
    "", " ", "5", "m", "5 fortnights", "1h 30", "-5s", "5s-", "1e3s", "٣s", -1, True, None, [], float("nan"),
    float("inf"), 1e30, "99999999999999w", timedelta(seconds=-1),
])  # fmt: skip
def test_what_is_no_duration_is_refused_by_the_options_name(written: object) -> None:
    with pytest.raises(UsageError, match="timeout"):
        duration(written, "timeout")


@pytest.mark.parametrize(("seconds", "text"), [
    (5400, "1h30m"), (0.25, "250ms"), (0, "0s"), (86_400 * 15 + 1.5, "2w1d1s500ms"),
])  # fmt: skip
def test_a_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


@given(st.integers(0, 10**14))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert duration(duration_text(value)) == value
