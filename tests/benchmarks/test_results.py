"""What is made of figures: ratios, targets, medians and the table of all."""

from __future__ import annotations

import pytest

from tests.benchmarks.__main__ import README
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns
from tests.benchmarks.results import BEGIN, END, Row, summary, written_into


@pytest.mark.parametrize(("ours", "theirs", "most", "least", "ratio", "missed"), [
    (1.0, 4.0, 0.25, None, 0.25, False),
    (1.1, 4.0, 0.25, None, 0.275, True),
    (8.0, 4.0, None, 2, 2, False),
    (7.0, 4.0, None, 2, 1.75, True),
])  # fmt: skip
def test_a_target_is_of_the_ratio_to_the_peer(
    ours: float, theirs: float, most: float | None, least: float | None, ratio: float, missed: bool
) -> None:
    row = Row("what", ours, "s", "peer", theirs, most, least)
    assert (row.ratio, row.missed) == (pytest.approx(ratio), missed)
    assert ("missed" in row.target) == missed


def test_a_target_without_a_peer_is_of_the_figure() -> None:
    assert Row("what", 1, "", most=0).missed
    assert not Row("what", 0, "", most=0).missed


def test_a_peer_that_is_not_there_is_named_and_nothing_is_missed() -> None:
    row = Row("a task", 120, "µs", "DBOS, not installed", most=0.05)
    assert (row.cells(), row.missed) == (["a task", "120 µs", "DBOS, not installed", "", "≤ 0.05"], False)


def test_the_summary_has_a_line_for_each_row() -> None:
    rows = [Row("one cell", 80, "ms", "papermill", 800, most=0.05), Row("frames", 60, "per second", least=30)]
    assert summary(rows, "2 cores").splitlines() == [
        "| measurement | nbsched | best peer | ratio | target |", "| --- | --- | --- | --- | --- |",
        "| one cell | 80 ms | papermill: 800 ms | 0.1 | ≤ 0.05, missed |",
        "| frames | 60 per second |  |  | ≥ 30 |", "", "2 cores",
    ]  # fmt: skip


def test_the_table_replaces_what_stands_between_the_marks() -> None:
    once = written_into(f"before\n{BEGIN}\nold\n{END}\nafter\n", "table")
    assert once == f"before\n{BEGIN}\n\ntable\n\n{END}\nafter\n"
    assert written_into(once, "table") == once
    with pytest.raises(ValueError, match="put them where the table goes"):
        written_into("before\nafter\n", "table")


def test_the_readme_has_room_for_the_table() -> None:
    assert "table" in written_into(README.read_text("utf-8"), "table")


def test_contestants_take_turns_and_their_medians_count() -> None:
    order, walls = [], iter([1.0, 10.0, 5.0, 30.0, 2.0, 20.0])

    def turn(name: str) -> Spent:
        order.append(name)
        return Spent(next(walls), 0)

    found = in_turns({"a": lambda: turn("a"), "b": lambda: turn("b")}, 3)
    assert order == ["a", "b"] * 3
    assert (found["a"].wall, found["b"].wall) == (2, 20)


def test_a_comparison_has_a_row_for_each_peer_with_a_target_or_for_the_best() -> None:
    found = {OURS: Spent(1, 1), f"{OURS}, otherwise": Spent(0.5, 1), "slow": Spent(4, 1), "fast": Spent(2, 1)}
    assert [(row.peer, row.ratio) for row in comparison("x", found, {"slow": 0.5}).rows] == [("slow", 0.25)]
    assert [(row.peer, row.ratio) for row in comparison("x", found, {}).rows] == [("fast", 0.5)]
    assert (
        "| slow | 4,000,000.0 | 1,000,000.0 | 0.250 | ≤ 0.5 |" in comparison("x", found, {"slow": 0.5}).text
    )
