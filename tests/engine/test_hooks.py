"""Hooks: functions, events and messages, told once of what has become of a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.store import notices
from nbsched.testing import VirtualRuntime
from tests.engine.conftest import START

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by Apprise

Until = Callable[..., None]
QUICK = nb.Backoff(wait="1s", jitter=0)


def heard(rt: nb.Runtime, name: str) -> list[int]:
    """The runs of which the event told."""
    return [event.data["id"] for event in rt.events(name=name, limit=None)]


def told(works: ModuleType) -> list[tuple[str, int, str]]:
    return [call for call in works.calls if isinstance(call, tuple)]


class Webhook:
    """A local server that takes what is posted."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append(json.loads(body))
                self.send_response(500 if "refuse" in self.path else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    found = Webhook()
    found.thread.start()
    yield found
    found.server.shutdown()
    found.thread.join()
    found.server.server_close()


# Which hook is told, and how often --------------------------------------------------------------------


def test_failure_is_told_once_after_the_last_retry_and_each_retry_before(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    run = rt.run(
        works.bad, retries=2, backoff=QUICK, on_failure="it.failed", on_retry="it.again", on_success="it.did"
    )
    rt.advance_blocking("1m")
    assert run.state == "failed"
    assert (heard(rt, "it.failed"), heard(rt, "it.again"), heard(rt, "it.did")) == (
        [run.id],
        [run.id] * 2,
        [],
    )


def test_success_after_a_retry_is_no_failure(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(
        works.bad_until, {"attempt": 2}, retries=2, backoff=QUICK, on_failure="it.failed", on_success="it.did"
    )
    rt.advance_blocking("1m")
    assert (heard(rt, "it.failed"), heard(rt, "it.did")) == ([], [run.id])


def test_the_first_success_after_a_failure_is_a_recovery(rt: VirtualRuntime, works: ModuleType) -> None:
    work = nb.task(works.bad_until, name="w", on_recovery="it.recovered")
    good, bad = {"attempt": 1}, {"attempt": 9}
    runs = [rt.run(work, params).wait(10) for params in (good, bad, bad, good, good, bad)]
    rt.run(nb.task(works.skips, name="w")).wait(10)
    last = rt.run(work, good).wait(10)
    rt.settle()
    assert heard(rt, "it.recovered") == [runs[3].id, last.id]


def test_a_schedule_recovers_by_its_own_runs_and_their_retries(rt: VirtualRuntime, works: ModuleType) -> None:
    work = nb.task(works.fails_once, name="w", on_recovery="it.recovered")
    rt.schedule(work, nb.every("1h"), name="one")
    rt.schedule(
        nb.task(works.ok, name="w", on_recovery="it.recovered"), nb.every("1h", start=START), name="other"
    )
    rt.advance_blocking("1h")
    (failed,) = rt.runs(schedule="one")
    assert failed.state == "failed"
    assert heard(rt, "it.recovered") == []
    again = rt.retry(failed)
    rt.advance_blocking("2h")
    assert heard(rt, "it.recovered") == [again.id]


def test_a_step_recovers_by_the_same_step_of_earlier_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p", on_recovery="p.recovered") as p:
        nb.task(works.ok, name="fine", on_recovery="s.recovered")()
        nb.task(works.fails_once, name="s", on_recovery="s.recovered")()
    runs = [rt.run(p).wait(10) for _ in range(3)]
    rt.settle()
    assert heard(rt, "p.recovered") == [runs[1].id]
    assert heard(rt, "s.recovered") == [runs[1].steps["s"].id]


def test_steps_have_hooks_of_their_own_and_none_of_the_pipeline_s(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("p", on_failure="p.failed") as p:
        nb.task(works.bad, name="a", on_failure="a.failed")()
        nb.task(works.bad, name="b")()
    run = rt.run(p).wait(10)
    rt.settle()
    assert (heard(rt, "p.failed"), heard(rt, "a.failed")) == ([run.id], [run.steps["a"].id])


def test_being_late_is_told_once_while_it_still_runs(
    rt: VirtualRuntime, works: ModuleType, until: Until
) -> None:
    run = rt.run(works.held, {"name": "gate"}, deadline="10m", on_late="it.is.late")
    works.begun["gate"].wait(10)
    rt.clock.move_to(START.replace(hour=1))
    rt.scheduler.nudge()
    until(rt, lambda: heard(rt, "it.is.late") == [run.id])
    assert run.state == "running"
    works.gates["gate"].set()
    run.wait(10)
    rt.settle()
    assert heard(rt, "it.is.late") == [run.id]


def test_a_pipeline_that_runs_out_of_time_while_its_steps_wait_tells_its_failure(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("p", timeout="1h", on_failure="it.failed") as p:
        nb.task(works.bad, retries=9, backoff=nb.Backoff(wait="10m", jitter=0))()
    run = rt.run(p)
    rt.advance_blocking("2h")
    assert (run.state, run.reason) == ("failed", "timeout")
    assert heard(rt, "it.failed") == [run.id]


def test_a_host_that_closes_is_no_retry(tmp_path: Path, works: ModuleType) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as first:
        run = first.run(works.held, {"name": "gate"}, on_retry="it.again")
        works.begun["gate"].wait(10)
    with nb.Runtime(tmp_path / "store.db", slots=1) as second:
        works.gates["gate"].set()
        assert second.get_run(run.id).wait(10).attempt == 2
        assert heard(second, "it.again") == []


def test_without_hooks_nothing_is_noted(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.run(works.bad, retries=1, backoff=QUICK, on_success="it.did")
    rt.advance_blocking("1m")
    assert left(rt) == 0


def left(rt: nb.Runtime) -> int:
    count: int = rt.database.read(lambda db: db.execute("SELECT count(*) FROM notices").fetchone()[0])
    return count


# What is told: functions ------------------------------------------------------------------------------


def test_a_function_is_given_the_run_or_nothing(rt: VirtualRuntime, works: ModuleType) -> None:
    def with_nothing() -> None:
        works.calls.append(("nothing", 0, ""))

    first = rt.run(works.bad, on_failure=works.hears)
    rt.run(works.bad, on_failure=with_nothing)
    rt.settle()
    assert sorted(told(works)) == [("hears", first.id, "failed"), ("nothing", 0, "")]


def test_an_async_function_is_awaited(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.ok, on_success=works.hears_async)
    rt.settle()
    assert told(works) == [("hears_async", run.id, "succeeded")]


def test_a_hook_that_raises_changes_nothing_but_is_told_of(
    rt: VirtualRuntime, works: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    run = rt.run(works.ok, on_success=works.bad)
    other = rt.run(works.ok, on_success="it.did")
    rt.settle()
    assert (run.state, run.reason, run.error) == ("succeeded", None, None)
    assert heard(rt, "it.did") == [other.id]
    (failed,) = rt.events(name="handler.failed")
    assert (failed.data["handler"], failed.data["run"]) == ("on_success", run.id)
    assert "the on_success of run" in caplog.text
    assert left(rt) == 0


def test_a_hook_that_hangs_holds_nothing_up(real: nb.Runtime, works: ModuleType, until: Until) -> None:
    real.run(works.ok, on_success=works.hears_for_ever)
    until(real, lambda: ("hears_for_ever", 0, "") in works.calls)
    second = real.run(works.ok, on_success="it.did").wait(10)
    until(real, lambda: heard(real, "it.did") == [second.id])
    works.gates["for ever"].set()
    until(real, lambda: left(real) == 0)


# What is told: messages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "hook", "title"),
    [
        ("bad", "on_failure", "bad: failed"),
        ("fails", "on_failure", "fails: failed (never again)"),
        ("ok", "on_success", "ok: succeeded"),
    ],
)
def test_a_url_is_sent_a_message(
    rt: VirtualRuntime, works: ModuleType, webhook: Webhook, work: str, hook: str, title: str
) -> None:
    run = rt.run(getattr(works, work), **{hook: webhook.url})
    rt.settle()
    assert [posted["title"] for posted in webhook.posted] == [title]
    assert webhook.posted[0]["message"] == (str(run.error) if run.error else f"run {run.id}")


def test_a_message_of_a_recovery_says_so(rt: VirtualRuntime, works: ModuleType, webhook: Webhook) -> None:
    work = nb.task(works.fails_once, on_recovery=webhook.url)
    for _ in range(3):
        rt.run(work)
        rt.settle()
    assert [posted["title"] for posted in webhook.posted] == ["fails_once: recovered"]


@pytest.mark.parametrize("url", ["json://127.0.0.1:1/", "{url}refuse", "nosuch://x"])
def test_a_message_that_can_not_be_sent_changes_nothing_but_is_told_of(
    rt: VirtualRuntime, works: ModuleType, webhook: Webhook, url: str
) -> None:
    run = rt.run(works.ok, on_success=url.format(url=webhook.url))
    rt.settle()
    assert (run.state, left(rt)) == ("succeeded", 0)
    (failed,) = rt.events(name="handler.failed")
    assert failed.data["run"] == run.id
    assert ("nosuch://… is not one" if "nosuch" in url else "was not accepted") in failed.data["error"]


def test_a_secret_in_a_url_is_in_no_event_and_no_log(
    rt: VirtualRuntime, works: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    rt.run(works.ok, on_success="nosuch://token-of-mine@host")
    rt.settle()
    assert "token-of-mine" not in caplog.text
    assert "token-of-mine" not in str([event.data for event in rt.events(limit=None)])


# Durability -------------------------------------------------------------------------------------------


def test_a_hook_that_was_not_told_to_the_end_is_told_by_the_next_host(
    tmp_path: Path, works: ModuleType
) -> None:
    path = tmp_path / "store.db"
    with VirtualRuntime(START, path) as first:
        run = first.run(works.bad, on_failure="it.failed")
        first.settle()
        # as if the host had died when it had taken the notice, and another was left behind
        first.database.write(lambda db: db.execute(
            "INSERT INTO notices (run, hook, host) VALUES (?, 'on_failure', ?), (?, 'on_failure', NULL)",
            (run.id, first.host.id, run.id),
        ))  # fmt: skip
    with VirtualRuntime(START, path) as second:
        second.settle()
        assert heard(second, "it.failed") == [run.id] * 3
        assert left(second) == 0


def test_a_function_of_one_process_is_called_there_and_by_nobody_else(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    calls = []
    with nb.Runtime(tmp_path / "store.db") as first, nb.Runtime(tmp_path / "store.db") as second:
        run = first.run(works.ok, on_success=lambda run: calls.append(run.id)).wait(10)
        until(first, lambda: calls == [run.id])
        first.database.write(
            lambda db: db.execute("INSERT INTO notices (run, hook) VALUES (?, 'on_success')", (run.id,))
        )
        assert second.database.write(notices.take, second.host.id) == []
        until(first, lambda: calls == [run.id] * 2)
