"""Paired measurements: all contestants take turns in one session, so that noise hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

OURS = "nbsched"


@dataclass(frozen=True)
class Spent:
    """Seconds for one unit of work, by the wall clock and of this process's CPU."""

    wall: float
    cpu: float


def spent(work: Callable[[], object], units: int) -> Spent:
    """What the work takes, for each of its units."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent((time.perf_counter() - wall) / units, (time.process_time() - cpu) / units)


def in_turns(contestants: Mapping[str, Callable[[], Spent]], rounds: int) -> dict[str, Spent]:
    """The medians of each contestant's rounds."""
    found: dict[str, list[Spent]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            found[name].append(measure())
    return {name: Spent(median(one.wall for one in all_), median(one.cpu for one in all_))
            for name, all_ in found.items()}  # fmt: skip


def table(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """The rows as Markdown."""
    lines = [f"### {title}", "", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def comparison(
    title: str, found: Mapping[str, Spent], target: Mapping[str, float], unit: float = 1e-6
) -> str:
    """The contestants beside each other, with our share of each and what it is to be at most."""
    ours, name = found[OURS], {1e-6: "µs", 1e-3: "ms"}[unit]
    rows = []
    for who, took in found.items():
        ratio = "" if who == OURS else f"{ours.wall / took.wall:.3f}"
        most = f"<= {target[who]:g}" if who in target else ""
        rows.append([who, f"{took.wall / unit:,.1f}", f"{took.cpu / unit:,.1f}", ratio, most])
    return table(title, ["", f"wall {name}", f"CPU {name}", "nbsched is", "target"], rows)
