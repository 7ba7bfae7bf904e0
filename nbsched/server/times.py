"""Routes about time: when a trigger is due, what schedules would do, which zones there are."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any, TypedDict
from zoneinfo import available_timezones

from nbsched.core.clock_changes import clock_note
from nbsched.core.rows import plain
from nbsched.core.triggers import default_zone, next_times, parse_trigger
from nbsched.core.words import words
from nbsched.engine.calls import Calls
from nbsched.engine.simulating import Expected
from nbsched.server.fields import TRIGGER, ZONE, text, whole
from nbsched.server.routes import Given, Route, fields
from nbsched.verbs.upkeep import foreseen

MOST_TIMES = 1000


class NextTime(TypedDict):
    """An instant, and what a change of the clocks has to do with it."""

    at: str
    note: str


class Preview(TypedDict):
    """A trigger as it is kept and in words, and its next instants in the zone."""

    trigger: str
    words: str
    tz: str
    times: list[NextTime]


def _next(calls: Calls, given: Given) -> Preview:
    trigger = parse_trigger(given["trigger"], tz=given.get("tz"))
    zone, now = given.get("tz") or trigger.tz or default_zone(), calls.clock.now()
    times = next_times(trigger.anchored(now), given.get("n", 5), after=now, tz=zone) if trigger.timed else []
    return Preview(
        trigger=str(trigger), words=words(trigger, zone), tz=zone,
        times=[NextTime(at=at.isoformat(), note=clock_note(trigger, before, at))
               for before, at in pairwise([now, *times])],
    )  # fmt: skip


def _simulate(calls: Calls, given: Given) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = plain(foreseen(calls, given.get("start"), given.get("end")))
    return rows


def _zones(_: Calls, __: Given) -> list[str]:
    machine = default_zone()
    return [machine, *(name for name in _names() if name != machine)]


@lru_cache(maxsize=1)
def _names() -> list[str]:
    return sorted(available_timezones())


ROUTES = (
    Route(
        path="/next", summary="the next instants of a trigger, and what it says in words", answer=_next, gives=Preview,
        query=fields("trigger", trigger=TRIGGER, tz=ZONE, n=whole("how many instants (5)", most=MOST_TIMES)),
    ),
    Route(
        path="/simulate", summary="what the schedules would do in a span of time", answer=_simulate,
        gives=list[Expected],
        query=fields(start=text("its beginning, an instant with offset; default now", format="date-time"),
                     end=text("its end; default a day later", format="date-time")),
    ),
    Route(path="/zones", summary="the names of time zones, the machine's first", answer=_zones, gives=list[str]),
)  # fmt: skip
