"""Routes about runs."""

from __future__ import annotations

from typing import Any

from nbsched.core.errors import InvalidState
from nbsched.core.panel import Details, PipelineView
from nbsched.core.rawtext import RawText
from nbsched.core.rows import RunRow
from nbsched.engine.calls import Calls
from nbsched.loading.apart import begin
from nbsched.panel.source import StoreSource
from nbsched.server.fields import (
    LIMIT,
    NUMBER,
    PARAMS,
    PATH,
    PIPELINE,
    POLICY,
    RUN,
    STATE,
    anything,
    flag,
    text,
)
from nbsched.server.places import file_in
from nbsched.server.routes import Given, Route, fields
from nbsched.verbs.runs import WholeRun, whole_run


def _runs(calls: Calls, given: Given) -> list[RunRow]:
    return [run.row for run in calls.runs(**given)]


def _start(calls: Calls, given: Given) -> RunRow:
    asked = {name: given[name] for name in ("params", "key", "pipeline") if name in given}
    policy = {name: given[name] for name in POLICY if name in given and name != "key"}
    run = begin(calls, "run", file_in(given.root, given["path"]), {**asked, "policy": policy})
    return calls.get_run(int(run)).row


def _run(calls: Calls, given: Given) -> WholeRun:
    return whole_run(calls, given["id"])


def _details(calls: Calls, given: Given) -> Details | None:
    calls.get_run(given["id"])
    return StoreSource(calls).details(given["id"])


def _pipeline(calls: Calls, given: Given) -> PipelineView:
    run = calls.get_run(given["id"])
    found = StoreSource(calls).pipeline(run.id)
    if found is None:
        raise InvalidState(f"run {run.id} of {run.name!r} is no pipeline's: ask for its details")
    return found


def _cancel(calls: Calls, given: Given) -> RunRow:
    calls.cancel(given["id"])
    return calls.get_run(given["id"]).row


def _retry(calls: Calls, given: Given) -> RunRow:
    options = {name: given[name] for name in ("from_failed", "from_step", "params") if name in given}
    return calls.retry(given["id"], **options).row


def _resolve(calls: Calls, given: Given) -> RunRow:
    value: Any = given["value"]
    calls.resolve(given["id"], RawText(value) if isinstance(value, str) else value)
    return calls.get_run(given["id"]).row


def _set_priority(calls: Calls, given: Given) -> RunRow:
    calls.set_priority(given["id"], given["priority"])
    return calls.get_run(given["id"]).row


FILTERS = {name: text(f"only runs of this {name}") for name in ("name", "schedule", "pipeline")}
STEPS = {
    "type": "array", "items": {"type": "string", "minLength": 1},
    "description": "do these steps and all behind them again too",
}  # fmt: skip

ROUTES = (
    Route(
        path="/runs", summary="runs, newest first; steps only with `parent`", answer=_runs, gives=list[RunRow],
        query=fields(state=STATE, **FILTERS, parent={**RUN, "description": "the steps of this run"}, limit=LIMIT),
    ),
    Route(
        method="POST", path="/runs", summary="run a notebook, or a pipeline of a Python file, now", answer=_start,
        gives=RunRow, status=201, body=fields("path", path=PATH, pipeline=PIPELINE, params=PARAMS, **POLICY),
    ),
    Route(path="/runs/{id}", summary="a run with its steps, attempts and events", answer=_run, gives=WholeRun),
    Route(path="/runs/{id}/details", summary="what a panel shows of a run", answer=_details, gives=Details),
    Route(
        path="/runs/{id}/pipeline", summary="what a panel shows of a pipeline's run", answer=_pipeline,
        gives=PipelineView,
    ),
    Route(method="POST", path="/runs/{id}/cancel", summary="stop a run", answer=_cancel, gives=RunRow),
    Route(
        method="POST", path="/runs/{id}/retry", summary="run an ended run again, a pipeline from its failed steps",
        answer=_retry, gives=RunRow, status=201,
        body=fields(from_failed=flag("take over what succeeded; the default"), from_step=STEPS, params=PARAMS),
    ),
    Route(
        method="POST", path="/runs/{id}/resolve", summary="answer a run that waits for a person", answer=_resolve,
        gives=RunRow, body=fields("value", value=anything("true or false, or what it asks for; a text as it is typed")),
    ),
    Route(
        method="POST", path="/runs/{id}/priority", summary="move a run in the line", answer=_set_priority,
        gives=RunRow, body=fields("priority", priority={**POLICY["priority"], "description": NUMBER}),
    ),
)  # fmt: skip
