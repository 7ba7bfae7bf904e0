"""One handler for every route: who may ask, what was given, what is answered."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

import nbsched.api  # noqa: F401 it lends the core what reads files, and the machine's zone
from nbsched.core.errors import InvalidState, NbschedError, StoreError, UnknownName, UsageError
from nbsched.server.checking import read_body, read_path, read_query
from nbsched.server.routes import Given, Route
from nbsched.server.sending import Body, body
from nbsched.server.table import ROUTES

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.server.extension import NbschedExtension

BASE = "nbsched/api"


class Endpoint(APIHandler):
    """Answers a path's requests, in worker threads, as JSON; what is refused is `{"message": sentence}`."""

    auth_resource = "nbsched"

    def initialize(self, extension: NbschedExtension, routes: Mapping[str, Route]) -> None:
        self._extension, self._routes = extension, routes

    @web.authenticated
    @authorized
    async def get(self, **path: str) -> None:
        await self._answer(path)

    @web.authenticated
    @authorized
    async def post(self, **path: str) -> None:
        await self._answer(path)

    @web.authenticated
    @authorized
    async def delete(self, **path: str) -> None:
        await self._answer(path)

    async def _answer(self, path: dict[str, str]) -> None:
        route = self._routes.get(self.request.method or "")
        if route is None:
            raise web.HTTPError(405)
        try:
            calls = await asyncio.shield(self._extension.calls)
            found = await asyncio.to_thread(self._carried_out, route, calls, path)
        except NbschedError as error:
            raise web.HTTPError(_status(error, route, path), log_message=str(error)) from error
        self.set_status(route.status)
        for name, value in found.headers.items():
            self.set_header(name, value)
        self.finish(found.data)

    def _carried_out(self, route: Route, calls: Calls, path: dict[str, str]) -> Body:
        """The answer as JSON: nothing large is read or written on the server's loop."""
        try:
            given = Given(read_path(path))
            given |= read_query(self.request.query_arguments, route.query)
            if route.method == "POST":
                given |= read_body(self.request.body, route.body)
            given.root = Path(self.settings["server_root_dir"]).expanduser()
            return body(route.answer(calls, given), self.request.headers.get("Accept-Encoding", ""))
        except OverflowError as error:
            raise UsageError(f"a number or an instant is too large ({error}): give a smaller one") from None
        except RecursionError:
            raise UsageError(
                "what was given is nested too deeply: give less, or the path of a file"
            ) from None

    def compute_etag(self) -> None:
        """Answers are as new as they are asked for; a mark of a large one would keep the loop waiting."""

    def update_api_activity(self) -> None:
        """Panels ask by themselves: only what changes something tells of a person who is there."""
        if self.request.method != "GET":
            super().update_api_activity()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The sentence that was refused with, as JSON; of what nobody has foreseen the log tells more."""
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._routes))
        error = kwargs.get("exc_info", (None, None, None))[1]
        refused = error.__cause__ if isinstance(error, web.HTTPError) else None
        said = " ".join(str(refused).split()) if isinstance(refused, NbschedError) else self._reason
        self.finish(json.dumps({"message": said}))


def _status(error: NbschedError, route: Route, path: Mapping[str, str]) -> int:
    """404 where what is asked about is not there; a name that a body gives is bad input."""
    if isinstance(error, UnknownName):
        return 404 if route.method == "GET" or str(error.name) in path.values() else 400
    if isinstance(error, InvalidState):
        return 409
    return 503 if isinstance(error, StoreError) else 400


def endpoints(extension: NbschedExtension) -> list[tuple[str, type[Endpoint], dict[str, Any]]]:
    """The handlers of all routes, under the server's base URL."""
    paths: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in ROUTES:
        paths[route.path][route.method] = route
    return [
        (f"/{BASE}{_pattern(path)}", Endpoint, {"extension": extension, "routes": routes})
        for path, routes in paths.items()
    ]


def _pattern(path: str) -> str:
    """The path as tornado matches it, each of its parts by name."""
    literal = re.sub(r"[^{}/\w]", lambda found: re.escape(found[0]), path)
    return re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", literal) or "/?"
