"""Few messages, in order, and no final state lost."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import panel_source
import pytest

import nbsched as nb
from nbsched.core.states import State
from nbsched.engine.clock import ticks
from nbsched.engine.runtime import Runtime
from nbsched.executors.lookup import load_file
from nbsched.panel import feed as feeds
from nbsched.panel.feed import Feed
from nbsched.panel.source import StoreSource

AT = datetime(2026, 11, 22, 14, tzinfo=UTC)


class View:
    """What a view would know, having heard every message."""

    def __init__(self) -> None:
        self.arrived = threading.Condition()
        self.numbers: list[int] = []
        self.times: list[float] = []
        self.news: list[dict[str, Any]] = []
        self.rows: dict[int, dict[str, Any]] = {}
        self.refuse = 0

    def send(self, head: Mapping[str, Any], packed: bytes) -> None:
        if self.refuse:
            self.refuse -= 1
            raise OSError("the socket is closed")
        news = json.loads(zlib.decompress(packed))
        with self.arrived:
            self.numbers.append(head["seq"])
            self.times.append(ticks())
            self.news.append(news)
            if news.get("all"):
                self.rows.clear()
            self.rows.update((row["id"], row) for row in news.get("rows", []))
            for one in news.get("pipelines", {}).values():
                self.rows.update(
                    (row["id"], row) for row in (one["run"], *one["steps"]) if row["id"] in self.rows
                )
            self.arrived.notify_all()

    def until(self, seen: Callable[[], Any], timeout: float = 5) -> None:
        with self.arrived:
            assert self.arrived.wait_for(seen, timeout), self.news[-1:]

    def has(self, key: str) -> bool:
        return any(key in news for news in self.news)


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def open_feed(view: View) -> Iterator[Callable[..., Feed]]:
    opened: list[Feed] = []

    def start(source: panel_source.MemorySource, **options: Any) -> Feed:
        opened.append(Feed(source, view.send, **options))
        return opened[-1]

    yield start
    for feed in opened:
        feed.close()
        assert feed.join(5)


def hello(feed: Feed) -> None:
    feed.hear({"t": "hello", "view": "v"})


def some(amount: int) -> panel_source.MemorySource:
    runs = [panel_source.run(id, state=State.RUNNING, started_at=AT) for id in range(1, amount + 1)]
    return panel_source.MemorySource(runs)


def test_nothing_is_sent_before_a_view_says_hello(open_feed: Callable[..., Feed], view: View) -> None:
    source = some(2)
    feed = open_feed(source)
    source.change(1, state=State.SUCCEEDED, ended_at=AT)
    hello(feed)
    view.until(lambda: view.news)
    assert view.news[0]["all"] is True
    assert view.rows[1]["state"] == "succeeded"


def test_each_view_that_says_hello_gets_a_snapshot(open_feed: Callable[..., Feed], view: View) -> None:
    feed = open_feed(some(3))
    hello(feed)
    view.until(lambda: len(view.news) == 1)
    hello(feed)
    view.until(lambda: len(view.news) == 2)
    assert [news["all"] for news in view.news] == [True, True]
    assert [row["id"] for row in view.news[1]["rows"]] == [3, 2, 1]


def test_a_flood_from_many_threads_becomes_few_numbered_messages_and_ends_in_the_truth(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = some(200)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)

    def flood(first: int) -> None:
        for turn in range(30):
            for id in range(first, first + 50):
                source.change(id, progress=(turn, 30, ""))
        for id in range(first, first + 50):
            source.change(id, state=State.FAILED if id % 3 else State.SUCCEEDED, ended_at=AT)

    threads = [threading.Thread(target=flood, args=(first,)) for first in (1, 51, 101, 151)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view.until(lambda: all(row["state"] != "running" for row in view.rows.values()))
    assert {id: row["state"] for id, row in view.rows.items()} == {
        id: str(one.state) for id, one in source.runs.items()
    }
    assert view.numbers == list(range(1, len(view.numbers) + 1))
    assert feed.messages == len(view.numbers)
    spans = [after - before for before, after in zip(view.times, view.times[1:], strict=False)]
    assert min(spans) >= 0.1


def test_a_delta_holds_only_what_changed(open_feed: Callable[..., Feed], view: View) -> None:
    source = some(50)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    source.change(7, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.rows[7]["state"] == "succeeded")
    assert "all" not in view.news[-1]
    assert [row["id"] for row in view.news[1]["rows"]] == [7]


def test_counts_follow_within_half_a_second_of_the_last_change(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = some(2)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    source.change(1, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.news[-1].get("overview", {}).get("counts", {}).get("running") == 1)
    assert "schedules" not in view.news[-1]["overview"]


def test_a_snapshot_repairs_what_was_lost_without_anyone_noticing(
    open_feed: Callable[..., Feed], view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SNAPSHOT_S", 0.3)
    source = some(3)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    source.change(1, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: len(view.news) > 1 and view.news[-1].get("all"))
    amount = len(view.news)
    assert not feed.join(0.6)
    assert len(view.news) == amount, "a snapshot is repeated only after changes"


def test_a_message_that_could_not_be_sent_is_made_good(
    open_feed: Callable[..., Feed],
    view: View,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(feeds, "RECOVER_S", 0.05)
    source = some(3)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    view.refuse = 1
    source.change(2, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.rows[2]["state"] == "succeeded")
    assert "could not be brought up to date" in caplog.text


def test_views_not_heard_of_for_long_are_told_less_often(
    open_feed: Callable[..., Feed], view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SILENT_AFTER_S", 0.0)
    monkeypatch.setattr(feeds, "SILENT_PERIOD_S", 0.6)
    source = some(3)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    source.change(2, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.rows[2]["state"] == "succeeded")
    assert view.times[-1] - view.times[-2] >= 0.55


def test_a_view_that_has_gone_is_sent_nothing(open_feed: Callable[..., Feed], view: View) -> None:
    source = some(3)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    feed.hear({"t": "bye", "view": "v"})
    source.change(2, state=State.SUCCEEDED, ended_at=AT)
    assert not feed.join(0.4)
    assert len(view.news) == 1
    hello(feed)
    view.until(lambda: view.rows[2]["state"] == "succeeded")


def test_steps_are_sent_only_while_their_pipeline_is_looked_at(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = panel_source.day()
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    source.change(4183, progress=(8, 12, ""))
    source.change(4170, progress=(32, 120, ""))
    view.until(lambda: view.rows[4170]["progress"] == [32, 120])
    assert 4183 not in view.rows
    feed.hear({"t": "look", "run": 4180})
    view.until(lambda: view.has("pipelines"))
    assert {step["id"] for step in view.news[-1]["pipelines"]["4180"]["steps"]} == set(range(4181, 4188))
    source.change(4183, progress=(9, 12, ""))
    view.until(lambda: view.rows.get(4183, {}).get("progress") == [9, 12])


def mapped(amount: int) -> panel_source.MemorySource:
    """A pipeline, 1, whose step 2 is mapped over so many items, from 11 on."""
    at: dict[str, Any] = {"started_at": AT, "pipeline": "etl"}
    source = panel_source.MemorySource([
        panel_source.run(1, "etl", State.RUNNING, kind="pipeline", **at),
        panel_source.run(2, "score", State.RUNNING, kind="map", parent=1, step="score", **at),
        *(panel_source.run(11 + n, "score", State.RUNNING, parent=2, step="score", index=n, **at)
          for n in range(amount)),
    ])  # fmt: skip
    source.needs["etl"] = {"score": ()}
    return source


def test_items_are_sent_as_one_row_that_counts_them(open_feed: Callable[..., Feed], view: View) -> None:
    source = mapped(500)
    feed = open_feed(source, focus=1)
    hello(feed)
    view.until(lambda: view.news)
    for run in range(11, 511):
        source.change(run, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.rows.get(2, {}).get("progress") == [500, 500])
    assert set(view.rows) == {2}


def test_an_item_that_is_looked_at_is_sent_and_the_items_of_its_step_with_the_logs(
    open_feed: Callable[..., Feed], view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "LOG_S", 0.5)
    source = mapped(50)
    feed = open_feed(source, focus=1)
    hello(feed)
    feed.hear({"t": "look", "run": 2})
    view.until(lambda: view.has("details"))
    feed.hear({"t": "look", "run": 15})
    view.until(lambda: "15" in view.news[-1].get("details", {}))
    assert [row["id"] for row in view.news[-1]["details"]["15"]["path"]] == [1, 2]
    source.change(15, state=State.FAILED, ended_at=AT)
    view.until(lambda: view.rows.get(15, {}).get("state") == "failed")
    for run in range(20, 40):
        source.change(run, state=State.SUCCEEDED, ended_at=AT)
        threading.Event().wait(0.05)
    view.until(lambda: view.news[-1].get("details", {}).get("2", {}).get("items", {}).get("counts")
               == {"running": 29, "failed": 1, "succeeded": 20})  # fmt: skip
    tellings = [at for at, news in zip(view.times, view.news, strict=True) if "2" in news.get("details", {})]
    assert min(after - before for before, after in pairwise(tellings[1:])) >= 0.4


def test_steps_of_a_pipeline_inside_are_sent_while_that_is_looked_at(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = panel_source.day()
    source.change(4180, parent=9)
    source.set(panel_source.run(9, "outer", State.RUNNING, kind="pipeline", pipeline="outer"))
    source.needs["outer"] = {"training": ()}
    feed = open_feed(source, focus=9)
    hello(feed)
    view.until(lambda: view.news)
    source.change(4183, progress=(8, 12, ""))
    source.change(4180, progress=(3, 7, ""))
    view.until(lambda: view.rows.get(4180, {}).get("progress") == [3, 7])
    assert 4183 not in view.rows
    feed.hear({"t": "look", "run": 4180})
    view.until(lambda: view.has("details"))
    source.change(4183, progress=(9, 12, ""))
    view.until(lambda: view.rows.get(4183, {}).get("progress") == [9, 12])


FUNCTIONS = "def same(x):\n    return x\n"


def test_a_map_of_thousands_of_items_is_told_in_few_small_messages(
    open_feed: Callable[..., Feed], view: View, tmp_path: Path
) -> None:
    path, sizes = tmp_path / "same.py", list[int]()
    path.write_text(FUNCTIONS)

    def send(head: Mapping[str, Any], packed: bytes) -> None:
        sizes.append(len(packed))
        view.send(head, packed)

    with nb.pipeline("p") as p:
        nb.task(load_file(path).same).options(name="each").map(list(range(3000)))
    with Runtime(tmp_path / "store.db", slots=4) as runtime:
        feed = Feed(StoreSource(runtime), send)
        hello(feed)
        began = ticks()
        run = runtime.run(p)
        feed.hear({"t": "look", "run": run.id})
        run.wait(50)
        each = run.steps["each"]
        feed.hear({"t": "look", "run": each.id})
        view.until(lambda: view.rows.get(each.id, {}).get("items") == {"succeeded": 3000}, 10)
        seconds = ticks() - began
        feed.close()
        assert feed.join(5)
    assert len(sizes) / seconds < 10
    assert max(sizes) < 8_000
    assert set(view.rows) == {run.id, each.id}


def test_the_run_looked_at_is_sent_in_full_whenever_it_changes(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = some(3)
    feed = open_feed(source)
    hello(feed)
    feed.hear({"t": "look", "run": 2})
    view.until(lambda: view.has("details"))
    source.logs[2] = "line 1"
    source.change(2, values={"rows": 3})
    view.until(lambda: view.news[-1].get("details", {}).get("2", {}).get("log") == "line 1")
    assert view.news[-1]["details"]["2"]["run"]["values"] == {"rows": 3}


def test_a_button_hands_over_and_a_refusal_becomes_one_line(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source = some(3)
    source.change(3, state=State.SUCCEEDED, ended_at=AT)
    feed = open_feed(source)
    hello(feed)
    view.until(lambda: view.news)
    feed.hear({"t": "act", "verb": "cancel", "target": 2})
    view.until(lambda: view.rows[2]["state"] == "cancelled")
    feed.hear({"t": "act", "verb": "cancel", "target": 3})
    view.until(lambda: view.has("notices"))
    assert view.news[-1]["notices"] == ["run 3 has ended: only a run that waits or runs can be cancelled"]
    assert source.acted == [("cancel", 2, "nbsched-panel"), ("cancel", 3, "nbsched-panel")]


@pytest.mark.parametrize(
    "message", [{}, {"t": "act"}, {"t": "look", "run": "1"}, {"t": "look", "run": 99}, {"t": 4}]
)
def test_a_message_that_makes_no_sense_harms_nothing(
    open_feed: Callable[..., Feed], view: View, message: dict[str, Any]
) -> None:
    source = some(2)
    feed = open_feed(source)
    hello(feed)
    feed.hear(message)
    source.change(1, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: view.rows.get(1, {}).get("state") == "succeeded")


def test_a_focused_feed_ends_with_its_run_and_hands_over_the_last_view(
    open_feed: Callable[..., Feed], view: View
) -> None:
    source, ended = panel_source.day(), []
    feed = open_feed(source, focus=4180, ended=ended.append)
    hello(feed)
    view.until(lambda: view.news)
    assert "rows" not in view.news[0]
    assert set(view.news[0]["pipelines"]) == {"4180"}
    source.change(4170, progress=(32, 120, ""))
    source.change(4183, state=State.SUCCEEDED, ended_at=AT)
    view.until(lambda: 4183 in view.rows)
    assert 4170 not in view.rows
    source.change(4180, state=State.SUCCEEDED, ended_at=AT)
    assert feed.join(5)
    assert [one["run"]["state"] for one in ended] == ["succeeded"]
    assert view.news[-1]["pipelines"]["4180"]["run"]["state"] == "succeeded"
    assert source.watchers == []


def test_a_focused_feed_of_an_ended_run_ends_at_once(open_feed: Callable[..., Feed]) -> None:
    ended: list[Any] = []
    assert open_feed(panel_source.day(), focus=1000, ended=ended.append).join(5)
    assert [one["run"]["id"] for one in ended] == [1000]
