"""One handler for every route: who may ask, what was given, what is answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbsched.core.errors import InvalidState, NbschedError, StoreError, UnknownName, UsageError
from nbsched.server import news
from nbsched.server.routes import ROUTES, Route
from nbsched.server.sending import body

if TYPE_CHECKING:
    from nbsched.server.extension import NbschedExtension

BASE = "nbsched/api"


class Endpoint(APIHandler):
    """Answers one route's requests, in worker threads, as JSON; what is refused is `{"message": sentence}`."""

    auth_resource = "nbsched"

    def initialize(self, extension: NbschedExtension, route: Route) -> None:
        self._extension, self._route = extension, route

    @web.authenticated
    @authorized
    async def get(self, **path: str) -> None:
        await self._answer(path)

    async def _answer(self, path: dict[str, str]) -> None:
        given = {name: self.get_query_argument(name) for name in self.request.query_arguments} | path
        accepted = self.request.headers.get("Accept-Encoding", "")
        try:
            calls = await asyncio.shield(self._extension.calls)
            found = await asyncio.to_thread(lambda: body(self._route.answer(calls, given), accepted))
        except NbschedError as error:
            raise web.HTTPError(_status(error), log_message=str(error)) from error
        for name, value in found.headers.items():
            self.set_header(name, value)
        self.finish(found.data)

    def compute_etag(self) -> None:
        """None: to hash large answers takes time on the loop, and who asks for changes has no use for it."""

    def update_api_activity(self) -> None:
        """Panels ask by themselves: only what is asked for with a purpose is activity of a person."""
        if self.request.method != "GET":
            super().update_api_activity()


def _status(error: NbschedError) -> int:
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, InvalidState):
        return 409
    if isinstance(error, StoreError):
        return 503
    return 400 if isinstance(error, UsageError) else 500


def endpoints(extension: NbschedExtension) -> list[tuple[str, type[Endpoint], dict[str, Any]]]:
    """The handlers of all routes, under the server's base URL."""
    return [
        (f"/{BASE}{route.path}", Endpoint, {"extension": extension, "route": route})
        for route in (*ROUTES, *news.ROUTES)
    ]
