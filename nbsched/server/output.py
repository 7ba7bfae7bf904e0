"""Routes about what a run shows and prints: its output notebook, its log, and another run beside it."""

from __future__ import annotations

from nbsched.core.comparing import Comparison
from nbsched.engine.calls import Calls
from nbsched.engine.output import LogPart, NotebookPart, compare, read_log, read_notebook
from nbsched.server.fields import whole
from nbsched.server.routes import Given, Route, fields

_EXACT = 2**53 - 1
"""The largest number that JavaScript counts exactly."""


def _notebook(calls: Calls, given: Given) -> NotebookPart:
    return read_notebook(calls.get_run(given["id"]), given.get("since", 0))


def _log(calls: Calls, given: Given) -> LogPart:
    return read_log(calls.get_run(given["id"]), given.get("offset", 0))


def _compare(calls: Calls, given: Given) -> Comparison:
    return compare(calls.get_run(given["id"]), calls.get_run(given["other"]))


ROUTES = (
    Route(
        path="/runs/{id}/notebook", summary="the output notebook's cells that changed, also while it runs",
        answer=_notebook, gives=NotebookPart,
        query=fields(since=whole("the `next` of the last answer; without it all cells", most=_EXACT)),
    ),
    Route(
        path="/runs/{id}/log", summary="what a run printed from an offset on, over all its attempts", answer=_log,
        gives=LogPart, query=fields(offset=whole("the `next` of the last answer", most=_EXACT)),
    ),
    Route(
        path="/runs/{id}/compare/{other}", summary="the parameters of two runs that differ, and their cells",
        answer=_compare, gives=Comparison,
    ),
)  # fmt: skip
