from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.graph import cycle, descendants, topological

NAMES = "abcdefgh"
GRAPHS = st.fixed_dictionaries({name: st.lists(st.sampled_from(NAMES), max_size=3) for name in NAMES})


def test_ties_keep_the_order_of_definition() -> None:
    assert topological({"d": [], "c": ["a"], "b": [], "a": []}) == ["d", "b", "a", "c"]


def test_a_diamond_is_sorted_and_has_no_cycle() -> None:
    needs = {"end": ["left", "right"], "left": ["start"], "right": ["start"], "start": []}
    assert topological(needs) == ["start", "left", "right", "end"]
    assert cycle(needs) is None


def test_a_cycle_is_named_in_the_order_of_running() -> None:
    assert cycle({"x": [], "a": ["x", "c"], "b": ["a"], "c": ["b"], "behind": ["c"]}) == ["a", "b", "c", "a"]
    assert cycle({"a": ["a"]}) == ["a", "a"]


def test_descendants_are_the_starts_and_all_behind_them() -> None:
    needs = {"a": [], "b": ["a"], "c": ["b"], "d": [], "e": ["d", "c"]}
    assert descendants(needs, ["b"]) == {"b", "c", "e"}


def test_a_chain_of_many_thousands_is_no_matter() -> None:
    size = 20_000
    chain = {str(at): [str(at - 1)] if at else [] for at in range(size)}
    assert topological(chain) == list(chain)
    assert len(descendants(chain, ["0"])) == size
    found = cycle({**chain, "0": [str(size - 1)]})
    assert found is not None
    assert len(found) == size + 1


@given(GRAPHS)
def test_every_name_is_sorted_or_behind_a_cycle(needs: dict[str, list[str]]) -> None:
    order = topological(needs)
    place = {name: at for at, name in enumerate(order)}
    assert all(place[need] < place[name] for name in order for need in needs[name])
    found = cycle(needs)
    assert (found is None) == (len(order) == len(needs))
    if found:
        assert all(before in needs[after] for before, after in pairwise(found))
        assert found[0] == found[-1]
        assert len(set(found)) == len(found) - 1
