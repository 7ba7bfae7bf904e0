"""What runs write, as the pretended server tells it: notebooks that grow, logs, events, comparisons."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from nbsched.core.rows import run_row
from tests.ui.pretended import Server

WRITTEN = re.compile(r"/runs/(\d+)/(notebook|log|compare)(?:/(\d+))?")
MIME = {"plain": "text/plain", "html": "text/html", "markdown": "text/markdown", "latex": "text/latex",
        "svg": "image/svg+xml", "javascript": "application/javascript"}  # fmt: skip
ONE = re.compile(r"/runs/(\d+)")


def code(
    source: str, *outputs: Mapping[str, Any], count: int | None = None, status: str = "completed"
) -> dict[str, Any]:
    """A cell as papermill leaves it."""
    seconds = {} if status in ("pending", "running") else {"duration": 0.42 + len(source) / 100}
    return {"cell_type": "code", "id": f"c{abs(hash(source)) % 10**6}", "source": source, "outputs": list(outputs),
            "execution_count": count, "metadata": {"papermill": {"status": status, **seconds}}}  # fmt: skip


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"m{abs(hash(source)) % 10**6}", "source": source, "metadata": {}}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    """What a cell displays, by the short names of MIME."""
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {MIME[name]: text for name, text in data.items()},
    }


def failure(name: str, value: str, *lines: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(lines)}


class RunServer(Server):
    """Beside what the panel is told: by run the cells, the log and the events."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.cells: dict[int, list[dict[str, Any]]] = {}
        self.versions: dict[int, list[int]] = {}
        self.events: dict[int, list[dict[str, Any]]] = {}
        self.compared: dict[str, Any] = {"params": [], "cells": []}
        self.posted: list[tuple[str, Any]] = []

    def write(self, run: int, index: int, cell: dict[str, Any]) -> None:
        """That cell of the run's output is so from now on."""
        cells, versions = self.cells.setdefault(run, []), self.versions.setdefault(run, [])
        if index == len(cells):
            cells.append(cell)
            versions.append(0)
        cells[index] = cell
        versions[index] = max(versions) + 1

    def _about(self, path: str, query: Mapping[str, list[str]], request: Any) -> Any:
        if request.method == "POST":
            self.posted.append((path, json.loads(request.post_data or "null")))
        if found := WRITTEN.fullmatch(path):
            return self._written(int(found[1]), found[2], query)
        if (found := ONE.fullmatch(path)) and request.method == "GET":
            run = int(found[1])
            return {
                **run_row(self.source.runs[run]),
                "steps": {},
                "attempts": [],
                "events": self.events.get(run, []),
                "cells": [],
            }
        return super()._about(path, query, request)

    def _news(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        looked = [int(one) for one in query.get("look", [""])[0].split(",") if one]
        views = {run: view for run in looked if (view := self.source.pipeline(run))}
        return {**super()._news(query), "pipelines": views}

    def _written(self, run: int, what: str, query: Mapping[str, list[str]]) -> Any:
        if what == "compare":
            return self.compared
        ended = self.source.runs[run].state.final
        if what == "log":
            text, offset = self.source.logs.get(run, ""), int(query["offset"][0])
            return {"text": text[offset:], "next": len(text), "ended": ended}
        cells, versions, since = self.cells.get(run, []), self.versions.get(run, []), int(query["since"][0])
        changed = [{"index": n, "cell": cell} for n, cell in enumerate(cells) if versions[n] > since]
        path = self.source.runs[run].output
        return {
            "path": path,
            "next": max(versions, default=0),
            "ended": ended,
            "all": len(changed) == len(cells),
            "cells": changed,
        }
