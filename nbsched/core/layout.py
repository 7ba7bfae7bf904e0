"""Where the steps of a pipeline stand when it is drawn from left to right.

Layers by longest path; an edge over several layers bends through a free place in each, so that no line
crosses a box; a few sweeps pull neighbours level. Ties keep the order of definition: nothing jumps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Node = str | tuple[str, str, int]
"""A step, or the place where an edge (from, to) passes a layer."""

SWEEPS = 8
_BEND_ROOM, _BOX_ROOM = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Layout:
    """`places` says (layer, height) of each step, `paths` the points of each edge; heights are in boxes, from 0."""

    places: Mapping[str, tuple[int, float]]
    paths: Mapping[tuple[str, str], Sequence[tuple[int, float]]]


@dataclass(slots=True)
class _Graph:
    layers: list[list[Node]]
    before: dict[Node, list[Node]] = field(default_factory=dict)
    behind: dict[Node, list[Node]] = field(default_factory=dict)

    def join(self, left: Node, right: Node) -> None:
        self.behind.setdefault(left, []).append(right)
        self.before.setdefault(right, []).append(left)


def layout(steps: Sequence[str], edges: Iterable[tuple[str, str]]) -> Layout:
    """Every step has a place, no two the same; edges that name no step, or the same two again, are left out."""
    known = set(steps)
    wanted = [edge for edge in dict.fromkeys(edges) if set(edge) <= known and edge[0] != edge[1]]
    depth = depths(steps, wanted)
    graph, chains = _with_bends(steps, wanted, depth)
    for sweep in range(SWEEPS):
        _reorder(graph, forwards=sweep % 2 == 0)
    heights = _heights(graph)
    places = {step: (depth[step], heights[step]) for step in steps}
    paths = {
        edge: [(depth[edge[0]] + at, heights[node]) for at, node in enumerate(chain)]
        for edge, chain in chains.items()
    }
    return Layout(places, paths)


def depths(steps: Sequence[str], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The number of edges on the longest way to each step; steps on a cycle get the last depth reached."""
    behind: dict[str, list[str]] = {step: [] for step in steps}
    open_needs = dict.fromkeys(steps, 0)
    for left, right in edges:
        behind[left].append(right)
        open_needs[right] += 1
    depth = dict.fromkeys(steps, 0)
    ready = [step for step in steps if not open_needs[step]]
    for step in ready:
        for after in behind[step]:
            depth[after] = max(depth[after], depth[step] + 1)
            open_needs[after] -= 1
            if not open_needs[after]:
                ready.append(after)
    return depth


def _with_bends(
    steps: Sequence[str], edges: Iterable[tuple[str, str]], depth: Mapping[str, int]
) -> tuple[_Graph, dict[tuple[str, str], list[Node]]]:
    graph = _Graph([[] for _ in range(max(depth.values(), default=-1) + 1)])
    for step in steps:
        graph.layers[depth[step]].append(step)
    chains: dict[tuple[str, str], list[Node]] = {}
    for left, right in edges:
        bends: list[Node] = [(left, right, layer) for layer in range(depth[left] + 1, depth[right])]
        for at, bend in enumerate(bends, depth[left] + 1):
            graph.layers[at].append(bend)
        chains[left, right] = chain = [left, *bends, right]
        for one, other in pairwise(chain):
            graph.join(one, other)
    return graph, chains


def _reorder(graph: _Graph, *, forwards: bool) -> None:
    neighbours = graph.before if forwards else graph.behind
    rank = {node: at - (len(layer) - 1) / 2 for layer in graph.layers for at, node in enumerate(layer)}
    for layer in graph.layers if forwards else reversed(graph.layers):
        layer.sort(key=lambda node: _mean([rank[other] for other in neighbours.get(node, ())], rank[node]))
        rank.update((node, at - (len(layer) - 1) / 2) for at, node in enumerate(layer))


def _heights(graph: _Graph) -> dict[Node, float]:
    heights: dict[Node, float] = {}
    for layer in graph.layers:
        heights.update(_spread(layer, [float(at) for at in range(len(layer))]))
    for sweep in range(SWEEPS):
        forwards = sweep % 2 == 1
        neighbours = graph.before if forwards else graph.behind
        for layer in graph.layers if forwards else reversed(graph.layers):
            wished = [_mean([heights[o] for o in neighbours.get(node, ())], heights[node]) for node in layer]
            heights.update(_spread(layer, wished))
    lowest = min(heights.values(), default=0.0)
    return {node: round(height - lowest, 3) for node, height in heights.items()}


def _spread(layer: Sequence[Node], wished: Sequence[float]) -> dict[Node, float]:
    """Each node as near to its wish as the order and the room between boxes allow, the layer centred on its wishes."""
    found: list[float] = []
    for at, wish in enumerate(wished):
        found.append(max(wish, found[-1] + _room(layer[at - 1], layer[at])) if at else wish)
    shift = _mean([wish - got for wish, got in zip(wished, found, strict=True)], 0.0)
    return {node: got + shift for node, got in zip(layer, found, strict=True)}


def _room(one: Node, other: Node) -> float:
    bends = isinstance(one, tuple) + isinstance(other, tuple)
    return (_BOX_ROOM, (_BOX_ROOM + _BEND_ROOM) / 2, _BEND_ROOM)[bends]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
