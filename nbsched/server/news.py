"""GET /news: what has changed since a client asked last."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NotRequired, TypedDict

from nbsched.core.panel import Counts, Details, PipelineView, ScheduleLine, Tick
from nbsched.core.rows import PanelRow
from nbsched.engine.calls import Calls
from nbsched.panel.gathering import LOOKED
from nbsched.panel.news import Newsroom
from nbsched.panel.source import StoreSource
from nbsched.server.fields import RUN, text
from nbsched.server.routes import Given, Route, fields


class Head(TypedDict):
    """How many runs there are, and all schedules, the next to fire first, unless they are as they were."""

    now_ms: int
    counts: Counts
    schedules: NotRequired[list[ScheduleLine]]


class NewsAnswer(TypedDict):
    """What has changed, as a panel shows it; with `all` everything, and what was known before is to be forgotten."""

    token: str
    all: NotRequired[bool]
    rows: NotRequired[list[PanelRow]]
    overview: NotRequired[Head]
    history: NotRequired[dict[str, list[Tick]]]
    details: NotRequired[dict[str, Details]]
    pipelines: NotRequired[dict[str, PipelineView]]


@lru_cache(maxsize=1)
def newsroom_of(calls: Calls) -> Newsroom:
    """The one that tells what changes in the server's store."""
    return Newsroom(StoreSource(calls))


def _news(calls: Calls, given: Given) -> dict[str, Any]:
    return newsroom_of(calls).news(given.get("since"), given.get("look", ()), given.get("focus"))


ROUTES = (
    Route(
        path="/news", summary="what has changed since an answer, or everything", answer=_news, gives=NewsAnswer,
        query=fields(
            since=text("the `token` of that answer; when the server has forgotten it, everything is told"),
            look={"type": "array", "items": RUN, "maxItems": LOOKED,
                  "description": "runs that are told of in full: their details, and the graphs of pipelines"},
            focus={**RUN, "description": "only this pipeline's run and what is in it"},
        ),
    ),
)  # fmt: skip
