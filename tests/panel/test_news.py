"""Whatever happens meanwhile, and whatever is lost on the way: in the end who asks knows how things are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import panel_source
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbsched.core.pieces import pieces
from nbsched.core.states import State
from nbsched.panel import news as newsrooms
from nbsched.panel.gathering import MOST_CHANGED
from nbsched.panel.news import Newsroom
from nbsched.panel.paced import Paced, TooSoon

AT = datetime(2026, 11, 22, 14, tzinfo=UTC)
ROOTS, PIPELINE, STEPS = range(1, 5), 10, range(11, 14)


def plain(value: Any) -> Any:
    return json.loads("".join(pieces(value)))


def store() -> panel_source.MemorySource:
    """Four runs, and a pipeline's of three steps."""
    running: dict[str, Any] = {"state": State.RUNNING, "started_at": AT}
    source = panel_source.MemorySource([panel_source.run(one, **running) for one in ROOTS])
    source.needs["p"] = {"a": (), "b": ("a",), "c": ("b",)}
    source.set(panel_source.run(PIPELINE, "p", kind="pipeline", pipeline="p", **running))
    for step, name in zip(STEPS, "abc", strict=True):
        source.set(panel_source.run(step, name, pipeline="p", step=name, parent=PIPELINE, **running))
    source.schedules["daily"] = panel_source.schedule("daily", "@daily", AT)
    return source


@dataclass
class Client:
    """What a view knows, as `known.js` keeps it."""

    newsroom: Newsroom
    focus: int | None = None
    token: str | None = None
    looked: list[int] = field(default_factory=list)
    rows: dict[int, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    overview: dict[str, Any] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, *, lost: bool = False) -> dict[str, Any]:
        answer = plain(self.newsroom.news(self.token, self.looked, self.focus))
        if not lost:
            self.token = answer.pop("token")
            self.take(answer)
        return answer

    def take(self, news: dict[str, Any]) -> None:
        self.heard.append(news)
        if news.get("all"):
            self.rows.clear()
        self.overview |= news.get("overview", {})
        self.pipelines |= news.get("pipelines", {})
        for view in self.pipelines.values() if news.get("all") else news.get("pipelines", {}).values():
            self.keep([view["run"], *view["steps"]])
        self.keep(news.get("rows", []))
        self.details |= news.get("details", {})

    def keep(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows.update((row["id"], row) for row in rows)


class Busy(panel_source.MemorySource):
    """Changes while it is being asked: `meanwhile` is done bit by bit, before and after each look."""

    meanwhile: list[Callable[[], None]]

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("changed", "rows", "snapshot", "overview", "details", "pipeline"):
            return found

        def looked(*args: Any) -> Any:
            self.step()
            answer = found(*args)
            self.step()
            return answer

        return looked

    def step(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop(0)()


class Pace(Paced):
    """Says at will that it is too soon."""

    soon: bool = False

    def make(self, key: Any, make: Callable[[], Any], *, at_once: bool = False) -> Any:
        if self.soon and not at_once:
            raise TooSoon(1)
        return make()


RUNS = st.sampled_from([*ROOTS, PIPELINE, *STEPS])
CHANGE = st.tuples(RUNS, st.sampled_from([State.RUNNING, State.SUCCEEDED, State.FAILED]), st.integers(0, 9))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), CHANGE),
        st.tuples(st.just("ask"), st.lists(CHANGE, max_size=4)),
        st.tuples(st.just("lose"), st.lists(CHANGE, max_size=4)),
        st.tuples(st.just("look"), RUNS),
        st.tuples(st.just("hurry"), st.booleans()),
        st.tuples(st.just("pause"), st.booleans()),
        st.just(("forget", None)),
        st.just(("new", None)),
    ),
    max_size=25,
)


class Play:
    """A source, a newsroom and a client, and what may happen to them."""

    def __init__(self, focus: int | None) -> None:
        self.source = store()
        self.source.__class__, self.source.meanwhile = Busy, []  # type: ignore[attr-defined]
        self.newsroom = Newsroom(self.source)
        self.newsroom._paced = self.pace = Pace()
        self.client = Client(self.newsroom, focus)

    def change(self, change: tuple[int, State, int]) -> None:
        run, state, done = change
        ended = AT if state.final else None
        self.source.change(run, state=state, progress=(done, 9, ""), ended_at=ended)

    def ask(self, meanwhile: list[tuple[int, State, int]], *, lost: bool = False) -> None:
        self.source.meanwhile = [lambda one=one: self.change(one) for one in meanwhile]  # type: ignore[attr-defined]
        self.client.ask(lost=lost)
        while self.source.meanwhile:  # type: ignore[attr-defined]
            self.source.step()  # type: ignore[attr-defined]

    def lose(self, meanwhile: list[tuple[int, State, int]]) -> None:
        self.ask(meanwhile, lost=True)

    def look(self, run: int) -> None:
        self.client.looked = [*dict.fromkeys([*self.client.looked, run])][-3:]

    def hurry(self, soon: bool) -> None:
        self.pace.soon = soon

    def pause(self, paused: bool) -> None:
        reason = "by user" if paused else None
        self.source.schedules["daily"] = panel_source.schedule("daily", "@daily", AT, paused=reason)
        self.source.tell(())

    def forget(self, _: None) -> None:
        self.newsroom._clients.clear()

    def new(self, _: None) -> None:
        self.source.set(panel_source.run(max(self.source.runs) + 1, state=State.QUEUED))


