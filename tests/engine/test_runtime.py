"""A runtime's life, and what it leaves to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

import nbsched as nb
from nbsched.core.errors import StoreError, UnknownName, UsageError
from nbsched.engine import default

Until = Callable[..., None]


def test_two_runtimes_one_after_the_other_share_the_store(tmp_path: Path, works: ModuleType) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as first:
        run = first.run(works.ok, {"value": 3}).wait(10)
    with nb.Runtime(path) as second:
        assert second.get_run(run.id).result == 3
        assert second.run(works.ok).wait(10).id == run.id + 1
        assert [event.name for event in second.events(name="runtime.*")] == [
            "runtime.started", "runtime.stopped", "runtime.started"
        ]  # fmt: skip


def test_a_run_of_a_closed_runtime_can_be_read_and_nothing_be_asked(
    tmp_path: Path, works: ModuleType
) -> None:
    with nb.Runtime(tmp_path / "store.db") as rt:
        run = rt.run(works.ok).wait(10)
    assert (run.state, run.attempt, run.error) == ("succeeded", 1, None)
    for call in (
        lambda: rt.run(works.ok),
        lambda: rt.publish("data"),
        lambda: run.retry(),
        lambda: rt.pause("x"),
    ):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_a_closed_runtime_can_be_opened_again(tmp_path: Path, works: ModuleType) -> None:
    rt = nb.Runtime(tmp_path / "store.db")
    for _ in range(3):
        with rt:
            assert rt.run(works.ok).wait(10).state == "succeeded"
        rt.close()
    with rt:
        assert len(rt.runs()) == 3


def test_closing_asks_running_work_to_stop_and_leaves_it_to_the_next(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as first:
        run = first.run(works.held, {"name": "gate"})
        assert works.begun["gate"].wait(10)
    assert (run.state, run.reason, run.attempt) == ("queued", "lost", 1)
    works.gates["gate"].set()
    with nb.Runtime(path) as second:
        assert second.get_run(run.id).wait(10).attempt == 2


def test_closing_again_and_again_does_not_wear_a_run_out(tmp_path: Path, works: ModuleType) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as first:
        run = first.run(works.held, {"name": "gate"})
    for _ in range(8):
        works.begun["gate"].clear()
        with nb.Runtime(path):
            assert works.begun["gate"].wait(10)
    assert run.state == "queued"
    works.gates["gate"].set()
    with nb.Runtime(path) as last:
        assert last.get_run(run.id).wait(10).state == "succeeded"


def test_closing_waits_for_no_work_that_will_not_stop(tmp_path: Path, works: ModuleType) -> None:
    rt = nb.Runtime(tmp_path / "store.db").start()
    run = rt.run(works.stubborn, grace="200ms")
    assert works.begun["stubborn"].wait(10)
    rt.close()
    assert run.state == "queued"
    works.gates["stubborn"].set()


def test_closing_wakes_who_waits_for_what_can_not_end_any_more(tmp_path: Path, works: ModuleType) -> None:
    said: list[BaseException] = []
    rt = nb.Runtime(tmp_path / "store.db").start()
    run = rt.run(works.held, {"name": "gate"})
    assert works.begun["gate"].wait(10)

    def wait() -> None:
        try:
            run.wait()
        except StoreError as error:
            said.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not rt._waiting:
        threading.Event().wait(0.005)
    rt.close()
    thread.join(10)
    assert "closed" in str(said[0])
    with pytest.raises(StoreError):
        run.wait()


def test_what_was_asked_while_it_closes_is_refused_or_done(tmp_path: Path, works: ModuleType) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"
        rt = nb.Runtime(path).start()
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(rt.run, works.ok, {"value": number}) for number in range(40)]
            pool.submit(rt.close)
        made = [future.result() for future in asked if future.exception() is None]
        assert all(isinstance(future.exception(), StoreError) for future in asked if future.exception())
        with nb.Runtime(path) as again:
            assert {again.get_run(run.id).wait(20).state for run in made} <= {"succeeded"}
            assert len(again.runs(limit=None)) == len(made)


def test_the_default_runtime_is_started_once_however_many_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_STORE", str(tmp_path / "store.db"))
    monkeypatch.delattr("sys._nbsched_runtime", raising=False)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: default.runtime(), range(8)))
    assert len(found) == 1
    assert len(found.pop().hosts()) == 1
    running = default.running()
    assert running is not None
    running.close()


@pytest.mark.parametrize(
    "options", [{"slots": 0}, {"slots": True}, {"slots": 1.5}, {"lease": "50ms"}, {"lease": "soon"}]
)
def test_bad_options_are_refused_before_anything_is_made(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        nb.Runtime(tmp_path / "store.db", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_unknown_runs_are_an_error(real: nb.Runtime) -> None:
    for call in (real.get_run, real.cancel, real.retry):
        with pytest.raises(UnknownName, match="no run 99"):
            call(99)


def test_runs_are_listed_newest_first_and_by_what_is_asked(real: nb.Runtime, works: ModuleType) -> None:
    ok = [real.run(works.ok).wait(10) for _ in range(3)]
    bad = real.run(works.bad).wait(10)
    assert real.runs() == [bad, *reversed(ok)]
    assert real.runs(limit=2) == [bad, ok[2]]
    assert real.runs(state="failed") == [bad]
    assert real.runs(name="ok", limit=1) == [ok[2]]


def test_one_host_s_nudge_wakes_the_other_at_once(tmp_path: Path, works: ModuleType) -> None:
    """With a lease of an hour nothing but a nudge could."""
    path = tmp_path / "store.db"
    with nb.Runtime(path, lease="1h") as one, nb.Runtime(path, lease="1h", kind="daemon") as two:
        one.schedule(works.ok, "every 1h", name="any host's")
        run = two.trigger("any host's")
        assert one.get_run(run.id).wait(5).state == "succeeded"
        other = one.run(works.ok)
        assert two.get_run(other.id).wait(5).state == "succeeded"


def test_what_is_scheduled_is_a_server_s_while_one_lives_and_then_anyone_s(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as script:
        with nb.Runtime(path, kind="daemon") as daemon:
            until(script, lambda: not script.scheduler._takes_anything)
            script.schedule(works.ok, "every 50ms", name="often", limit=3)
            until(script, lambda: len(script.runs(state="succeeded")) == 3)
            by = {attempt.host for run in script.runs() for attempt in run.attempts}
            assert by == {daemon.host.id}
            mine = script.run(works.ok).wait(10)
            assert [attempt.host for attempt in mine.attempts] == [script.host.id]
        script.schedule(works.ok, "every 50ms", name="later", limit=2)
        until(script, lambda: len(script.runs(schedule="later", state="succeeded")) == 2)


def test_one_run_that_hangs_makes_no_schedule_late(real: nb.Runtime, works: ModuleType, until: Until) -> None:
    real.run(works.stubborn, grace="10ms")
    real.schedule(works.ok, "every 50ms", name="often", limit=10)
    until(real, lambda: len(real.runs(schedule="often", state="succeeded")) == 10)
    late = [run.started_at - run.scheduled_at for run in real.runs(schedule="often", state="succeeded")]
    assert max(late).total_seconds() < 1
    works.gates["stubborn"].set()
