"""Where the steps of a pipeline stand when it is drawn."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.layout import layout


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    steps = [f"s{n}" for n in range(draw(st.integers(1, 14)))]
    possible = list(combinations(steps, 2))
    edges = draw(st.lists(st.sampled_from(possible), max_size=25)) if possible else []
    return draw(st.permutations(steps)), edges


@given(graphs())
def test_every_edge_goes_to_the_right_and_no_two_boxes_overlap(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    steps, edges = graph
    found = layout(steps, edges)
    assert set(found.places) == set(steps)
    assert all(found.places[left][0] < found.places[right][0] for left, right in edges)
    for one, other in combinations(found.places.values(), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) > 0.99


@given(graphs())
def test_an_edge_runs_layer_by_layer_and_crosses_no_box(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    found = layout(*graph)
    assert set(found.paths) == set(graph[1])
    for (left, right), points in found.paths.items():
        assert (points[0], points[-1]) == (found.places[left], found.places[right])
        assert all(after[0] == before[0] + 1 for before, after in pairwise(points))
        bends = points[1:-1]
        boxes = [place for place in found.places.values() if place[0] in {layer for layer, _ in bends}]
        assert all(abs(box[1] - height) > 0.7 for layer, height in bends for box in boxes if box[0] == layer)


@given(graphs())
def test_the_same_pipeline_is_always_drawn_the_same_from_height_zero(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    one, other = layout(*graph), layout(*graph)
    heights = [height for points in one.paths.values() for _, height in points]
    assert one == other
    assert min([height for _, height in one.places.values()] + heights) == 0


def test_a_diamond_is_symmetric_and_keeps_the_order_of_definition() -> None:
    found = layout(["a", "b", "c", "d"], [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    assert found.places == {"a": (0, 0.5), "b": (1, 0.0), "c": (1, 1.0), "d": (2, 0.5)}


def test_an_edge_that_names_no_step_is_left_out() -> None:
    assert layout(["a"], [("a", "gone"), ("a", "a")]).paths == {}


def test_a_pipeline_without_steps_is_an_empty_picture() -> None:
    assert layout([], []).places == {}
