"""What is told of a source: all there is, or what has changed; the same for whoever is told."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nbsched.core.panel import Overview, Source
from nbsched.core.rows import PanelRow

MOST_CHANGED = 1000
"""From so many changes on, everything is told instead."""
LOOKED = 10
"""So many runs that were looked at are kept up to date in full."""

News = dict[str, Any]
"""What is told, as JSON."""


@dataclass(frozen=True, slots=True)
class Lens:
    """A source as views see it that show one run of it (`focus`), or all, and look at some runs."""

    source: Source
    focus: int | None = None
    looked: Collection[int] = ()

    def changed(self, cursor: Any) -> tuple[Collection[int], Any]:
        """Which runs to be told of have changed since the cursor, and the cursor of now."""
        return self.source.changed(cursor, self.shown)

    def everything(self) -> News:
        """All there is, but for what `inside` tells."""
        return {"all": True} if self.focus is not None else {"all": True, **self.source.snapshot()}

    def rows(self, changed: Collection[int]) -> News:
        """The rows of these runs, as far as they are shown."""
        found = [row for row in self.source.rows(changed) if self._shows(row)] if changed else []
        return {"rows": found} if found else {}

    def _shows(self, row: PanelRow) -> bool:
        run, parent = row["id"], row["parent"]
        if self.focus is None and parent is None:
            return True
        return self.focus in (parent, run) or parent in self.looked or run in self.looked

    @property
    def shown(self) -> set[int]:
        """The runs of which more is shown than a row."""
        return {*self.looked, *([] if self.focus is None else [self.focus])}

    def inside(self, run: int) -> News:
        """More of a run that is shown: its graph, if it is a pipeline's, and when it is looked at its details."""
        details = self.source.details(run) if run in self.looked else None
        view = self.source.pipeline(run)
        return ({"details": {run: details}} if details else {}) | ({"pipelines": {run: view}} if view else {})


def stamp(cursor: Any) -> str:
    """Tells what a source holds at that cursor from what it holds at others."""
    return hashlib.blake2b(repr(cursor).encode(), digest_size=8).hexdigest()


def head(now: Overview, before: Overview | None) -> News:
    """The head of the panel, for who knows the one before: the schedules only when one has changed."""
    short: News = {"now_ms": now["now_ms"], "counts": now["counts"]}
    if before is None or before["schedules"] != now["schedules"]:
        short["schedules"] = now["schedules"]
    return {"overview": short}
