"""Sensors and approvals: what they wait for, what they give, and that waiting takes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, InvalidState, ParameterError, TriggerError, UnknownName
from nbsched.core.rows import panel_row
from nbsched.engine.sensing import Folder, folder_of
from nbsched.engine.visiting import Visitor
from nbsched.testing import VirtualRuntime

START = datetime(2026, 1, 5, tzinfo=UTC)
Until = Callable[..., None]


def why(run: nb.Run) -> str:
    return panel_row(run.record)["why"]


def attempts_and_events(rt: nb.Runtime, run: nb.Run) -> tuple[int, list[str]]:
    return len(run.attempts), [event.name for event in rt.events(run=run.id)]


# Events, instants and ends --------------------------------------------------------------------------------


def test_a_sensor_waits_for_an_event_and_gives_its_data(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("loading") as p:
        data = nb.wait_for(nb.on("data.available", "rows > 1"), timeout="1h", name="data")
        nb.task(works.ok).options(name="load")(data["path"])
    run = rt.run(p)
    rt.settle()
    waiting = run.steps["data"]
    assert (waiting.state, waiting.started_at, why(waiting)) == (
        "pending", START, "waits for on data.available where rows > 1")  # fmt: skip
    rt.publish("data.available", {"path": "none", "rows": 1})
    rt.settle()
    assert waiting.state == "pending"
    rt.publish("data.available", {"path": "/d", "rows": 2})
    rt.settle()
    assert (run.state, run.steps["load"].result) == ("succeeded", "/d")
    assert (waiting.result, waiting.values["rows"], waiting.attempt) == ({"path": "/d", "rows": 2}, 2, 0)
    assert attempts_and_events(rt, waiting) == (0, ["run.pending", "run.started", "run.succeeded"])


def test_waiting_holds_no_slot(tmp_path: Path, works: ModuleType) -> None:
    with VirtualRuntime(START, tmp_path / "store.db", slots=1) as rt:
        ask = nb.task(works.ready_when)
        waits = [rt.run(nb.wait_for(nb.on("never.comes"), timeout="1d")), rt.run(nb.approve("Sure?")),
                 rt.run(nb.wait_for(works.ready_when, params={"name": "closed"}, timeout="1d"))]  # fmt: skip
        assert [rt.run(ask, {"name": "closed"}).wait(10).state for _ in range(5)] == ["succeeded"] * 5
        rt.advance_blocking("1h")
        assert not any(run.state.final for run in waits)


def test_waiting_is_no_part_of_what_max_parallel_counts(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("narrow", max_parallel=1) as p:
        nb.wait_for(nb.on("go"), timeout="1d", name="data")
        nb.approve("Sure?", name="sure")
        nb.task(works.ok).options(name="beside")()
    run = rt.run(p)
    rt.settle()
    assert run.steps["beside"].state == "succeeded"


def test_the_loop_does_not_turn_while_all_there_is_waits(tmp_path: Path) -> None:
    with nb.Runtime(tmp_path / "store.db", lease="60s") as rt:
        rt.run(nb.wait_for(nb.on("never.comes"), timeout="1d"))
        rt.run(nb.wait_for(nb.at("2999-01-01T00:00+00:00"), timeout=None))
        rt.run(nb.approve("Sure?", timeout="1d"))
        threading.Event().wait(0.3)
        before = rt.scheduler.turns
        threading.Event().wait(0.7)
        assert rt.scheduler.turns == before


def test_what_does_not_come_in_time_has_failed_and_its_followers_see_that(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("late") as p:
        data = nb.wait_for(nb.on("data.available"), timeout="1h", name="data")
        data >> nb.task(works.ok).options(name="load")()
        data >> nb.task(works.ok).options(name="tell", rule="one_failed")()
    run = rt.run(p)
    rt.advance_blocking("59m59s")
    assert run.steps["data"].state == "pending"
    rt.advance_blocking("1s")
    data_run = run.steps["data"]
    assert (run.state, data_run.state, data_run.reason) == ("failed", "failed", "timeout")
    assert run.error == data_run.error == "TimeoutError: on data.available did not come within 1h"
    assert data_run.ended_at == START + timedelta(hours=1)
    assert (run.steps["load"].reason, run.steps["tell"].state) == ("upstream_failed", "succeeded")


def test_what_waits_keeps_its_first_deadline_and_what_it_waits_for_across_a_restart(
    tmp_path: Path, works: ModuleType
) -> None:
    with VirtualRuntime(START, tmp_path / "store.db") as rt:
        late, met = (rt.run(nb.wait_for(nb.on(name), timeout="1h")).id for name in ("late", "met"))
        asked = rt.run(nb.approve("Sure?", timeout="1h")).id
        looked = rt.run(nb.wait_for(works.ready_when, params={"name": "closed"}, timeout="1h", poke="1m")).id
        rt.advance_blocking("30m")
    with Visitor(tmp_path / "store.db") as visitor:
        visitor.publish("met", {"x": 1})
    with VirtualRuntime(START + timedelta(minutes=50), tmp_path / "store.db") as rt:
        rt.settle()
        assert (rt.get_run(met).result, rt.get_run(late).state) == ({"x": 1}, "pending")
        rt.advance_blocking("10m")
        for run in (late, asked, looked):
            found = rt.get_run(run)
            assert (found.state, found.reason) == ("failed", "timeout")
            assert found.ended_at == START + timedelta(hours=1)


def test_a_sensor_is_cancelled_at_once(rt: VirtualRuntime, works: ModuleType) -> None:
    waits = [rt.run(nb.wait_for(nb.on("never"), timeout="1h")), rt.run(nb.approve("Sure?")),
             rt.run(nb.wait_for(works.ready_when, params={"name": "closed"}, timeout="1h"))]  # fmt: skip
    rt.settle()
    for run in waits:
        rt.cancel(run)
        assert run.state == "cancelled"
    assert rt.database.read(lambda db: db.execute("SELECT count(*) FROM waits").fetchone()[0]) == 0
    with pytest.raises(InvalidState, match="waits for nobody"):
        rt.resolve(waits[1], True)


def test_events_from_before_the_wait_do_not_count(rt: VirtualRuntime) -> None:
    rt.publish("data.available", {"old": True})
    run = rt.run(nb.wait_for(nb.on("data.*"), timeout="1h"))
    rt.settle()
    assert run.state == "pending"
    rt.publish("data.available", {"old": False})
    rt.settle()
    assert run.result == {"old": False}


@pytest.mark.parametrize(
    ("trigger", "at"),
    [
        (nb.at("2026-01-05T06:00+00:00"), timedelta(hours=6)),
        (nb.at("2025-01-05T06:00+00:00"), timedelta()),
        (nb.every("90m"), timedelta(minutes=90)),
        (nb.cron("0 4 * * *", tz="UTC"), timedelta(hours=4)),
        (nb.any_of(nb.on("never"), nb.every("2h")), timedelta(hours=2)),
    ],
)
def test_a_sensor_waits_for_an_instant(rt: VirtualRuntime, trigger: Any, at: timedelta) -> None:
    run = rt.run(nb.wait_for(trigger, timeout="1d"))
    rt.advance_blocking("7h")
    assert (run.state, run.result, run.ended_at) == ("succeeded", START + at, START + at)


def test_a_sensor_waits_for_the_end_of_other_work_and_gives_what_that_gave(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    fetch, bad = nb.task(works.emits, name="fetch"), nb.task(works.bad, name="fetch")
    rt.run(fetch, {"path": "/old"}).wait(10)
    run = rt.run(nb.wait_for(nb.after("fetch"), timeout="1d"))
    rt.run(bad).wait(10)
    rt.settle()
    assert run.state == "pending"
    rt.run(fetch, {"path": "/new"}).wait(10)
    rt.settle()
    assert (run.result, run.values) == ({"path": "/new"}, {"path": "/new"})


def test_the_last_end_counts_at_once_when_it_is_asked_for(rt: VirtualRuntime, works: ModuleType) -> None:
    gives = nb.task(works.gives, name="make")
    wait = nb.wait_for("after make", timeout="1h", match="latest")
    first = rt.run(wait)
    rt.run(gives, {"what": "frame"}).wait(20)
    rt.settle()
    assert list(first.result["a"]) == [1, 2]
    assert list(rt.run(wait).wait(10).result["b"]) == ["x", "y"]
    assert (
        len(rt.run(gives, {"what": "large"}).wait(20).result) == len(rt.run(wait).wait(10).result) == 100_000
    )
    rt.run(nb.task(works.bad, name="make")).wait(10)
    waits = rt.run(wait)
    rt.settle()
    assert waits.state == "pending"


def test_the_end_of_the_same_interval_counts_whenever_it_was(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("report") as p:
        nb.wait_for(nb.after("load"), timeout="1h", match="same_interval", name="load")
    rt.schedule(nb.task(works.instant, name="load"), nb.cron("0 */2 * * *", tz="UTC"))
    rt.schedule(p, nb.cron("0 * * * *", tz="UTC"), overlap="allow")
    rt.advance_blocking("2h")
    two, one = rt.runs(name="report")
    assert (two.state, two.steps["load"].result) == ("succeeded", "2026-01-05T02:00:00+00:00")
    assert (one.state, one.steps["load"].reason) == ("failed", "timeout")


def test_what_has_begun_to_wait_begins_only_once(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("either") as p:
        fast, slow = (
            nb.task(works.held_if).options(name=name)(gate) for name, gate in (("fast", ""), ("slow", "door"))
        )
        wait = nb.wait_for(nb.on("go"), timeout="1h", name="go", rule="one_success", when="slow != 'door'")
        [fast, slow] >> wait
    run = rt.run(p)
    assert works.begun["door"].wait(10)
    while run.steps["go"].started_at is None:
        threading.Event().wait(0.01)
    works.gates["door"].set()
    rt.settle()
    assert (run.steps["slow"].state, run.steps["go"].state) == ("succeeded", "pending")
    assert attempts_and_events(rt, run.steps["go"]) == (0, ["run.pending", "run.started"])
    rt.publish("go")
    rt.settle()
    assert run.state == "succeeded"


def test_a_backfill_of_what_waits_keeps_to_its_width(rt: VirtualRuntime) -> None:
    rt.schedule(nb.wait_for(nb.on("go"), timeout="1d", name="wait"), nb.cron("0 * * * *", tz="UTC"))
    rt.backfill("wait", START - timedelta(hours=3), START, max_parallel=2)
    rt.settle()

    def begun() -> int:
        return sum(run.started_at is not None for run in rt.runs(name="wait"))

    assert begun() == 2
    rt.publish("go")
    rt.settle()
    assert begun() == 3
    rt.publish("go")
    rt.settle()
    assert [run.state.value for run in rt.runs(name="wait")] == ["succeeded"] * 3


def test_a_simulation_of_what_waits_comes_to_an_end(rt: VirtualRuntime) -> None:
    rt.schedule(nb.wait_for(nb.every("20m"), timeout="1d", name="wait"), nb.cron("0 * * * *", tz="UTC"))
    rt.schedule(nb.approve("Sure?", timeout="30m", name="ask"), nb.cron("0 * * * *", tz="UTC"))
    found = rt.simulate(START, START + timedelta(hours=2, minutes=30))
    assert [row["verdict"] for row in found] == ["run"] * len(found)


# Signals --------------------------------------------------------------------------------------------------


def test_a_signal_reaches_only_the_run_of_its_key_and_is_not_lost_before_the_wait(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    heard: list[Any] = []
    rt.subscribe("go", lambda event: heard.append((event.key, event.data)))
    with nb.pipeline("orders") as p:
        paid = nb.task(works.held_if).options(name="first")("wait")
        paid >> nb.wait_for(nb.on("go"), timeout="1h", name="go")
    runs = {key: rt.run(p, key=key) for key in ("a", "b")}
    other = rt.run(nb.wait_for(nb.on("go"), timeout="1h"))
    assert works.begun["wait"].wait(10)
    rt.publish("go", {"n": 1}, key="b")
    works.gates["wait"].set()
    rt.settle()
    assert runs["b"].steps["go"].result == {"n": 1}
    assert (runs["a"].state, other.state) == ("running", "pending")
    rt.publish("go", {"n": 2}, key="a")
    rt.settle()
    assert (runs["a"].steps["go"].result, other.state) == ({"n": 2}, "pending")
    rt.publish("go", {"n": 3})
    rt.settle()
    assert other.result == {"n": 3}
    assert heard == [("b", {"n": 1}), ("a", {"n": 2}), (None, {"n": 3})]


def test_a_signal_from_before_the_run_is_not_its_own(rt: VirtualRuntime) -> None:
    rt.publish("go", key="a")
    run = rt.run(nb.wait_for(nb.on("go"), timeout="1h"), key="a")
    rt.settle()
    assert run.state == "pending"


def test_a_signal_is_an_event_for_schedules(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, nb.on("go"))
    rt.publish("go", {"n": 1}, key="nobody")
    rt.settle()
    assert rt.runs(name="about")[0].result["event"] == {"n": 1}


# Functions ------------------------------------------------------------------------------------------------


def test_a_function_is_asked_until_its_answer_is_true_and_leaves_no_trace_before(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("ready") as p:
        name = nb.task(works.ok).options(name="name")("door")
        found = nb.wait_for(works.ready_when, params={"name": name}, timeout="1h", poke="1m", name="open")
        nb.task(works.ok).options(name="use")(found["gate"])
    run = rt.run(p)
    rt.advance_blocking("5m30s")
    waiting = run.steps["open"]
    assert works.calls.count("looked") == 6
    assert (waiting.state, waiting.attempt, waiting.started_at, why(waiting)) == (
        "queued", 0, START, "waits for ready_when()")  # fmt: skip
    assert attempts_and_events(rt, waiting) == (0, ["run.pending", "run.started"])
    works.gates["door"].set()
    rt.advance_blocking("30s")
    assert (waiting.result, run.steps["use"].result) == ({"gate": "door"}, "door")
    assert (waiting.attempt, waiting.ended_at) == (1, START + timedelta(minutes=6))
    assert attempts_and_events(rt, waiting) == (1, ["run.pending", "run.started", "run.succeeded"])


def test_an_async_function_can_be_asked(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(nb.wait_for(works.ready_async, timeout="1h"))
    rt.advance_blocking("30s")
    assert (run.state, run.result, run.name) == ("succeeded", [1, 2], "ready_async")


def test_a_function_that_raises_fails_its_sensor_or_is_tried_again(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    once = rt.run(nb.wait_for(works.bad, timeout="1h"))
    again = rt.run(nb.wait_for(works.bad_until, params={"attempt": 3}, timeout="1h", retries=2))
    rt.advance_blocking("10m")
    assert (once.state, once.error) == ("failed", "ValueError: no")
    assert (again.state, again.result, [one.outcome for one in again.attempts]) == (
        "succeeded", 3, ["failed", "failed", "succeeded"])  # fmt: skip


def test_a_function_that_is_asked_when_the_time_is_up_is_stopped(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    run = rt.run(nb.wait_for(works.held, params={"name": "door"}, timeout="1h", retries=3))
    assert works.begun["door"].wait(10)
    assert panel_row(run.record)["state"] == "queued"
    rt.clock.move_to(START + timedelta(hours=1))
    run.wait(10)
    assert (run.state, run.reason) == ("failed", "timeout")
    assert run.error == "TimeoutError: held() did not come within 1h"


def test_a_function_that_a_closing_host_breaks_off_is_asked_again(tmp_path: Path, works: ModuleType) -> None:
    with nb.Runtime(tmp_path / "store.db") as rt:
        run = rt.run(nb.wait_for(works.held, params={"name": "door"}, timeout="1h", rerun=False)).id
        assert works.begun["door"].wait(10)
    with nb.Runtime(tmp_path / "store.db") as rt:
        works.gates["door"].set()
        found = rt.get_run(run).wait(10)
        assert (found.state, found.result, found.attempt) == ("succeeded", "door", 1)


# Files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("watching", [True, False])
def test_files_are_there_once_none_of_them_changes_any_more(
    real: nb.Runtime, tmp_path: Path, works: ModuleType, monkeypatch: pytest.MonkeyPatch, watching: bool
) -> None:
    monkeypatch.setattr(real.scheduler._senses, "_can_watch", watching)
    folder = tmp_path / "in"
    folder.mkdir()
    poke = "30s" if watching else "100ms"
    run = real.run(nb.wait_for(nb.file(folder / "*.csv", settle="400ms"), timeout="20s", poke=poke))
    threading.Event().wait(0.5)
    (folder / "b.csv").write_text("1")
    (folder / "note.txt").write_text("no")
    for _ in range(6):
        with (folder / "a.csv").open("a") as growing:
            growing.write("more")
        threading.Event().wait(0.1)
        assert not run.state.final
    last = (folder / "a.csv").stat().st_mtime
    run.wait(10)
    assert run.result == [str(folder / "a.csv"), str(folder / "b.csv")]
    assert run.ended_at is not None
    assert 0.4 <= run.ended_at.timestamp() - last < 2


def test_a_runtime_that_watches_a_folder_closes_at_once(tmp_path: Path, until: Until) -> None:
    with nb.Runtime(tmp_path / "store.db") as rt:
        rt.run(nb.wait_for(nb.file(tmp_path / "*.csv"), timeout="1h"))
        until(rt, lambda: rt.scheduler._senses._watched)
        threading.Event().wait(0.5)
        began = time.perf_counter()
    assert time.perf_counter() - began < 2


def test_an_old_file_that_is_moved_here_has_only_just_come(real: nb.Runtime, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("x")
    os.utime(old, (1, 1))
    os.rename(old, tmp_path / "new.csv")
    moved = (tmp_path / "new.csv").stat().st_ctime
    run = real.run(
        nb.wait_for(nb.file(tmp_path / "*.csv", settle="500ms"), timeout="20s", poke="100ms")
    ).wait(10)
    assert run.ended_at is not None
    assert run.ended_at.timestamp() - moved >= 0.5


def test_what_is_watched_is_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert folder_of(f"{tmp_path}/*.csv") == Folder(str(tmp_path), False)
    assert folder_of(f"{tmp_path}/**/x.csv") == Folder(str(tmp_path), True)
    assert folder_of(f"{tmp_path}/later/still/*.csv") == Folder(str(tmp_path), False)


# Approvals ------------------------------------------------------------------------------------------------


def test_an_approval_waits_for_a_person_and_decides_what_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("deploying") as p:
        sure = nb.approve("Deploy?", name="sure")
        nb.task(works.ok).options(name="deploy", when=sure.result)() << sure
    yes, no = rt.run(p), rt.run(p)
    rt.settle()
    row = panel_row(yes.steps["sure"].record)
    assert (row["why"], row["actions"]) == ("waits for approval: Deploy?", ("approve", "reject", "cancel"))
    rt.resolve(yes.steps["sure"], True)
    rt.resolve(no.id, False)
    assert [run.steps["sure"].state for run in (yes, no)] == ["succeeded", "succeeded"]
    assert [run.steps["sure"].result for run in (yes, no)] == [True, False]
    assert set(yes.steps["sure"].values) == {"answer", "by"}
    rt.settle()
    assert [run.steps["deploy"].state for run in (yes, no)] == ["succeeded", "skipped"]


def test_an_early_answer_is_kept_until_it_is_asked_for(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("deploying") as p:
        nb.task(works.held_if).options(name="first")("door") >> nb.approve("How many?", type=int, name="many")
    run = rt.run(p)
    assert works.begun["door"].wait(10)
    many = run.steps["many"]
    rt.resolve(many, 3)
    assert (many.state, many.result) == ("pending", None)
    with pytest.raises(InvalidState, match="has its answer already"):
        rt.resolve(many, 4)
    works.gates["door"].set()
    rt.settle()
    assert (run.state, many.result) == ("succeeded", 3)


def test_an_early_answer_outlasts_the_wait_for_the_run_before(rt: VirtualRuntime) -> None:
    rt.schedule(nb.approve("Sure?", name="ask", depends_on_previous=True), nb.every("1h"), overlap="allow")
    rt.advance_blocking("2h")
    second, first = rt.runs(name="ask")
    assert (first.reason, second.reason) == (None, "previous")
    rt.resolve(second, False)
    assert second.state == "pending"
    rt.resolve(first, True)
    rt.settle()
    assert (first.result, second.state, second.result) == (True, "succeeded", False)


def test_of_several_approvals_the_one_has_to_be_named(rt: VirtualRuntime) -> None:
    with nb.pipeline("deploying") as p:
        first, second = nb.approve("One?", name="one"), nb.approve("Two?", name="two")
        [first, second] >> nb.approve("Three?", name="three")
    run = rt.run(p)
    rt.settle()
    with pytest.raises(
        InvalidState, match=r"several approvals .* wait: give the run of one, 2 \(one\) and 3 \(two\)"
    ):
        rt.resolve(run, True)
    rt.resolve(2, True)
    rt.settle()
    rt.resolve(run, True)
    rt.settle()
    rt.resolve(run, True)
    rt.settle()
    assert run.state == "succeeded"
    for id_, error, words in [(run.id, InvalidState, "waits for nobody"), (99, UnknownName, "no run 99")]:
        with pytest.raises(error, match=words):
            rt.resolve(id_, True)


def test_a_wrong_answer_changes_nothing(rt: VirtualRuntime) -> None:
    run = rt.run(nb.approve("Where to?", type=["EU", "US"]))
    rt.settle()
    with pytest.raises(ParameterError, match="'Where to\\?' asks for one of 'EU', 'US', not 'XX'"):
        rt.resolve(run, "XX")
    assert run.state == "pending"
    assert why(run) == f"waits for approval: Where to? (nbsched resolve {run.id} VALUE: EU | US)"
    rt.resolve(run, "US")
    rt.settle()
    assert run.result == "US"


def test_nobody_answers_in_time(rt: VirtualRuntime) -> None:
    run = rt.run(nb.approve("Sure?", timeout="1h"))
    rt.advance_blocking("1h")
    assert (run.state, run.reason, run.error) == (
        "failed", "timeout", "TimeoutError: nobody answered 'Sure?' within 1h")  # fmt: skip


def test_the_hooks_of_what_ends_by_an_answer_are_called(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("deploying", on_success="told") as p:
        nb.approve("Sure?", name="sure", on_success="step.told")
    run = rt.run(p)
    rt.settle()
    rt.resolve(run, True)
    rt.settle()
    assert {event.name for event in rt.events()} >= {"told", "step.told"}


def test_a_pipeline_that_is_retried_asks_again_only_what_was_not_answered(rt: VirtualRuntime) -> None:
    with nb.pipeline("deploying") as p:
        nb.approve("One?", name="one") >> nb.approve("Two?", name="two", timeout="1h")
    run = rt.run(p)
    rt.settle()
    rt.resolve(run, False)
    rt.advance_blocking("1h")
    again = rt.retry(run)
    rt.settle()
    assert (run.state, again.steps["one"].reason, again.steps["two"].state) == ("failed", "reused", "pending")
    rt.resolve(again, True)
    rt.settle()
    assert (again.state, again.steps["one"].result) == ("succeeded", False)


def test_a_pipeline_inside_a_pipeline_waits_hears_its_signals_and_asks(rt: VirtualRuntime) -> None:
    with nb.pipeline("outer") as outer:
        with nb.pipeline("inner") as inner:
            nb.wait_for(nb.on("go"), timeout="1h", name="go") >> nb.approve("Sure?", name="sure")
        inner.options(name="part")()
    run = rt.run(outer, key="k")
    rt.settle()
    rt.publish("go", key="k")
    rt.settle()
    rt.resolve(run, True)
    rt.settle()
    assert (run.state, run.steps["part"].steps["sure"].result) == ("succeeded", True)
    again = rt.run(nb.wait_for(nb.after("outer"), timeout="1h", match="latest")).wait(10)
    assert again.result is True


def test_a_schedule_starts_waiting_at_its_instants(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(nb.wait_for(nb.on("go"), timeout="90m", name="wait"), nb.every("1h"), overlap="queue_one")
    rt.advance_blocking("3h")
    rt.publish("go")
    rt.settle()
    assert [(run.state.value, run.reason) for run in rt.runs(name="wait")][-2:] == [
        ("succeeded", None), ("failed", "timeout")]  # fmt: skip


def test_so_many_sensors_are_looked_at_at_once(real: nb.Runtime, works: ModuleType, until: Until) -> None:
    waits = [real.run(nb.wait_for(works.held, params={"name": "door"}, timeout="1h", resources={}))
             for _ in range(10)]  # fmt: skip
    until(real, lambda: works.calls.count("door") == 8)
    assert real.run(nb.task(works.ok)).wait(10).state == "succeeded"
    assert works.calls.count("door") == 8
    works.gates["door"].set()
    assert {run.wait(10).state for run in waits} == {"succeeded"}


# Refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: nb.wait_for(3, timeout="1h"), DefinitionError, "3 cannot be waited for: give nb.on"),
        (lambda: nb.wait_for("now and then", timeout="1h"), TriggerError, "now"),
        (lambda: nb.wait_for(nb.on("x"), timeout="soon"), DefinitionError, "wait_for on x: timeout 'soon'"),
        (
            lambda: nb.wait_for(nb.on("x"), timeout="1h", match="latest"),
            DefinitionError,
            "is for the end of other work",
        ),
        (
            lambda: nb.wait_for(nb.after("x"), timeout="1h", match="last"),
            DefinitionError,
            "did you mean 'latest'",
        ),
        (lambda: nb.wait_for(nb.on("x"), timeout="1h", params={"a": 1}), DefinitionError, "for a function"),
        (
            lambda: nb.wait_for(len, timeout="1h", poke="1ms"),
            DefinitionError,
            "too often: give 100ms or more",
        ),
        (lambda: nb.wait_for(nb.on("x"), timeout="1h", pok="1s"), DefinitionError, "no option 'pok'"),
        (lambda: nb.file(" "), DefinitionError, "no file pattern"),
        (lambda: nb.approve(""), DefinitionError, "asks nothing"),
        (lambda: nb.approve("Sure?", type=complex), DefinitionError, "no type 'complex': use bool, int"),
        (lambda: nb.approve("Sure?", type=[]), DefinitionError, "no choices"),
    ],
)
def test_what_cannot_be_waited_for_is_refused_when_it_is_written(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        make()


def test_a_step_is_waited_for_by_an_edge(works: ModuleType) -> None:
    with pytest.raises(DefinitionError, match="waited for by an edge"), nb.pipeline("p"):
        nb.wait_for(nb.task(works.ok)(), timeout="1h")
