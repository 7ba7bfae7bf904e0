"""GET /news: what has changed since a client asked last."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nbsched.core.errors import UsageError
from nbsched.engine.calls import Calls
from nbsched.panel.news import Newsroom
from nbsched.panel.source import StoreSource
from nbsched.server.routes import Route


@lru_cache(maxsize=1)
def newsroom_of(calls: Calls) -> Newsroom:
    """The one that tells what changes in the server's store."""
    return Newsroom(StoreSource(calls))


def _news(calls: Calls, given: Mapping[str, Any]) -> dict[str, Any]:
    looked = [_run("look", one) for one in str(given.get("look") or "").split(",") if one]
    focus = given.get("focus")
    return newsroom_of(calls).news(
        given.get("since"), looked, None if focus is None else _run("focus", focus)
    )


def _run(name: str, text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name}={text} is no run: give its number") from None


ROUTES = (
    Route(
        path="/news",
        summary="what has changed since the answer with the token `since`, or everything; `look` and `focus` name runs",
        answer=_news,
    ),
)
