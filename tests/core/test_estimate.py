"""How long a notebook still needs, by what its last runs took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.estimate import Estimate, Past, Usual


def test_the_remaining_cells_take_what_each_took_at_the_median() -> None:
    usual = Usual(
        [Past(9_000, [1_000, 5_000, 3_000]), Past(9_500, [1_000, 5_500, 3_000]), Past(5_000, [900] * 3)], 3
    )
    assert usual.estimate(0, 0, 100) == Estimate(100 + 9_000, 8_000)
    assert usual.estimate(1, 0, 2_000) == Estimate(2_000 + 8_000, 3_000)
    assert usual.estimate(3, 0, 9_000) is None


def test_runs_with_other_cells_tell_only_how_long_the_whole_takes() -> None:
    usual = Usual([Past(4_000, [1, 2]), Past(6_000), Past(20_000, [1])], 3)
    assert usual.estimate(1, 500, 3_000) == Estimate(6_500)
    assert usual.estimate(3, 500, 3_000) is None


def test_one_run_with_as_many_cells_says_more_than_many_without() -> None:
    usual = Usual([Past(90_000, [1]), Past(3_000, [1_000, 2_000]), Past(90_000)], 2)
    assert usual.estimate(0, 0, 0) == Estimate(3_000, 2_000)


def test_without_history_nothing_is_known() -> None:
    assert Usual([], 3).estimate(0, 0, 0) is None
    assert Usual([Past(1_000)], 0).estimate(0, 0, 0) is None


def test_a_cell_that_takes_longer_than_ever_leaves_the_others_to_come() -> None:
    assert Estimate(10_000, 3_000).left_ms(4_000) == 6_000
    assert Estimate(10_000, 3_000).left_ms(60_000) == 3_000
    assert Estimate(10_000).left_ms(60_000) is None


lists = st.lists(st.integers(0, 10**6), min_size=1, max_size=20)


@given(lists, st.integers(0, 10**6))
def test_a_run_that_goes_as_the_one_before_ends_when_it_was_expected_to(took: list[int], began: int) -> None:
    usual, now = Usual([Past(sum(took), took)], len(took)), began
    for done, one in enumerate(took):
        estimate = usual.estimate(done, began, now)
        if estimate is not None:
            assert estimate.ends_ms == began + sum(took)
            assert estimate.rest_ms == sum(took[done + 1 :])
        now += one
