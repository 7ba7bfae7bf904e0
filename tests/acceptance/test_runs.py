"""What a run tells of itself, in Python and in the rows of programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

import nbsched as nb
from nbsched.testing import VirtualRuntime, run_in_process, virtual_runtime

KEYS = {
    "id", "name", "schedule", "state", "reason", "attempt", "scheduled_at", "until", "count", "started_at",
    "ended_at", "pipeline", "step", "index", "parent", "params", "result", "values", "error", "output", "key",
    "retry_of",
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_every_attribute_of_a_run_is_there_and_times_are_aware(rt: nb.Runtime, works: ModuleType) -> None:
    run = nb.run(works.add, {"a": 5}, key="once")
    assert run.wait() is run
    assert (run.name, run.state, run.reason, run.result, run.attempt, run.count) == (
        "add",
        "succeeded",
        None,
        7,
        1,
        1,
    )
    assert (run.schedule, run.pipeline, run.step, run.index, run.parent, run.until, run.retry_of) == (
        None,
    ) * 7
    assert (run.params, run.values, run.steps, run.error, run.key, run.log) == (
        {"a": 5},
        {},
        {},
        None,
        "once",
        "",
    )
    assert all(at.utcoffset() is not None for at in (run.scheduled_at, run.started_at, run.ended_at) if at)
    assert [attempt.number for attempt in run.attempts] == [1]
    assert nb.run(works.add, key="once") == run
    assert set(run.row) == KEYS
    assert datetime.fromisoformat(run.row["scheduled_at"]).utcoffset() is not None


def test_a_step_tells_the_parameters_it_was_given_and_not_where_they_came_from(
    rt: nb.Runtime, works: ModuleType, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    day = write_notebook(
        tmp_path / "day.ipynb", "import nbsched as nb\nnb.emit(n=[1, 2])", parameters="day: str = ''"
    )
    with nb.pipeline("training", params={"region": "EU"}) as p:
        prepare = nb.notebook(day, params={"day": nb.scheduled_date})
        works.same.options(name="train")(x=prepare["n"])
        works.same.options(name="place")(x=p.params["region"])
        works.same.options(name="never", when="day.n == 3")(x=prepare["unknown"])
    run = p.run().wait(check=True)
    assert run.steps["day"].params == {"day": run.scheduled_at.astimezone().date()}
    assert run.steps["train"].params == {"x": [1, 2]}
    assert run.steps["place"].params == {"x": "EU"}
    assert run.steps["place"].row["params"] == {"x": "EU"}
    assert run.steps["never"].row["params"] == {"x": "day['unknown']"}
    assert (run.steps["never"].state, run.steps["never"].reason) == ("skipped", "condition")


def test_a_date_that_is_a_result_is_iso_text_for_programs(rt: nb.Runtime, works: ModuleType) -> None:
    run = nb.run(
        works.same, {"x": {"day": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3, tzinfo=UTC)}}
    ).wait()
    assert run.result == {"day": date(2026, 1, 2), "at": datetime(2026, 1, 2, 3, tzinfo=UTC)}
    assert run.row["result"] == {"day": "2026-01-02", "at": "2026-01-02T03:00:00+00:00"}
    assert run.row["params"] == {"x": run.row["result"]}
    assert run.row["values"] == run.row["result"]
    assert json.loads(json.dumps(run.row)) == run.row


def test_a_value_that_cannot_be_stored_is_an_error_that_names_it(rt: nb.Runtime, works: ModuleType) -> None:
    run = nb.run(works.gives_an_object, retries=3).wait()
    assert (run.state, run.attempt) == ("failed", 1)
    assert "'result' is an object" in str(run.error)


def test_waiting_ends_in_time_and_with_check_a_failure_raises(rt: nb.Runtime, works: ModuleType) -> None:
    slow = nb.run(works.sleeps)
    with pytest.raises(TimeoutError, match="still"):
        slow.wait("50ms")
    slow.cancel()
    assert slow.wait(10).state == "cancelled"
    with pytest.raises(nb.RunFailed, match="KeyError: 'amount'"):
        nb.run(works.fails).wait(check=True)


def test_files_of_store_and_runs_are_their_owners_only(rt: nb.Runtime) -> None:
    nb.run(nb.shell("echo hello; umask")).wait(check=True)
    written = [*rt.store_path.parent.glob("store.db*"), *rt.folder.rglob("*")]
    assert "log.txt" in [path.name for path in written]
    assert [path for path in written if path.stat().st_mode & 0o077] == []


@pytest.mark.anyio
async def test_a_schedule_under_test_runs_at_each_of_its_instants_with_typed_references(
    works: ModuleType,
) -> None:
    start = datetime(2026, 3, 28, tzinfo=UTC)
    async with virtual_runtime(start) as rt:
        given = {"day": nb.scheduled_date, "at": nb.interval_start}
        schedule = nb.schedule(works.kinds, "30 23 * * * tz Europe/Berlin", name="nightly", params=given)
        assert (schedule.tz, schedule.paused, schedule.last_run) == ("Europe/Berlin", None, None)
        assert schedule.next_at == datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
        await rt.advance("2 days")
        runs = nb.runs(schedule="nightly")
        assert [run.scheduled_at for run in runs] == [
            datetime(2026, 3, 29, 21, 30, tzinfo=UTC), datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
        ]  # fmt: skip
        assert runs[0].result == ["date", "datetime", "2026-03-29", "2026-03-28T22:30:00+00:00"]
        assert runs[0].params["day"] == date(2026, 3, 29)
        assert schedule.last_run == runs[0]


@pytest.mark.anyio
async def test_what_falls_due_while_paused_shares_one_row(works: ModuleType) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with virtual_runtime(start) as rt:
        schedule = nb.schedule(works.add, "every 1h", name="hourly")
        nb.pause("hourly")
        assert schedule.paused == "by user"
        await rt.advance("3h")
        assert nb.runs(schedule="hourly") == []
        nb.resume("hourly")
        (row,) = nb.runs(schedule="hourly")
        assert (row.state, row.reason, row.count) == ("skipped", "paused", 3)
        assert (row.scheduled_at, row.until) == (start + timedelta(hours=1), start + timedelta(hours=3))


def test_what_is_older_than_its_keep_is_pruned_with_its_files(tmp_path: Path) -> None:
    with VirtualRuntime(datetime(2026, 1, 1, tzinfo=UTC), tmp_path / "store.db") as rt:
        old, kept = nb.run(nb.shell("echo old", keep="30d")).wait(), nb.run(nb.shell("echo kept")).wait()
        folder = old.folder
        assert folder.exists()
        rt.advance_blocking("31 days")
        assert rt.prune(dry_run=True)["runs"] == 1
        assert folder.exists()
        assert rt.prune()["runs"] == 1
        assert not folder.exists()
        assert [run.id for run in nb.runs()] == [kept.id]


@pytest.mark.anyio
async def test_a_number_to_keep_leaves_the_newest(works: ModuleType) -> None:
    async with virtual_runtime(datetime(2026, 1, 1, tzinfo=UTC)) as rt:
        nb.schedule(works.add, "every 1h", name="hourly", keep=2)
        await rt.advance("5h")
        assert rt.prune()["runs"] == 3
        assert len(nb.runs(schedule="hourly")) == 2


def test_work_is_run_without_a_schedule_for_a_test(works: ModuleType) -> None:
    run = run_in_process(works.add, {"a": 3})
    assert (run.state, run.result) == ("succeeded", 5)
