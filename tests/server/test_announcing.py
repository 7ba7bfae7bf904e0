"""The Jupyter event that says that something has changed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jupyter_events import EventLogger
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

import nbsched as nb
from nbsched.core.errors import StoreError
from nbsched.engine.clock import ticks
from nbsched.engine.runtime import Runtime
from nbsched.engine.visiting import Visitor
from nbsched.server.announcing import CHANGED, Announcer
from nbsched.server.news import newsroom_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with Runtime(tmp_path / "store.db", slots=2) as opened:
        yield opened


class Heard:
    """What a client hears, and when."""

    def __init__(self, events: EventLogger) -> None:
        self.events, self.data, self.times = events, list[dict[str, Any]](), list[float]()

    def listen(self) -> None:
        self.events.add_listener(schema_id=CHANGED, listener=self._hear)

    async def _hear(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        self.data.append(data)
        self.times.append(ticks())

    @property
    def states(self) -> dict[int, str]:
        return {run["id"]: run["state"] for data in self.data for run in data["runs"]}


async def until(holds: Callable[[], object], seconds: float = 20) -> None:
    end = ticks() + seconds
    while not holds():
        assert ticks() < end, "it has not come true"
        await pause(0.02)


async def pause(seconds: float) -> None:
    await asyncio.to_thread(threading.Event().wait, seconds)


@pytest.fixture
def heard() -> Heard:
    return Heard(EventLogger())


async def announced(runtime: Any, heard: Heard, meanwhile: Callable[[], Awaitable[None]]) -> None:
    announcer = Announcer(runtime, heard.events)
    await announcer.begin()
    try:
        await meanwhile()
    finally:
        await announcer.close()


async def test_the_last_change_is_always_told_of_and_never_more_than_ten_a_second(
    runtime: Runtime, heard: Heard
) -> None:
    heard.listen()

    async def meanwhile() -> None:
        runs = [runtime.run(nb.shell("true", name=f"n{n}")) for n in range(20)]
        await until(lambda: all(run.state.final for run in runs), 40)
        await until(lambda: {heard.states.get(run.id) for run in runs} == {"succeeded"})
        amount = len(heard.data)
        await pause(0.5)
        assert len(heard.data) == amount, "nothing changes: nothing is told"

    await announced(runtime, heard, meanwhile)
    assert min(after - before for before, after in pairwise(heard.times)) >= 0.1
    assert len({data["token"] for data in heard.data}) == len(heard.data)


async def test_an_answer_that_knows_what_an_event_tells_of_ends_with_its_token(
    runtime: Runtime, heard: Heard
) -> None:
    heard.listen()

    async def meanwhile() -> None:
        before = newsroom_of(runtime).news()["token"]
        run = runtime.run(nb.shell("true"))
        await until(lambda: heard.states.get(run.id) == "succeeded")
        after = newsroom_of(runtime).news()["token"]
        told = "." + heard.data[-1]["token"]
        assert after.endswith(told)
        assert not before.endswith(told)

    await announced(runtime, heard, meanwhile)


async def test_a_change_that_is_no_run_s_is_told_of_too(runtime: Runtime, heard: Heard) -> None:
    heard.listen()

    async def meanwhile() -> None:
        await pause(0.3)
        amount = len(heard.data)
        runtime.schedule(nb.shell("true"), "@daily", name="daily")
        await until(lambda: len(heard.data) > amount)
        assert heard.data[-1]["runs"] == []

    await announced(runtime, heard, meanwhile)


async def test_nothing_is_read_while_nobody_listens_and_who_comes_later_hears_what_changed(
    runtime: Runtime, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = Announcer._look
    monkeypatch.setattr(Announcer, "_look", lambda self, anyway: looks.append(1) or look(self, anyway))

    async def meanwhile() -> None:
        run = runtime.run(nb.shell("true"))
        await until(lambda: run.state.final)
        await pause(0.3)
        assert not looks
        heard.listen()
        await until(lambda: heard.data, 10)

    await announced(runtime, heard, meanwhile)


async def test_what_was_withheld_is_told_of_when_it_can_be_had(runtime: Runtime, heard: Heard) -> None:
    heard.listen()

    async def meanwhile() -> None:
        await pause(0.3)
        amount, began = len(heard.data), ticks()
        await asyncio.to_thread(newsroom_of(runtime).withheld, 0.5)
        await until(lambda: len(heard.data) == amount + 1)
        assert heard.times[-1] - began >= 0.5

    await announced(runtime, heard, meanwhile)


async def test_a_store_that_cannot_be_read_is_tried_again(
    runtime: Runtime, heard: Heard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nbsched.server.announcing.RECOVER_S", 0.05)
    heard.listen()
    look, failures = Announcer._look, [1, 2]

    def failing(self: Announcer, anyway: bool) -> Any:
        if failures:
            failures.pop()
            raise StoreError("the store is locked")
        return look(self, anyway)

    monkeypatch.setattr(Announcer, "_look", failing)

    async def meanwhile() -> None:
        run = runtime.run(nb.shell("true"))
        await until(lambda: heard.states.get(run.id) == "succeeded")

    await announced(runtime, heard, meanwhile)
    assert caplog.text.count("could not be told of") == 2


async def test_a_visitor_s_store_is_told_of_too(tmp_path: Path, heard: Heard) -> None:
    heard.listen()
    with Visitor(tmp_path / "store.db") as visitor, Visitor(tmp_path / "store.db") as other:

        async def meanwhile() -> None:
            await pause(0.5)
            amount = len(heard.data)
            other.publish("it.happened")
            await until(lambda: len(heard.data) > amount)

        await announced(visitor, heard, meanwhile)


async def test_a_client_of_the_server_hears_within_a_moment_what_another_process_does(server: Any) -> None:
    url = f"ws://127.0.0.1:{server.port}{server.base_url}api/events/subscribe"
    socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {server.token}"}))

    async def hear() -> dict[str, Any]:
        while True:
            found = json.loads(await asyncio.wait_for(socket.read_message(), 20))
            if found["schema_id"] == CHANGED:
                return found

    with Visitor(server.store) as visitor:
        visitor.publish("it.began")
        await hear()
        await pause(0.3)
        took = []
        for turn in range(5):
            began = ticks()
            await asyncio.to_thread(visitor.publish, f"it.happened.{turn}")
            await hear()
            took.append(ticks() - began)
            await pause(0.3)
    socket.close()
    assert sorted(took)[2] < 0.15
