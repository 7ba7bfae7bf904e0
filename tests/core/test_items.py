"""A mapped step's items in numbers and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.items import ended, fates, how_many
from nbsched.core.states import State

counts = st.dictionaries(st.sampled_from([str(state) for state in State]), st.integers(1, 10_000))


@given(counts)
def test_no_more_items_have_ended_than_there_are(items: dict[str, int]) -> None:
    done, total = ended(items)
    active = sum(items.get(state, 0) for state in ("pending", "queued", "running"))
    assert done == total - active


@pytest.mark.parametrize(("state", "items", "words"), [
    (State.RUNNING, {"succeeded": 130, "failed": 2, "pending": 168}, "132 of 300 · 2 failed"),
    (State.RUNNING, {"succeeded": 132, "running": 4, "queued": 164}, "132 of 300"),
    (State.PENDING, {}, ""),
    (State.FAILED, {"succeeded": 298, "failed": 2}, "300 items"),
    (State.SUCCEEDED, {"succeeded": 1}, "1 item"),
    (State.SUCCEEDED, {}, "no items"),
    (State.FAILED, {}, ""),
])  # fmt: skip
def test_how_many_items_there_are_is_said_for_where_their_step_stands(
    state: State, items: dict[str, int], words: str
) -> None:
    assert how_many(state, items) == words


def test_what_became_of_the_items_is_said_where_not_all_have_succeeded() -> None:
    assert fates({"failed": 2, "succeeded": 298}) == "298 ok · 2 failed"
    assert fates({"skipped": 1, "cancelled": 3}) == "3 cancelled · 1 skipped"
    assert fates({"succeeded": 300}) == fates({}) == ""
