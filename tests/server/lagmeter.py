"""A Jupyter server extension that measures how late the server's loop is: GET {base_url}lag, and again from then on."""

from __future__ import annotations

import json
import time
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

PERIOD_S = 0.002


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "lagmeter"}]


class Meter:
    """How late each of many timers was, in milliseconds."""

    def __init__(self, loop: Any) -> None:
        self.loop, self.late = loop, list[float]()
        self.next()

    def next(self) -> None:
        self.due = time.perf_counter() + PERIOD_S
        self.loop.call_later(PERIOD_S, self.tick)

    def tick(self) -> None:
        self.late.append((time.perf_counter() - self.due) * 1000)
        self.next()

    def taken(self) -> list[float]:
        found, self.late = self.late, []
        return found


class Lag(APIHandler):
    async def get(self) -> None:
        late = sorted(self.settings["lagmeter"].taken())
        self.finish(json.dumps({"amount": len(late), "worst": [round(one, 1) for one in late[-20:]]}))


def _load_jupyter_server_extension(serverapp: Any) -> None:
    app = serverapp.web_app
    app.settings["lagmeter"] = Meter(serverapp.io_loop.asyncio_loop)
    app.add_handlers(".*$", [(url_path_join(app.settings["base_url"], "lag"), Lag)])
