"""What was started dies with its scheduler, however that dies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HOST = """
import os, subprocess, sys, time
from datetime import timedelta
from pathlib import Path

import anyio

from nbsched.core.model import Context, Function, Shell
from nbsched.executors.contract import Assignment
from nbsched.executors.function import FunctionExecutor, register
from nbsched.executors.shell import ShellExecutor

class Report:
    def started(self, pid): pass
    def output(self, text, stream="stdout"): print(text, end="", flush=True)

def endless():
    print(os.getpid(), subprocess.Popen(["sleep", "1000"]).pid)
    time.sleep(1000)

context = Context(run_id=1, attempt=1, scheduled_at=None, interval=(None, None), params={}, pipeline=None,
                  step=None, key=None, event=None)
works = {
    "function": (FunctionExecutor(), Function(name="w", ref=register(endless), where="process")),
    "shell": (ShellExecutor(), Shell(name="w", command="sleep 1000 & echo $$ $!; wait")),
}
executor, work = works[sys.argv[1]]
assignment = Assignment(work=work, context=context, params={}, folder=Path("1/1"), env={}, report=Report(),
                        cell_timeout=None, grace=timedelta(seconds=1))
anyio.run(executor.execute, assignment)
"""


@pytest.mark.parametrize("kind", ["function", "shell"])
def test_when_the_scheduler_is_killed_its_work_and_all_that_started_die_with_it(
    tmp_path: Path, gone_soon: Callable[[int], bool], kind: str
) -> None:
    program = tmp_path / "host.py"
    program.write_text(HOST)
    with subprocess.Popen([sys.executable, program, kind], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        leader, child = map(int, host.stdout.readline().split())
        host.kill()
    assert gone_soon(leader)
    assert gone_soon(child)


def test_a_worker_that_waits_for_work_ends_with_its_scheduler(
    tmp_path: Path, gone_soon: Callable[[int], bool]
) -> None:
    program = tmp_path / "host.py"
    program.write_text(
        "import os\n"
        "from nbsched.kernels.workers import Workers\n"
        "workers = Workers('nbsched.executors.child:serve')\n"
        "workers.start_ahead()\n"
        "print(workers._waiting[0].process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert gone_soon(int(ran.stdout))
