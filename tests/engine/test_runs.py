"""What becomes of a run: tried again, stopped, ordered, refused, and what it leaves."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import InvalidState, ParameterError, RunFailed, UnknownName, UsageError
from nbsched.testing import VirtualRuntime

Until = Callable[..., None]
START = datetime(2026, 1, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def names(rt: nb.Runtime, run: nb.Run) -> list[str]:
    return [event.name.removeprefix("run.") for event in rt.events(run=run.id) if event.data["id"] == run.id]


# Ends -------------------------------------------------------------------------------------------------


def test_a_run_is_told_as_it_goes(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.ok, {"value": {"a": [1, None]}}).wait(10)
    assert (run.state, run.reason, run.attempt, run.error) == ("succeeded", None, 1, None)
    assert run.result == {"a": [1, None]}
    assert run.values == {"a": [1, None]}
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.started_at <= run.ended_at
    assert (run.schedule, run.pipeline, run.step, run.index, run.parent, run.key) == (None,) * 6
    assert run.params == {"value": {"a": [1, None]}}
    assert names(real, run) == ["queued", "started", "succeeded"]
    assert [attempt.outcome for attempt in run.attempts] == ["succeeded"]


def test_attempt_is_zero_before_the_first_start(real: nb.Runtime, works: ModuleType, until: Until) -> None:
    held = [real.run(works.held, {"name": f"h{number}"}) for number in range(4)]
    until(real, lambda: all(run.state == "running" for run in held))
    run = real.run(works.ok)
    assert (run.state, run.attempt, run.started_at) == ("queued", 0, None)


def test_a_failure_is_told_with_its_error_and_raised_when_asked(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.bad, {"text": "out of paper"}).wait(10)
    assert (run.state, run.error, run.result) == ("failed", "ValueError: out of paper", None)
    assert "raise ValueError" in run.error.traceback
    with pytest.raises(RunFailed, match="out of paper"):
        run.wait(check=True)


def test_waiting_no_longer_than_asked_leaves_the_run_alone(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.held, {"name": "gate"})
    with pytest.raises(TimeoutError, match="still"):
        run.wait(0.05)
    works.gates["gate"].set()
    assert run.wait(10).state == "succeeded"


def test_many_can_wait_for_one_run_from_many_threads(real: nb.Runtime, works: ModuleType) -> None:
    run, found = real.run(works.held, {"name": "gate"}), []
    threads = [threading.Thread(target=lambda: found.append(run.wait(10).state)) for _ in range(8)]
    for thread in threads:
        thread.start()
    works.gates["gate"].set()
    for thread in threads:
        thread.join(10)
    assert found == ["succeeded"] * 8


@pytest.mark.anyio
async def test_runs_can_be_awaited_together_and_given_up(real: nb.Runtime, works: ModuleType) -> None:
    runs = [real.run(works.ok, {"value": number}) for number in range(5)]
    assert [run.result for run in await asyncio.gather(*runs)] == list(range(5))
    held = real.run(works.held, {"name": "gate"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_ended(held), 0.05)
    works.gates["gate"].set()
    assert (await held).state == "succeeded"


async def _ended(run: nb.Run) -> nb.Run:
    return await run


def test_skip_fail_and_an_interrupt_end_a_run_each_in_its_way(real: nb.Runtime, works: ModuleType) -> None:
    skipped = real.run(works.skips, retries=3).wait(10)
    assert (skipped.state, skipped.reason, skipped.attempt) == ("skipped", "not today", 1)
    failed = real.run(works.fails, retries=3).wait(10)
    assert (failed.state, failed.reason, failed.attempt) == ("failed", "never again", 1)
    interrupted = real.run(works.raises_keyboard_interrupt, retries=3).wait(10)
    assert (interrupted.state, interrupted.reason) == ("failed", "interrupted")


# Trying again -----------------------------------------------------------------------------------------

BACKOFF = nb.Backoff(wait="60s", factor=2, max_wait="10m", jitter=0)


def test_a_failure_is_tried_again_after_its_backoff(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.bad_until, {"attempt": 4}, retries=3, backoff=BACKOFF)
    rt.settle()
    assert (run.state, run.attempt, run.record.not_before) == ("queued", 1, START + 60 * SECOND)
    rt.advance_blocking("59s")
    assert run.attempt == 1
    rt.advance_blocking("1s")
    assert (run.attempt, run.record.not_before) == (2, START + 180 * SECOND)
    rt.advance_blocking("10m")
    assert (run.state, run.attempt, run.result) == ("succeeded", 4, 4)
    assert [attempt.started_at for attempt in run.attempts] == [
        START + at * SECOND for at in (0, 60, 180, 420)
    ]
    assert [str(attempt.error) for attempt in run.attempts[:3]] == [
        f"OSError: attempt {n}" for n in (1, 2, 3)
    ]
    assert names(rt, run)[:4] == ["queued", "started", "retrying", "started"]


def test_retries_end_with_the_last_error(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.bad, retries=2, backoff=BACKOFF)
    rt.advance_blocking("1h")
    assert (run.state, run.attempt, run.error) == ("failed", 3, "ValueError: no")


@pytest.mark.parametrize(
    ("policy", "attempts", "reason"),
    [
        ({"retry_on": (OSError,)}, 1, None),
        ({"retry_on": (ValueError,)}, 3, None),
        ({"retry_on": ("LookupError", "Exception")}, 3, None),
        ({"fatal": (ValueError,)}, 1, "fatal"),
        ({"fatal": (OSError,)}, 3, None),
    ],
)
def test_which_errors_are_tried_again(
    rt: VirtualRuntime, works: ModuleType, policy: dict[str, Any], attempts: int, reason: str | None
) -> None:
    run = rt.run(works.bad, retries=2, backoff=BACKOFF, **policy)
    rt.advance_blocking("1h")
    assert (run.state, run.attempt, run.reason) == ("failed", attempts, reason)


def test_retry_later_is_tried_again_without_any_retries(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.later)
    rt.advance_blocking("9m")
    assert (run.state, run.attempt) == ("queued", 1)
    rt.advance_blocking("1m")
    assert (run.state, run.result, run.attempt) == ("succeeded", "done", 2)


def test_a_backoff_outlives_the_host(tmp_path: Path, works: ModuleType) -> None:
    path = tmp_path / "store.db"
    with VirtualRuntime(START, path) as first:
        run = first.run(works.bad_until, {"attempt": 2}, retries=1, backoff=nb.Backoff(wait="240s", jitter=0))
        first.advance_blocking("100s")
    with VirtualRuntime(START + 200 * SECOND, path) as second:
        second.advance_blocking("39s")
        assert second.get_run(run.id).state == "queued"
        second.advance_blocking("1s")
        found = second.get_run(run.id)
        assert (found.state, found.attempt, found.started_at) == ("succeeded", 2, START)
        assert found.attempts[1].started_at == START + 240 * SECOND


def test_retrying_an_ended_run_makes_a_new_one_that_points_to_it(real: nb.Runtime, works: ModuleType) -> None:
    first = real.run(works.bad, {"text": "again"}).wait(10)
    second = real.retry(first)
    assert second.wait(10).state == "failed"
    assert (second.retry_of, second.params, first.retry_of) == (first.id, {"text": "again"}, None)
    held = real.run(works.held, {"name": "gate"})
    with pytest.raises(InvalidState, match="still"):
        real.retry(held)
    works.gates["gate"].set()


def test_a_run_of_a_host_that_is_gone_can_be_retried(tmp_path: Path, works: ModuleType) -> None:
    with nb.Runtime(tmp_path / "store.db") as first:
        failed = first.run(works.bad).wait(10)
    with nb.Runtime(tmp_path / "store.db") as second:
        assert second.retry(failed.id).wait(10).state == "failed"


# Stopping ---------------------------------------------------------------------------------------------


def test_a_thread_that_takes_too_long_is_interrupted(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.held, {"name": "gate"}, timeout="100ms").wait(10)
    assert (run.state, run.reason, run.attempt) == ("failed", "timeout", 1)
    assert "longer than" in run.error


def test_a_timeout_is_tried_again_by_policy(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.held, {"name": "gate"}, timeout="100ms", retries=1, backoff="1ms").wait(10)
    assert (run.state, run.reason, run.attempt) == ("failed", "timeout", 2)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_a_command_that_takes_too_long_leaves_no_process(real: nb.Runtime) -> None:
    command = nb.shell("trap '' INT TERM; echo $$; sleep 60 & echo $!; wait", timeout="500ms", grace="200ms")
    run = real.run(command).wait(10)
    assert (run.state, run.reason) == ("failed", "timeout")
    pids = [int(line) for line in run.log.split() if line.isdigit()]
    assert len(pids) == 2
    assert not any(map(_alive, pids))


def test_a_function_in_a_process_is_killed_in_the_middle_of_c_code(
    real: nb.Runtime, works: ModuleType
) -> None:
    work = nb.task(works.sleeps_in_c, where="process", timeout="3s", grace="300ms")
    run = real.run(work).wait(20)
    assert (run.state, run.reason) == ("failed", "timeout")
    assert not _alive(int(run.log.split()[0]))


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_once_it_has_stopped(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    held = [real.run(works.held, {"name": f"h{number}"}) for number in range(4)]
    until(real, lambda: all(run.state == "running" for run in held))
    waiting = real.run(works.ok)
    waiting.cancel()
    assert (waiting.state, waiting.attempt) == ("cancelled", 0)
    for run in held:
        run.cancel()
    assert [run.wait(10).state for run in held] == ["cancelled"] * 4
    assert real.run(works.ok).wait(10).state == "succeeded"


def test_a_cancelled_backoff_never_begins_again(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.bad, retries=5, backoff=BACKOFF)
    rt.settle()
    run.cancel()
    assert run.state == "cancelled"
    rt.advance_blocking("1h")
    assert (run.state, run.attempt) == ("cancelled", 1)


def test_an_ended_run_can_not_be_cancelled(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(works.ok).wait(10)
    with pytest.raises(InvalidState, match="already succeeded"):
        run.cancel()
    assert run.state == "succeeded"
    with pytest.raises(UnknownName):
        real.cancel(10_000)


def test_cancelling_races_with_the_end_and_the_slot_comes_back(tmp_path: Path, works: ModuleType) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        ended = []
        for number in range(60):
            run = rt.run(works.ok, {"value": number})
            if number % 3:
                threading.Event().wait(0.0005 * (number % 7))
            try:
                run.cancel()
            except InvalidState:
                assert run.state == "succeeded"
            ended.append(run.wait(10).state)
        assert set(ended) <= {"succeeded", "cancelled"}
        assert rt.run(works.ok).wait(10).state == "succeeded"
        for row in rt.runs(limit=None):
            assert names(rt, row).count(row.state.value) == 1


def test_a_short_function_in_a_handful_can_be_cancelled(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        for _ in range(3):
            rt.run(works.held_if, {"name": ""}).wait(10)
        runs = [rt.run(works.held_if, {"name": name}) for name in ("", "gate", "", "")]
        assert works.begun["gate"].wait(10)
        runs[1].cancel()
        runs[3].cancel()
        assert [run.wait(10).state for run in runs] == ["succeeded", "cancelled", "succeeded", "cancelled"]


# Order ------------------------------------------------------------------------------------------------


@pytest.fixture
def line(tmp_path: Path, works: ModuleType) -> Any:
    """A runtime with one slot, which is taken until its gate is opened."""
    with nb.Runtime(tmp_path / "line.db", slots=1) as rt:
        rt.run(works.held, {"name": "gate"})
        assert works.begun["gate"].wait(10)
        works.calls.clear()
        yield rt
        works.gates["gate"].set()


def test_lower_numbers_run_first_and_equals_in_the_order_of_asking(
    line: nb.Runtime, works: ModuleType
) -> None:
    priorities = [5, 0, "high", 5, "low", 0, "normal", -3]
    runs = [line.run(works.ok, {"value": at}, priority=given) for at, given in enumerate(priorities)]
    works.gates["gate"].set()
    for run in runs:
        run.wait(10)
    assert works.calls == [2, 7, 1, 5, 6, 0, 3, 4]


def test_a_new_priority_puts_a_run_last_among_its_new_equals(line: nb.Runtime, works: ModuleType) -> None:
    runs = [line.run(works.ok, {"value": at}, priority=at % 2) for at in range(6)]
    assert line.set_priority(runs[1], 0) == 1
    assert line.set_priority(runs[0], "normal") == 0
    assert line.set_priority(runs[0].id, 0) == 0
    later = line.run(works.ok, {"value": 6}, priority=0)
    works.gates["gate"].set()
    for run in (*runs, later):
        run.wait(10)
    assert works.calls == [2, 4, 1, 0, 6, 3, 5]


def test_only_what_waits_or_runs_has_a_priority(line: nb.Runtime, works: ModuleType) -> None:
    run = line.run(works.ok)
    run.cancel()
    with pytest.raises(InvalidState):
        line.set_priority(run, 1)
    with pytest.raises(UnknownName):
        line.set_priority(999, 1)
    for wrong in (True, None, 1.5, float("nan"), "urgent"):
        with pytest.raises(UsageError):
            line.set_priority(run, wrong)


def test_no_more_than_max_running_of_one_name_run_at_once(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    work = nb.task(works.held, max_running=2)
    runs = [real.run(work, {"name": f"g{number}"}) for number in range(4)]
    until(real, lambda: [run.state for run in runs] == ["running", "running", "queued", "queued"])
    assert real.run(works.ok).wait(10).state == "succeeded"
    works.gates["g0"].set()
    until(real, lambda: runs[2].state == "running")
    assert runs[3].state == "queued"
    for number in range(4):
        works.gates[f"g{number}"].set()


def test_one_that_waits_for_a_resource_keeps_no_other_of_its_name_from_running(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=4, resources={"gpu": 1}) as rt:
        rt.run(works.held, {"name": "gpu"}, resources={"gpu": 1})
        assert works.begun["gpu"].wait(10)
        waiting = rt.run(works.ok, resources={"gpu": 1}, max_running=1)
        assert rt.run(works.ok, max_running=1).wait(10).state == "succeeded"
        assert waiting.state == "queued"
        works.gates["gpu"].set()
        assert waiting.wait(10).state == "succeeded"


def test_named_resources_are_taken_and_given_back(tmp_path: Path, works: ModuleType, until: Until) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=4, resources={"gpu": 2}) as rt:
        runs = [rt.run(works.held, {"name": f"g{number}"}, resources={"gpu": 1}) for number in range(3)]
        until(rt, lambda: [run.state for run in runs] == ["running", "running", "queued"])
        assert rt.run(works.ok).wait(10).state == "succeeded"
        runs[0].cancel()
        until(rt, lambda: runs[2].state == "running")
        with pytest.raises(UnknownName, match="no resource 'gpu': no host offers 3"):
            rt.run(works.ok, resources={"gpu": 3})
        with pytest.raises(UnknownName, match="did you mean 'gpu'"):
            rt.schedule(works.ok, "@daily", resources={"gpus": 1})
        for number in range(3):
            works.gates[f"g{number}"].set()


def test_what_waited_past_its_time_is_skipped(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    held = [rt.run(works.held, {"name": "gate"}) for _ in range(4)]
    until(rt, lambda: all(run.state == "running" for run in held))
    run = rt.run(works.ok, expires="10m")
    rt.clock.move_to(START + timedelta(minutes=9, seconds=59))
    assert run.state == "queued"
    rt.clock.move_to(START + timedelta(minutes=10))
    until(rt, lambda: run.state == "skipped")
    assert run.reason == "expired"
    works.gates["gate"].set()


def test_what_has_begun_in_time_is_tried_again_later(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.bad_until, {"attempt": 2}, expires="10s", retries=1, backoff=BACKOFF)
    rt.advance_blocking("2m")
    assert (run.state, run.attempt) == ("succeeded", 2)


@pytest.mark.parametrize("work", ["nested", "nested_async"])
def test_a_run_that_waits_for_another_lends_its_slot(
    tmp_path: Path, works: ModuleType, until: Until, work: str
) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        for _ in range(3):
            assert rt.run(getattr(works, work), {"depth": 4}).wait(20).result == 4
        held = [rt.run(works.held, {"name": f"g{number}"}) for number in range(2)]
        until(rt, lambda: held[0].state == "running")
        until(rt, lambda: rt.scheduler._crew.room.slots == 0)
        for number in range(2):
            works.gates[f"g{number}"].set()
        assert [run.wait(10).state for run in held] == ["succeeded"] * 2


def test_waiting_where_nothing_could_go_on_is_refused(real: nb.Runtime, works: ModuleType) -> None:
    said: list[BaseException] = []
    run = real.run(works.held, {"name": "gate"})

    async def handle(event: nb.Event) -> None:
        try:
            run.wait()
        except UsageError as error:
            said.append(error)
        works.gates["gate"].set()

    real.subscribe("data", handle)
    real.publish("data")
    assert run.wait(10).state == "succeeded"
    assert "await run" in str(said[0])


# Keys -------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_run(real: nb.Runtime, works: ModuleType) -> None:
    first = real.run(works.ok, {"value": 1}, key="daily/2026-01-05")
    again = real.run(works.ok, {"value": 2}, key="daily/2026-01-05")
    assert again == first
    assert first.wait(10).result == 1
    assert real.run(works.ok, {"value": 3}, key="daily/2026-01-05").id == first.id
    assert works.calls == [1]
    assert (first.key, real.run(works.about, key="other").wait(10).result["key"]) == (
        "daily/2026-01-05",
        "other",
    )


def test_followed_keys_are_forgotten_when_their_runs_have_ended(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    for number in range(5):
        rt.run(works.ok, key=str(number))
    rt.settle()
    rt.advance_blocking(timedelta(days=1300))
    assert rt.scheduler.followed == set()


# Values -----------------------------------------------------------------------------------------------


def test_frames_and_arrays_come_back_as_themselves(real: nb.Runtime, works: ModuleType) -> None:
    frame = real.run(works.gives, {"what": "frame"}).wait(20)
    assert frame.result.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    array = real.run(works.gives, {"what": "array"}).wait(20)
    assert array.result.tolist() == [[0, 1, 2], [3, 4, 5]]
    large = real.run(works.gives, {"what": "large"}).wait(20)
    assert large.result == "x" * 100_000
    nan = real.run(works.gives, {"what": "nan"}).wait(20)
    assert nan.result != nan.result
    stored = real.database.read(lambda db: db.execute("SELECT max(length(result)) FROM runs").fetchone()[0])
    assert stored < 1000


@pytest.mark.parametrize(("what", "named"), [("lock", "result"), ("nested", "lock")])
def test_what_can_not_be_stored_fails_there_and_is_named(
    real: nb.Runtime, works: ModuleType, what: str, named: str
) -> None:
    run = real.run(works.gives, {"what": what}, retries=2).wait(20)
    assert (run.state, run.attempt) == ("failed", 1)
    assert named in run.error
    assert "cannot be stored" in run.error
    assert real.run(works.ok).wait(10).state == "succeeded"


def test_a_parameter_that_is_unknown_or_can_not_be_stored_is_refused_before_anything_is_stored(
    real: nb.Runtime, works: ModuleType
) -> None:
    with pytest.raises(ParameterError, match="valeu"):
        real.run(works.ok, {"valeu": 1})
    with pytest.raises(Exception, match="value"):
        real.run(works.ok, {"value": threading.Lock()})
    with pytest.raises(UnknownName, match="did you mean 'retries'"):
        real.run(works.ok, retrys=1)
    assert real.runs() == []


# Files ------------------------------------------------------------------------------------------------


def test_what_runs_leave_is_their_owner_s_only(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(nb.shell("echo hello")).wait(10)
    assert run.log == "hello\n"
    assert run.result == "hello"
    for path in (real.folder, *real.folder.rglob("*")):
        if path.is_dir():
            assert oct(path.stat().st_mode & 0o777) == "0o700", path
    assert oct(real.store_path.stat().st_mode & 0o777) == "0o600"
