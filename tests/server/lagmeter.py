"""A Jupyter server extension that measures how late the server's loop is: GET {base_url}lag, and again from then on."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join

PERIOD_S = 0.004


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "lagmeter"}]


class Meter:
    """How late each of many timers was, in milliseconds: all of it, and without what other programs took of it."""

    def __init__(self, loop: Any) -> None:
        self.loop, self.late, self.own = loop, list[float](), list[float]()
        self.next()

    def next(self) -> None:
        self.waited, self.due = waited_for_a_core_ms(), time.perf_counter() + PERIOD_S
        self.loop.call_later(PERIOD_S, self.tick)

    def tick(self) -> None:
        late = (time.perf_counter() - self.due) * 1000
        self.late.append(late)
        self.own.append(late - waited_since(self.waited))
        self.next()

    def taken(self) -> dict[str, Any]:
        found = {"amount": len(self.late), "worst": worst(self.late), "own": worst(self.own)}
        self.late, self.own = [], []
        return found


def worst(found: list[float]) -> list[float]:
    return [round(one, 1) for one in sorted(found)[-20:]]


def waited_since(before: dict[str, float]) -> float:
    """So many milliseconds threads of this process could have run since then, had there been a core for them.

    One that holds the interpreter's lock and waits for a core keeps all others waiting.
    """
    return sum(waited - before.get(thread, 0.0) for thread, waited in waited_for_a_core_ms().items())


def waited_for_a_core_ms() -> dict[str, float]:
    found: dict[str, float] = {}
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has ended
            found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e6
    return found


class Lag(APIHandler):
    async def get(self) -> None:
        self.finish(json.dumps(self.settings["lagmeter"].taken()))


def _load_jupyter_server_extension(serverapp: Any) -> None:
    app = serverapp.web_app
    app.settings["lagmeter"] = Meter(serverapp.io_loop.asyncio_loop)
    app.add_handlers(".*$", [(url_path_join(app.settings["base_url"], "lag"), Lag)])