@settings(max_examples=300, deadline=None)
@given(ACTIONS, st.sampled_from([None, PIPELINE]))
@example([("ask", []), ("look", PIPELINE)], PIPELINE)
def test_whatever_happens_in_the_end_the_client_knows_everything(
    actions: list[tuple[str, Any]], focus: int | None
) -> None:
    play = Play(focus)
    for what, given_ in actions:
        getattr(play, what)(given_)
    play.hurry(False)
    play.ask([])
    assert_knows_everything(play.client, play.source)
    rest = play.client.ask()
    assert rest.keys() <= {"details", "pipelines"}, "who knows everything is told nothing but what grows"


def assert_knows_everything(client: Client, source: panel_source.MemorySource) -> None:
    shown = set(source.runs) - set(STEPS) if client.focus is None else {PIPELINE, *STEPS}
    if PIPELINE in client.looked:
        shown |= set(STEPS)
    for run in shown:
        assert client.rows[run] == plain(source.row(source.runs[run])), run
    for run in client.looked:
        assert client.details[str(run)] == plain(source.details(run)), run
    if client.focus is not None:
        assert client.pipelines[str(PIPELINE)] == plain(source.pipeline(PIPELINE))
    else:
        now = plain(source.overview())
        assert client.overview["counts"] == now["counts"]
        assert client.overview["schedules"] == now["schedules"]


def test_the_first_answer_is_everything_and_the_next_only_what_changed() -> None:
    source = store()
    client = Client(Newsroom(source))
    assert client.ask()["all"] is True
    source.change(3, state=State.FAILED, ended_at=AT)
    answer = client.ask()
    assert "all" not in answer
    assert [row["id"] for row in answer["rows"]] == [3]
    assert "schedules" not in answer["overview"]
    assert client.ask() == {}


def test_an_unknown_token_is_answered_with_everything() -> None:
    client = Client(Newsroom(store()), token="abc.7")
    assert client.ask()["all"] is True
    client.token = "not a token"
    assert client.ask()["all"] is True


def test_only_so_many_clients_are_known_the_oldest_is_told_everything_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newsrooms, "MOST_CLIENTS", 3)
    newsroom = Newsroom(store())
    clients = [Client(newsroom) for _ in range(4)]
    for client in clients:
        client.ask()
    assert "all" not in clients[1].ask()
    assert clients[0].ask()["all"] is True
    assert len(newsroom._clients) == 3


def test_an_answer_that_is_lost_is_told_again() -> None:
    source = store()
    client = Client(Newsroom(source))
    client.ask()
    source.change(2, state=State.SUCCEEDED, ended_at=AT)
    first = client.ask(lost=True)
    source.change(1, state=State.SUCCEEDED, ended_at=AT)
    second = client.ask()
    assert [row["id"] for row in first["rows"]] == [2]
    assert {row["id"] for row in second["rows"]} == {1, 2}


def test_very_many_changes_are_told_as_everything() -> None:
    source = panel_source.many(MOST_CHANGED + 100)
    client = Client(Newsroom(source))
    client.ask()
    source.set(*list(source.runs.values())[: MOST_CHANGED + 1])
    assert client.ask()["all"] is True


def test_what_takes_long_is_told_later_and_who_waits_hears_when() -> None:
    heard: list[float] = []
    source = store()
    newsroom = Newsroom(source, heard.append)
    newsroom._paced = pace = Pace()
    client = Client(newsroom, looked=[PIPELINE])
    client.ask()
    pace.soon = True
    source.change(11, state=State.SUCCEEDED, ended_at=AT)
    answer = client.ask()
    assert heard == [1]
    assert answer.keys() == {"rows"}, "rows are told at once"
    pace.soon = False
    assert client.ask().keys() == {"overview", "details", "pipelines"}


def test_the_log_of_a_running_run_that_is_looked_at_is_read_with_each_answer() -> None:
    source = store()
    client = Client(Newsroom(source), looked=[2])
    client.ask()
    source.logs[2] = "one line"
    assert client.ask()["details"]["2"]["log"] == "one line"
    source.change(2, state=State.SUCCEEDED, ended_at=AT)
    client.ask()
    assert client.ask() == {}


def test_a_run_that_is_not_there_is_no_news() -> None:
    client = Client(Newsroom(store()), looked=[999])
    client.ask()
    assert client.ask() == {}
