"""Each instant of a schedule has one row, and what accounts for it is in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.instants import to_ms
from nbsched.core.occurrences import Account, occurrences
from nbsched.core.states import State

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hour: int) -> datetime:
    return START + hour * HOUR


def skipped(run: int, first: int, last: int) -> Account:
    return Account(
        run=run, state=State.SKIPPED, reason="missed", since_ms=to_ms(at(first)), until_ms=to_ms(at(last))
    )


def begun(run: int, hour: int) -> Account:
    ms = to_ms(at(hour))
    return Account(run=run, state=State.SUCCEEDED, reason=None, since_ms=ms, until_ms=ms)


def test_an_instant_has_its_run_or_the_row_that_says_why_not() -> None:
    began, now = {to_ms(at(0)): begun(1, 0)}, at(5)
    rows = occurrences(map(at, range(8)), began, [skipped(2, 1, 3)], now)
    assert [(row["run"], row["state"], row["reason"]) for row in rows] == [
        (1, "succeeded", None), *[(2, "skipped", "missed")] * 3, *[(None, None, "not run")] * 2,
        *[(None, None, "not yet")] * 2,
    ]  # fmt: skip
    assert rows[0]["at"] == "2026-01-05T00:00:00+00:00"


def test_a_backfills_run_goes_before_the_row_that_says_why_it_was_not_run() -> None:
    [row] = occurrences([at(2)], {to_ms(at(2)): begun(9, 2)}, [skipped(2, 1, 3)], at(5))
    assert row["run"] == 9


@given(st.lists(st.integers(1, 4), max_size=8), st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_every_instant_comes_once_with_what_covers_it(lengths: list[int], ran: set[int], now: int) -> None:
    rows, first = [], 0
    for run, length in enumerate(lengths):
        rows.append(skipped(run, first, first + length - 1))
        first += length + 1
    found = occurrences(
        map(at, range(31)), {to_ms(at(one)): begun(100 + one, one) for one in ran}, rows, at(now)
    )
    assert [row["at"] for row in found] == [at(hour).isoformat() for hour in range(31)]
    for hour, row in enumerate(found):
        covering = [one.run for one in rows if one.since_ms <= to_ms(at(hour)) <= one.until_ms]
        expected = 100 + hour if hour in ran else next(iter(covering), None)
        assert row["run"] == expected
        assert row["reason"] == (
            None if hour in ran else "missed" if covering else "not yet" if hour > now else "not run"
        )
