"""Command lines under `bash -eo pipefail`."""

from __future__ import annotations

import os
import shutil

from nbsched.core.model import Error, Outcome, Shell
from nbsched.executors.contract import Assignment
from nbsched.kernels.group import (
    LONGEST_LINE,
    Lines,
    ProcessGroup,
    child_environment,
    ending,
    process_group,
    start,
)

_GUARDED = (
    "exec 3<&0 </dev/null; (read -r -u 3; kill -KILL 0) >/dev/null 2>&1 & exec 3<&-; "
    'exec "$0" -eo pipefail -c "$1" bash'
)
"""The same process becomes the user's bash; beside it one waits for our end of the pipe to close, so that the
command does not go on alone when we are killed."""
_NO_BASH = (
    "bash is not on the PATH, and shell commands need it: install it "
    "(on Windows with Git for Windows), or write a function instead"
)


class ShellExecutor:
    """Runs a command line as the leader of a process group of its own."""

    async def execute(self, assignment: Assignment) -> Outcome:
        work = assignment.work
        assert isinstance(work, Shell)
        bash = shutil.which("bash")
        if bash is None:
            return _failed(Error("BashNotFound", _NO_BASH), fatal=True)
        argv = (bash, "-c", _GUARDED, bash, work.command)
        env = child_environment(work.env, assignment.env)
        try:
            child = start(argv, cwd=work.cwd or os.getcwd(), env=env)
        except (OSError, ValueError) as error:
            return _failed(Error(type(error).__name__, f"the command cannot be started: {error}"))
        async with process_group(child, assignment.report.output) as group:
            assignment.report.started(group.pid)
            status = await group.wait(lambda: assignment.grace)
        return _outcome(status, group, assignment)


def _outcome(status: int, group: ProcessGroup, assignment: Assignment) -> Outcome:
    if status:
        return _failed(_exit_error(status, group.stderr))
    return Outcome(kind="succeeded", result=_last_line(group.stdout, assignment))


def _last_line(stdout: Lines, assignment: Assignment) -> str | None:
    if not stdout.tail:
        return None
    if stdout.tail[-1] is None:
        note = f"the last line is longer than {LONGEST_LINE} characters, so it is not the result\n"
        assignment.report.output(note, "stderr")
    return stdout.tail[-1]


def _exit_error(status: int, stderr: Lines) -> Error:
    lines = [line for line in stderr.tail if line]
    message = f"{ending(status)}: {lines[-1]}" if lines else ending(status)
    return Error("ExitCode", message, traceback="\n".join(lines))


def _failed(error: Error, fatal: bool = False) -> Outcome:
    return Outcome(kind="failed", error=error, error_types=(error.type,), fatal=fatal)
