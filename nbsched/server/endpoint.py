"""One handler for every route: who may ask, what was given, what is answered."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbsched.core.errors import InvalidState, NbschedError, UnknownName, UsageError
from nbsched.server.routes import ROUTES, Route

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
        calls = await asyncio.shield(self._extension.calls)
        try:
            answer = await asyncio.to_thread(lambda: json.dumps(self._route.answer(calls, path)))
        except NbschedError as error:
            raise web.HTTPError(_status(error), log_message=str(error)) from error
        self.finish(answer)


def _status(error: NbschedError) -> int:
    if isinstance(error, UnknownName):
        return 404
    if isinstance(error, InvalidState):
        return 409
    return 400 if isinstance(error, UsageError) else 500


def endpoints(extension: NbschedExtension) -> list[tuple[str, type[Endpoint], dict[str, Any]]]:
    """The handlers of all routes, under the server's base URL."""
    return [(f"/{BASE}{route.path}", Endpoint, {"extension": extension, "route": route}) for route in ROUTES]
