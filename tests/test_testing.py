"""What users test their schedules with."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.testing import FakeClock, run_in_process, virtual_runtime

START = datetime(2026, 1, 5, tzinfo=UTC)
calls: list[datetime] = []


def note() -> None:
    calls.append(nb.context().scheduled_at)


def slow() -> str:
    threading.Event().wait(0.2)
    return "done"


@pytest.mark.anyio
async def test_days_pass_in_no_time_and_all_that_fell_due_has_settled() -> None:
    calls.clear()
    async with virtual_runtime(START) as rt:
        rt.schedule(note, nb.cron("0 6,18 * * *", tz="UTC"), name="twice a day")
        run = rt.run(slow)
        await rt.advance("3 days")
        assert calls == [START + timedelta(hours=6 + 12 * number) for number in range(6)]
        assert run.result == "done"
        assert rt.clock.now() == START + timedelta(days=3)
        await rt.advance("0s")
        assert len(rt.runs(state="succeeded")) == 7


@pytest.mark.anyio
async def test_it_is_the_default_runtime_in_its_block() -> None:
    async with virtual_runtime(START) as rt:
        run = nb.run(slow)
        await rt.advance("0s")
        assert rt.runs() == [run]
        assert nb.schedules() == []


@pytest.mark.anyio
async def test_work_may_be_awaited_on_a_virtual_clock() -> None:
    async with virtual_runtime(START) as rt:
        assert (await rt.run(slow)).result == "done"


@pytest.mark.anyio
async def test_the_store_can_be_one_that_is_there(tmp_path: Path) -> None:
    for number in (1, 2):
        async with virtual_runtime(
            START + timedelta(days=number), store=tmp_path / "store.db", slots=1
        ) as rt:
            rt.run(slow)
            await rt.advance("1s")
            assert len(rt.runs()) == number


def test_a_start_without_a_zone_is_refused() -> None:
    async def begin() -> None:
        async with virtual_runtime(datetime(2026, 1, 5)):
            raise AssertionError

    with pytest.raises(UsageError, match="no zone"):
        anyio.run(begin)


def test_work_runs_without_any_runtime_of_the_user_s() -> None:
    run = run_in_process(slow)
    assert (run.state, run.result) == ("succeeded", "done")


def test_a_shown_failure_is_the_user_s_own() -> None:
    def bad() -> None:
        raise ValueError("no")

    run = run_in_process(bad)
    assert (run.state, run.error) == ("failed", "ValueError: no")


def test_the_module_alone_is_enough_to_import() -> None:
    program = (
        "from nbsched.testing import run_in_process\n"
        "def two(): return 2\n"
        "print(run_in_process(two).result)"
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(START)

    async def main() -> list[bool]:
        never = anyio.Event()
        found = [await clock.wait(never, START)]
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                found.append(await clock.wait(never, START + timedelta(hours=1)))

            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert clock.next_wait() == START + timedelta(hours=1)
            await anyio.to_thread.run_sync(clock.move_to, START + timedelta(minutes=59))
            await anyio.wait_all_tasks_blocked()
            assert len(found) == 1
            await anyio.to_thread.run_sync(clock.move_to, START + timedelta(hours=2))
        set_ = anyio.Event()
        set_.set()
        return [*found, await clock.wait(set_, None)]

    assert anyio.run(main) == [False, False, True]
    clock.move_to(START)
    assert clock.now() == START + timedelta(hours=2)
