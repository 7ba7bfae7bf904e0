"""Routes about events."""

from __future__ import annotations

from typing import Any, TypedDict

from nbsched.core.rows import EventRow, event_row
from nbsched.engine.calls import Calls
from nbsched.server.fields import LIMIT, RUN, text, whole
from nbsched.server.routes import Given, Route, fields
from nbsched.verbs.upkeep import dead_rows


class Published(TypedDict):
    """The event that is in the log."""

    name: str
    published: bool


class DeadLetter(TypedDict):
    """An event that a durable handler gave up on; None where the event itself is gone."""

    subscription: str
    at: str
    error: str
    seq: int
    event: EventRow | None


def _events(calls: Calls, given: Given) -> list[EventRow]:
    return [event_row(event) for event in calls.events(**given)]


def _publish(calls: Calls, given: Given) -> Published:
    calls.publish(**given)
    return Published(name=given["name"], published=True)


def _dead(calls: Calls, _: Given) -> list[dict[str, Any]]:
    return dead_rows(calls.dead_letters())


ROUTES = (
    Route(
        path="/events", summary="what happened, oldest first", answer=_events, gives=list[EventRow],
        query=fields(
            after=whole("only events after this `seq`", most=2**63 - 1),
            name=text("only events of this name; * stands for any parts"),
            run={**RUN, "description": "only events of this run"}, limit=LIMIT,
        ),
    ),
    Route(
        method="POST", path="/events", summary="publish an event", answer=_publish, gives=Published, status=201,
        body=fields(
            "name", name=text("the event's name, words joined by dots"),
            data={"type": "object", "description": "its data"},
            key=text("of the sensors, only those of the run with this key"),
        ),
    ),
    Route(
        path="/events/dead", summary="what durable handlers gave up on", answer=_dead, gives=list[DeadLetter],
    ),
)  # fmt: skip
