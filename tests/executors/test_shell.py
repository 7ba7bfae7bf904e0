from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from nbsched.core.model import Outcome, Shell
from nbsched.executors.contract import Assignment
from nbsched.executors.shell import ShellExecutor

pytestmark = pytest.mark.anyio
Assign = Callable[..., Assignment]
Alive = Callable[[int], bool]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def shell(command: str, **changes: Any) -> Shell:
    return Shell(name="command", command=command, **changes)


async def run(assignment: Assignment) -> Outcome:
    with anyio.fail_after(20):
        return await ShellExecutor().execute(assignment)


async def test_the_last_line_of_stdout_is_the_result(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell("echo one; echo two; echo aside >&2")))
    assert (outcome.kind, outcome.result) == ("succeeded", "two")
    assert told.text() == "one\ntwo\n"
    assert told.text("stderr") == "aside\n"


async def test_a_command_that_prints_nothing_has_no_result(assign: Assign) -> None:
    assert (await run(assign(shell("true")))).result is None


async def test_a_last_line_without_a_line_end_is_the_result(assign: Assign, told: Any) -> None:
    assert (await run(assign(shell("printf 'a\\nb'")))).result == "b"
    assert told.text() == "a\nb"


async def test_a_failing_part_of_a_pipe_fails_the_command(assign: Assign) -> None:
    outcome = await run(assign(shell("(echo no such table >&2; exit 3) | cat; echo never")))
    assert outcome.kind == "failed"
    assert outcome.error == "ExitCode: exit status 3: no such table"
    assert outcome.error_types == ("ExitCode",)


async def test_the_end_of_stderr_is_the_traceback(assign: Assign) -> None:
    outcome = await run(assign(shell("seq 1 200 >&2; exit 1")))
    assert outcome.error is not None
    assert outcome.error.message == "exit status 1: 200"
    assert outcome.error.traceback.splitlines() == [str(n) for n in range(151, 201)]


async def test_a_command_that_a_signal_killed_says_which(assign: Assign) -> None:
    outcome = await run(assign(shell("kill -KILL $$")))
    assert outcome.error == "ExitCode: killed by SIGKILL"


async def test_output_that_is_not_utf8_is_kept_readable(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell(r"printf 'a\xff\x00b\n'")))
    assert outcome.result == "a\ufffd\x00b"


async def test_a_character_cut_in_two_by_the_pipe_arrives_whole(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell(r"printf '\xc3'; sleep 0.1; printf '\xa9\n'")))
    assert outcome.result == "é"


async def test_the_environment_is_laid_over_ours(
    assign: Assign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    monkeypatch.setenv("JPY_SESSION_NAME", "/of/the/kernel.ipynb")
    work = shell(
        "echo $INHERITED $OWN $NBSCHED_RUN [$JPY_SESSION_NAME] $PWD", env={"OWN": 5}, cwd=str(tmp_path)
    )
    assert (await run(assign(work))).result == f"yes 5 7 [] {tmp_path}"


async def test_the_command_reads_an_empty_input(assign: Assign) -> None:
    assert (await run(assign(shell("cat; echo read")))).result == "read"


async def test_wait_and_jobs_know_only_the_command_s_own_children(assign: Assign) -> None:
    outcome = await run(assign(shell("true & wait; jobs -r | wc -l")))
    assert outcome.result == "0"


async def test_a_folder_that_does_not_exist_is_named(assign: Assign) -> None:
    outcome = await run(assign(shell("true", cwd="/no/such/folder")))
    assert outcome.kind == "failed"
    assert "/no/such/folder" in str(outcome.error)


async def test_without_bash_the_error_says_what_to_install(
    assign: Assign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/no/such/folder")
    outcome = await run(assign(shell("true")))
    assert outcome.fatal
    assert "bash is not on the PATH" in str(outcome.error)


async def test_lines_arrive_while_the_command_runs(assign: Assign, told: Any, tmp_path: Path) -> None:
    """The command waits for a file that is made only when its first line has arrived."""
    go = tmp_path / "go"
    command = f"echo first; until [ -e {go} ]; do sleep 0.01; done; echo second"

    async def answer() -> None:
        await anyio.to_thread.run_sync(told.wait_for, "first")
        go.touch()

    async with anyio.create_task_group() as both:
        both.start_soon(answer)
        assert (await run(assign(shell(command)))).result == "second"


async def test_a_background_child_that_holds_the_pipe_neither_hangs_the_run_nor_outlives_it(
    assign: Assign, gone_soon: Alive
) -> None:
    outcome = await run(assign(shell("sleep 1000 & echo $!")))
    assert outcome.kind == "succeeded"
    assert gone_soon(int(outcome.result))


async def test_a_daemon_in_a_session_of_its_own_that_holds_the_pipe_does_not_hang_the_run(
    assign: Assign,
) -> None:
    outcome = await run(assign(shell("setsid sleep 3 & echo started")))
    assert outcome.result == "started"


async def test_what_a_process_substitution_still_writes_is_not_lost(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell("exec > >(sleep 0.2; cat); echo late")))
    assert outcome.result == "late"


async def test_cancelling_interrupts_the_whole_group_and_hears_its_last_words(
    assign: Assign, told: Any, alive: Alive
) -> None:
    command = "trap 'echo bye; exit 0' INT; echo ready $$; while :; do sleep 1000; done"
    await cancelled_when_ready(assign(shell(command)), told)
    assert told.text().endswith("bye\n")
    assert not alive(told.pids[0])


async def test_what_ignores_the_interrupt_is_killed_after_the_grace(
    assign: Assign, told: Any, alive: Alive, gone_soon: Alive
) -> None:
    command = "trap '' INT; sleep 1000 & echo ready $!; wait"
    await cancelled_when_ready(assign(shell(command), grace=timedelta(seconds=0.2)), told)
    assert not alive(told.pids[0])
    assert gone_soon(int(told.text().split()[1]))


async def cancelled_when_ready(assignment: Assignment, told: Any) -> None:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as running:
            running.start_soon(ShellExecutor().execute, assignment)
            await anyio.to_thread.run_sync(told.wait_for, "ready")
            running.cancel_scope.cancel()


async def test_a_flood_of_output_is_told_whole(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell("seq 1 200000")))
    assert outcome.result == "200000"
    assert told.text().count("\n") == 200000


async def test_a_line_too_long_to_remember_is_told_but_is_no_result(assign: Assign, told: Any) -> None:
    outcome = await run(assign(shell("head -c 3000000 /dev/zero | tr '\\0' x")))
    assert outcome.kind == "succeeded"
    assert outcome.result is None
    assert told.text() == "x" * 3_000_000
    assert "so it is not the result" in told.text("stderr")
