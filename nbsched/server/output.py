"""What a run shows and prints, asked from outside: its output notebook, its log, and another run beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsched.core.comparing import Comparison
from nbsched.engine.calls import Calls
from nbsched.engine.output import LogPart, NotebookPart, compare, read_log, read_notebook
from nbsched.server.routes import Route


def _notebook(calls: Calls, given: Mapping[str, Any]) -> NotebookPart:
    return read_notebook(calls.get_run(int(given["id"])), int(given.get("since", 0)))


def _log(calls: Calls, given: Mapping[str, Any]) -> LogPart:
    return read_log(calls.get_run(int(given["id"])), int(given.get("offset", 0)))


def _compare(calls: Calls, given: Mapping[str, Any]) -> Comparison:
    return compare(calls.get_run(int(given["id"])), calls.get_run(int(given["other"])))


ROUTES = (
    Route(
        path=r"/runs/(?P<id>\d+)/notebook", summary="the cells of its output that changed", answer=_notebook
    ),
    Route(path=r"/runs/(?P<id>\d+)/log", summary="what it printed, from an offset on", answer=_log),
    Route(path=r"/runs/(?P<id>\d+)/compare/(?P<other>\d+)", summary="two runs side by side", answer=_compare),
)
