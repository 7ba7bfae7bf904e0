"""Routes about the store as a whole: who serves it, what it holds too long, what would run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from nbsched import __version__
from nbsched.core.instants import from_ms
from nbsched.engine.calls import Calls
from nbsched.engine.explaining import Answer
from nbsched.exporting import TARGETS
from nbsched.server.fields import flag, one_of, text
from nbsched.server.routes import Given, Route, fields
from nbsched.store.hosts import VISITOR


class About(TypedDict):
    """Which nbsched this is, on which store, and whether it fires and carries out what is there."""

    version: str
    store: str
    host: bool


class HostRow(TypedDict):
    """A runtime that shares the store, in JSON."""

    id: str
    kind: str
    pid: int
    slots: int
    resources: dict[str, float]
    notebook: str | None
    started_at: str
    seen_at: str


class Pruned(TypedDict):
    """How many of each have gone, or would."""

    runs: int
    events: int


class ExportRow(TypedDict):
    """A text for another system, and one sentence each for what it cannot express."""

    text: str
    notes: list[str]


def _about(calls: Calls, _: Given) -> About:
    return About(version=__version__, store=str(calls.store_path), host=calls.host.kind != VISITOR)


def _hosts(calls: Calls, _: Given) -> list[HostRow]:
    return [
        HostRow(
            id=host.id, kind=host.kind, pid=host.pid, slots=host.slots, resources=dict(host.resources),
            notebook=host.notebook, started_at=from_ms(host.started_ms).isoformat(),
            seen_at=from_ms(host.seen_ms).isoformat(),
        )
        for host in calls.hosts()
    ]  # fmt: skip


def _prune(calls: Calls, given: Given) -> Mapping[str, Any]:
    return calls.prune(dry_run=given.get("dry_run", False))


def _why(calls: Calls, given: Given) -> list[Answer]:
    return list(calls.why(given["name"], step=given.get("step")))


def _export(calls: Calls, given: Given) -> ExportRow:
    found = calls.export(given["name"], given["to"])
    return ExportRow(text=str(found), notes=list(found.notes))


ROUTES = (
    Route(path="", summary="which nbsched this is", answer=_about, gives=About),
    Route(path="/hosts", summary="the runtimes that live", answer=_hosts, gives=list[HostRow]),
    Route(
        method="POST", path="/prune", summary="remove what is older than its `keep`", answer=_prune, gives=Pruned,
        body=fields(dry_run=flag("say what would go, and keep it")),
    ),
    Route(
        path="/why", summary="what would run again now, and why", answer=_why, gives=list[Answer],
        query=fields("name", name=text("what ran last under this name"), step=text("only this step")),
    ),
    Route(
        path="/pipelines/{name}/export", summary="a pipeline for another system", answer=_export, gives=ExportRow,
        query=fields("to", to=one_of(TARGETS, "the system it is written for")),
    ),
)  # fmt: skip
