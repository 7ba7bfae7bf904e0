"""Paired measurements: all contestants take turns in one session, so that noise hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from statistics import median

from tests.benchmarks.results import Report, Row, table

OURS = "nbsched"
UNITS = {1e-6: "µs", 1e-3: "ms", 1: "s"}


@dataclass(frozen=True)
class Spent:
    """Seconds for one unit of work: by the wall clock, of the CPU by all processes that did it, and by the machine."""

    wall: float
    cpu: float
    machine: float = 0


def spent(work: Callable[[], object], units: int) -> Spent:
    """What the work, done by this process alone, takes for each of its units."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent((time.perf_counter() - wall) / units, (time.process_time() - cpu) / units)


def in_turns(contestants: Mapping[str, Callable[[], Spent]], rounds: int) -> dict[str, Spent]:
    """The medians of each contestant's rounds."""
    found: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            found[name].append(measure())
    return {name: Spent(*map(median, zip(*map(astuple, all_), strict=True))) for name, all_ in found.items()}


def is_ours(name: str) -> bool:
    return name.startswith(OURS)


def best_peer(found: Mapping[str, Spent], of: Callable[[Spent], float] = lambda took: took.wall) -> str:
    """The contestant that took least, of those that are not ours."""
    return min((name for name in found if not is_ours(name)), key=lambda name: of(found[name]))


def comparison(
    title: str,
    found: Mapping[str, Spent],
    target: Mapping[str, float],
    unit: float = 1e-6,
    ours: str = OURS,
    *,
    machine: bool = False,
) -> Report:
    """The contestants beside each other, with our share of each and what it is to be at most.

    The rows are those of the peers with a target, or of the best one.
    """
    peers = [name for name in found if name in target] or [best_peer(found)]
    name = UNITS[unit]
    rows = [Row(title, found[ours].wall / unit, name, peer, found[peer].wall / unit, most=target.get(peer))
            for peer in peers]  # fmt: skip
    columns = ["", f"wall {name}", f"CPU {name}", *([f"CPU of the machine {name}"] if machine else []),
               "nbsched is", "target"]  # fmt: skip
    lines = []
    for who, took in found.items():
        figures = astuple(took) if machine else (took.wall, took.cpu)
        ratio = "" if who == ours else f"{found[ours].wall / took.wall:.3f}"
        most = f"≤ {target[who]:g}" if who in target else ""
        lines.append([who, *(f"{value / unit:,.1f}" if unit < 1 else f"{value:,.2f}" for value in figures),
                      ratio, most])  # fmt: skip
    return Report(table(title, columns, lines), tuple(rows))
