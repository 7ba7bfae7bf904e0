"""Events: who hears them, in which order, and what a handler can do to nobody but itself."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.core.model import Context
from nbsched.engine.visiting import Visitor
from nbsched.store import events as log
from nbsched.testing import VirtualRuntime

Until = Callable[..., None]
START = datetime(2026, 1, 5, tzinfo=UTC)


class Heard:
    """A handler that remembers; `wait(n)` returns what it has heard once that is so many events."""

    def __init__(self) -> None:
        self.events: list[nb.Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: nb.Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait(self, number: int) -> list[nb.Event]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= number, 20), self.events
        return self.events

    @property
    def data(self) -> list[Any]:
        return [event.data for event in self.events]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def hanging() -> Iterator[Callable[[nb.Event], object]]:
    gate = threading.Event()
    yield lambda event: gate.wait(60)
    gate.set()


def test_a_handler_hears_what_matches_from_then_on(real: nb.Runtime, heard: Heard) -> None:
    real.publish("data.available", {"file": "before.csv"})
    real.subscribe("data.*", heard)
    real.publish("data.available", {"file": "a.csv", "rows": [1, 2]})
    real.publish("data", {"file": "other"})
    real.publish("data.gone.for.good")
    first, second = heard.wait(2)
    assert (first.name, first.data) == ("data.available", {"file": "a.csv", "rows": [1, 2]})
    assert (second.name, second.data) == ("data.gone.for.good", {})
    assert first.at.tzinfo is not None
    assert first.seq < second.seq
    assert first.id != second.id


def test_one_that_comes_later_hears_nothing_of_before(real: nb.Runtime, heard: Heard) -> None:
    first = Heard()
    real.subscribe("tick", first)
    for number in range(50):
        real.publish("tick", {"n": number})
    real.subscribe("tick", heard)
    real.publish("tick", {"n": 50})
    first.wait(51)
    assert [data["n"] for data in first.data] == list(range(51))
    assert heard.wait(1)[0].data == {"n": 50}


def test_built_in_names_can_be_heard_and_not_published(
    real: nb.Runtime, works: ModuleType, heard: Heard
) -> None:
    real.subscribe("run.*", heard)
    run = real.run(works.ok).wait(10)
    assert [event.name for event in heard.wait(3)] == ["run.queued", "run.started", "run.succeeded"]
    assert {data["id"] for data in heard.data} == {run.id}
    assert heard.data[-1]["state"] == "succeeded"
    for name in ("run.succeeded", "schedule.fired", "runtime.started", "handler.failed", "run"):
        with pytest.raises(UsageError, match="own to publish"):
            real.publish(name)


@pytest.mark.parametrize("name", ["", " ", "a b", "a..b", "a.*", None, 3])
def test_bad_names_are_refused(real: nb.Runtime, name: Any) -> None:
    with pytest.raises(UsageError):
        real.publish(name)


@pytest.mark.parametrize("data", [[1], "text", 3, {"lock": threading.Lock()}])
def test_data_must_be_a_mapping_that_can_be_stored(real: nb.Runtime, data: Any) -> None:
    with pytest.raises((UsageError, nb.NbschedError)):
        real.publish("fine", data)


def test_each_handler_has_its_own_copy_of_the_data(real: nb.Runtime, heard: Heard) -> None:
    def spoil(event: Any) -> None:
        event.data["rows"].append(3)

    real.subscribe("data", spoil)
    real.subscribe("data", heard)
    for _ in range(3):
        real.publish("data", {"rows": [1, 2]})
    heard.wait(3)
    assert heard.data == [{"rows": [1, 2]}] * 3


async def _raises(event: nb.Event) -> None:
    raise ValueError("async")


async def _cancels_itself(event: nb.Event) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)  # noqa: TID251 where the cancellation is felt


async def _raises_cancelled(event: nb.Event) -> None:
    raise asyncio.CancelledError


async def _exits(event: nb.Event) -> None:
    sys.exit(3)


async def _interrupts(event: nb.Event) -> None:
    raise KeyboardInterrupt


def _raises_in_thread(event: nb.Event) -> None:
    raise ValueError("sync")


def _exits_in_thread(event: nb.Event) -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    "handler",
    [_raises, _cancels_itself, _raises_cancelled, _exits, _interrupts, _raises_in_thread, _exits_in_thread],
)
def test_a_handler_that_fails_harms_no_other_and_goes_on_itself(
    real: nb.Runtime, works: ModuleType, heard: Heard, handler: Any
) -> None:
    told = Heard()
    real.subscribe("handler.failed", told)
    real.subscribe("data", handler, name="failing")
    real.subscribe("data", heard)
    for number in range(3):
        real.publish("data", {"n": number})
    assert [event.data["n"] for event in heard.wait(3)] == [0, 1, 2]
    told.wait(3)
    assert {(data["handler"], data["event"], data["dead"]) for data in told.data} == {
        ("failing", "data", False)
    }
    assert real.run(works.ok).wait(10).state == "succeeded"


def test_a_handler_of_failures_that_fails_itself_ends_no_loop(real: nb.Runtime, heard: Heard) -> None:
    real.subscribe("*", _raises_in_thread)
    real.subscribe("handler.failed", heard)
    real.publish("data")
    heard.wait(1)
    real.publish("data")
    heard.wait(2)
    assert len(heard.events) == 2


def test_handlers_that_hang_keep_no_other_from_its_turn(
    real: nb.Runtime, works: ModuleType, heard: Heard, hanging: Any
) -> None:
    for number in range(60):
        real.subscribe("data", hanging, name=f"hanging {number}")
    real.subscribe("data", heard)
    real.publish("data", {"n": 1})
    assert heard.wait(1)[0].data == {"n": 1}
    assert real.run(works.ok).wait(10).state == "succeeded"


def test_a_handler_that_hangs_does_not_keep_the_runtime_from_closing(tmp_path: Path, hanging: Any) -> None:
    begun = threading.Event()

    async def never(event: nb.Event) -> None:
        begun.set()
        await asyncio.Event().wait()

    with nb.Runtime(tmp_path / "store.db") as rt:
        rt.subscribe("data", hanging, name="in a thread")
        rt.subscribe("data", never)
        rt.publish("data")
        assert begun.wait(10)
    assert not rt.open


class _Callable:
    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    async def __call__(self, event: nb.Event) -> None:
        self._heard(event)


def test_what_a_handler_returns_is_awaited(real: nb.Runtime, heard: Heard) -> None:
    async def handle(heard: Heard, event: nb.Event) -> None:
        heard(event)

    real.subscribe("data", _Callable(heard), name="an object")
    real.subscribe("data", functools.partial(handle, heard), name="a partial")
    real.subscribe("data", lambda event: handle(heard, event), name="a lambda")
    real.publish("data")
    assert len(heard.wait(3)) == 3


def test_a_handler_may_publish_subscribe_and_unsubscribe(real: nb.Runtime, heard: Heard) -> None:
    def once(event: nb.Event) -> None:
        handle.cancel()
        real.subscribe("echo", heard)
        real.publish("echo", {"of": event.data["n"]})

    async def echo(event: nb.Event) -> None:
        real.publish("echo", {"of": event.data["n"], "async": True})

    handle = real.subscribe("data", once)
    other = Heard()
    real.subscribe("data", other)
    real.publish("data", {"n": 1})
    heard.wait(1)
    real.subscribe("data", echo)
    real.publish("data", {"n": 2})
    other.wait(2)
    heard.wait(2)
    assert heard.data == [{"of": 1}, {"of": 2, "async": True}]


def test_eight_threads_publish_and_each_keeps_its_order(real: nb.Runtime, heard: Heard) -> None:
    real.subscribe("from.*", heard)

    def publish(thread: int) -> None:
        for number in range(40):
            real.publish(f"from.{thread}", {"n": number})

    threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = heard.wait(8 * 40)
    for thread in range(8):
        assert [event.data["n"] for event in events if event.name == f"from.{thread}"] == list(range(40))
    assert [event.seq for event in events] == sorted({event.seq for event in events})


def test_the_handle_ends_the_subscription_and_is_a_context_manager(real: nb.Runtime, heard: Heard) -> None:
    other = Heard()
    real.subscribe("data", other)
    with real.subscribe("data", heard) as handle:
        real.publish("data", {"n": 1})
        heard.wait(1)
    handle.cancel()
    real.publish("data", {"n": 2})
    other.wait(2)
    assert heard.data == [{"n": 1}]


def test_one_that_is_ended_hears_nothing_of_what_waits_for_it(real: nb.Runtime) -> None:
    seen, begun, gate = [], threading.Event(), threading.Event()
    other = Heard()

    def slow(event: nb.Event) -> None:
        seen.append(event.data["n"])
        begun.set()
        gate.wait(20)

    handle = real.subscribe("data", slow)
    real.subscribe("data", other)
    for number in range(5):
        real.publish("data", {"n": number})
    other.wait(5)
    assert begun.wait(10)
    handle.cancel()
    gate.set()
    real.publish("data", {"n": 5})
    other.wait(6)
    assert seen == [0]


def test_one_that_now_and_then_gives_something_to_await_keeps_the_order(
    real: nb.Runtime, heard: Heard
) -> None:
    async def later(event: nb.Event) -> None:
        heard(event)

    real.subscribe("data", lambda event: later(event) if event.data["n"] % 3 else heard(event), name="both")
    for number in range(12):
        real.publish("data", {"n": number})
    heard.wait(12)
    assert [data["n"] for data in heard.data] == list(range(12))


def test_what_is_told_and_not_kept_comes_in_order_with_its_own_data(real: nb.Runtime, heard: Heard) -> None:
    def spoil(event: Any) -> None:
        event.data["rows"].append("spoiled")
        event.data["n"] = -1

    real.subscribe("told.*", spoil)
    real.subscribe("told.*", heard)
    for number in range(200):
        real.scheduler.bus.tell(
            nb.Event(id="", name="told.x", at=START, seq=0, data={"n": number, "rows": []})
        )
    assert [event.data for event in heard.wait(200)] == [{"n": number, "rows": []} for number in range(200)]


def test_the_same_name_replaces_and_the_old_handle_ends_nothing(real: nb.Runtime, heard: Heard) -> None:
    first = Heard()
    old = real.subscribe("data", first, name="mine")
    real.subscribe("data", heard, name="mine")
    old.cancel()
    real.publish("data")
    heard.wait(1)
    assert first.events == []


def test_a_pattern_or_handler_that_can_not_be_is_refused(real: nb.Runtime) -> None:
    with pytest.raises(UsageError, match="pattern"):
        real.subscribe("a b", print)
    with pytest.raises(UsageError, match="cannot be called"):
        real.subscribe("a", 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="give name="):
        real.subscribe("a", print, durable=True)


# Durable ----------------------------------------------------------------------------------------------


def test_a_durable_handler_hears_what_was_published_while_it_was_gone(tmp_path: Path) -> None:
    path, first, second = tmp_path / "store.db", Heard(), Heard()
    with nb.Runtime(path) as rt:
        rt.subscribe("data", first, name="reader", durable=True)
        rt.publish("data", {"n": 0})
        first.wait(1)
    with nb.Runtime(path) as rt:
        for number in (1, 2):
            rt.publish("data", {"n": number})
    with nb.Runtime(path) as rt:
        rt.subscribe("data", second, name="reader", durable=True)
        rt.publish("data", {"n": 3})
        second.wait(3)
    assert [data["n"] for data in first.data] == [0]
    assert [data["n"] for data in second.data] == [1, 2, 3]


def test_ending_a_durable_subscription_forgets_its_place(tmp_path: Path, heard: Heard) -> None:
    with nb.Runtime(tmp_path / "store.db") as rt:
        rt.subscribe("data", heard, name="reader", durable=True).cancel()
        rt.publish("data", {"n": 1})
        rt.subscribe("data", heard, name="reader", durable=True)
        rt.publish("data", {"n": 2})
        assert heard.wait(1)[0].data == {"n": 2}


def test_a_dead_letter_after_five_tries_and_on_it_goes(rt: VirtualRuntime) -> None:
    tried, told = [], Heard()

    def handle(event: nb.Event) -> None:
        tried.append(event.data["n"])
        if event.data["n"] == 1:
            raise ValueError("poison")

    rt.subscribe("handler.failed", told)
    rt.subscribe("data", handle, name="reader", durable=True)
    for number in (0, 1, 2):
        rt.publish("data", {"n": number})
    rt.advance_blocking("1m")
    assert tried == [0, 1, 1, 1, 1, 1, 2]
    assert [data["dead"] for data in told.data] == [False] * 4 + [True]
    (letter,) = rt.dead_letters()
    assert (letter["subscription"], letter["event"].data, "poison" in letter["error"]) == (
        "reader",
        {"n": 1},
        True,
    )


def test_two_processes_under_one_name_are_one_reader(tmp_path: Path, until: Until) -> None:
    path, first, second = tmp_path / "store.db", Heard(), Heard()
    with nb.Runtime(path) as one, nb.Runtime(path) as two:
        one.subscribe("data", first, name="reader", durable=True)
        one.publish("data", {"n": 1})
        seq = first.wait(1)[0].seq
        until(one, lambda: one.database.read(log.subscription, "reader").seq >= seq)
        two.subscribe("data", second, name="reader", durable=True)
        for number in (2, 3):
            one.publish("data", {"n": number})
        second.wait(2)
        until(one, lambda: len(one.scheduler.bus) == 0)
    assert [data["n"] for data in first.data] == [1]
    assert [data["n"] for data in second.data] == [2, 3]


# Schedules that wait for events -------------------------------------------------------------------------


def test_each_event_that_holds_runs_with_its_data(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, nb.on("data.available", where={"kind": "csv"}), name="loading", overlap="allow")
    rt.publish("data.available", {"kind": "csv", "n": 1})
    rt.publish("data.available", {"kind": "xml", "n": 2})
    rt.publish("data.other", {"kind": "csv"})
    rt.publish("data.available", {"kind": "csv", "n": 3})
    rt.settle()
    assert [context.event["n"] for context in works.calls] == [1, 3]
    assert [context.interval for context in works.calls] == [(START, START)] * 2
    assert rt.get_schedule("loading").next_at is None


def test_events_outside_of_start_and_end_run_nothing(rt: VirtualRuntime, works: ModuleType) -> None:
    day = timedelta(days=1)
    rt.schedule(works.about, nb.on("data"), name="loading", start=START + day, end=START + 2 * day)
    for number in range(4):
        rt.publish("data", {"n": number})
        rt.advance_blocking("12h")
    rt.advance_blocking("12h")
    rt.publish("data", {"n": 9})
    rt.settle()
    assert [context.event["n"] for context in works.calls] == [2, 3]


@pytest.mark.parametrize(
    ("missed", "ran"), [("latest", [3]), ("all", [1, 2, 3]), ("none", []), ("earliest", [1])]
)
def test_events_published_while_nothing_ran_are_caught_up_with(
    tmp_path: Path, works: ModuleType, until: Until, missed: str, ran: list[int]
) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as rt:
        rt.schedule(works.about, nb.on("data"), name="loading", missed=missed)
    with Visitor(path) as visitor:
        for number in (1, 2, 3):
            visitor.publish("data", {"n": number})
    with nb.Runtime(path) as rt:
        until(rt, lambda: sum(run.count for run in rt.runs(schedule="loading")) == 3)
        until(rt, lambda: len(works.calls) == len(ran))
        assert [context.event["n"] for context in works.calls] == ran


def test_after_runs_when_the_named_work_has_ended_so(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, nb.after("ok"), name="following")
    rt.schedule(works.about, nb.after("bad", "failed"), name="repairing")
    run = rt.run(works.ok)
    rt.settle()
    failed = rt.run(works.bad)
    rt.settle()
    told = [call.event for call in works.calls if isinstance(call, Context)]
    assert [(event["id"], event["state"]) for event in told] == [(run.id, "succeeded"), (failed.id, "failed")]


def test_after_a_pipeline_and_not_after_a_step_of_that_name(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("training") as p:
        nb.task(works.ok).options(name="fetch")()
    rt.schedule(works.about, nb.after("training"), name="tell")
    rt.schedule(works.bad, nb.after("fetch"), name="never")
    rt.run(p)
    rt.settle()
    assert [run.schedule for run in rt.runs() if run.schedule] == ["tell"]


def test_time_and_event_together_run_at_either(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, nb.any_of(nb.cron("0 * * * *", tz="UTC"), nb.on("data")), name="either")
    rt.advance_blocking("90m")
    rt.publish("data", {"n": 1})
    rt.settle()
    rt.advance_blocking("1h")
    assert [context.event for context in works.calls] == [None, {"n": 1}, None]
    assert [context.scheduled_at for context in works.calls] == [
        START + timedelta(minutes=at) for at in (60, 90, 120)
    ]
