"""What is found: the details of a group as text, and rows of the one table that says it all."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Self

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
HERE = (
    "nbsched", "papermill", "nbclient", "jupyter_client", "ipykernel", "numpy", "pandas", "huey", "apscheduler",
    "croniter", "cronsim",
)  # fmt: skip
"""Whose versions are told."""


@dataclass(frozen=True)
class Row:
    """A figure of ours and a peer's; the bounds are of their ratio, without a peer of ours alone.

    None stands for what could not be measured, which `peer` explains.
    """

    what: str
    ours: float | None
    unit: str
    peer: str = ""
    theirs: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    @property
    def missed(self) -> bool:
        judged = self.ratio if self.peer else self.ours
        if judged is None:
            return False
        return (self.most is not None and judged > self.most) or (
            self.least is not None and judged < self.least
        )

    @property
    def target(self) -> str:
        bounds = [f"≤ {self.most:g}"] if self.most is not None else []
        bounds += [f"≥ {self.least:g}"] if self.least is not None else []
        return ", ".join([*bounds, *(["missed"] if self.missed else [])])

    def cells(self) -> list[str]:
        ours = "not measured" if self.ours is None else f"{figure(self.ours)} {self.unit}".strip()
        theirs = (
            self.peer if self.theirs is None else f"{self.peer}: {figure(self.theirs)} {self.unit}".strip()
        )
        return [self.what, ours, theirs, "" if self.ratio is None else figure(self.ratio), self.target]


@dataclass(frozen=True)
class Report:
    """What one group has found."""

    text: str
    rows: tuple[Row, ...] = ()

    def __add__(self, other: Report) -> Self:
        return type(self)(f"{self.text}\n{other.text}", (*self.rows, *other.rows))


def figure(value: float) -> str:
    """Two or three digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows as Markdown, under their title."""
    return f"### {title}\n\n{markdown(columns, rows)}\n"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def summary(rows: Iterable[Row], facts: str) -> str:
    """The table for the README, and what it was measured with."""
    columns = ["measurement", "nbsched", "best peer", "ratio", "target"]
    return f"{markdown(columns, [row.cells() for row in rows])}\n\n{facts}"


def machine(peers: Iterable[str] = ()) -> str:
    """What the figures depend on; no name of the machine."""
    versions = [f"{name} {found}" for name in HERE if (found := _version(name))]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} in one session on {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}; {', '.join([*versions, *peers])}."
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def written_into(text: str, found: str) -> str:
    """The text with what was found between its two marks; ValueError where they are missing."""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(
            f"the README has no {BEGIN} line with {END} behind it: put them where the table goes"
        )
    return f"{before}{begin}\n{found}\n\n{end}{after}"
