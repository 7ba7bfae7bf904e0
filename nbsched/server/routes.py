"""What can be asked of the server, as data: the handlers and the OpenAPI document are made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbsched import __version__
from nbsched.engine.calls import Calls


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing to ask: `answer` is called in a worker thread and gives what is sent as JSON."""

    path: str
    summary: str
    answer: Callable[[Calls, Mapping[str, Any]], Any]


def _about(calls: Calls, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": __version__, "store": str(calls.store_path)}


ROUTES = (Route(path="", summary="which nbsched this is", answer=_about),)
