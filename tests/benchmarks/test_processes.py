"""What processes take is counted, whoever has started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks import memory
from tests.benchmarks.processes import below, cpu_below, descriptors, gathering_orphans, machine_cpu, pss
from tests.benchmarks.workers import worker

SPENDING = "import time\nwhile time.process_time() < 0.3: pass"
DETACHED = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {SPENDING!r}], stdout=subprocess.DEVNULL, start_new_session=True).pid)
"""


def test_the_cpu_of_what_has_left_its_parent_is_counted() -> None:
    with gathering_orphans():
        before, machine = cpu_below(os.getpid()), machine_cpu()
        done = subprocess.run([sys.executable, "-c", DETACHED], check=True, capture_output=True)
        os.waitpid(int(done.stdout), 0)
        assert cpu_below(os.getpid()) - before >= 0.25
        assert machine_cpu() - machine >= 0.25


def test_a_worker_answers_and_is_gone_afterwards(tmp_path: Path) -> None:
    with worker("growing.py", tmp_path / "store.db") as opened:
        assert opened.pid in {process.pid for process in below(os.getpid())}
        assert pss(opened.pid) > 0
        assert descriptors(opened.pid) > 3
        assert 0 < opened.ask("look_ahead", 3) < 1
        with pytest.raises(RuntimeError, match="KeyError"):
            opened.ask("unheard")
    assert opened.pid not in {process.pid for process in below(os.getpid())}


def test_memory_is_told_apart_by_who_descends_from_whom() -> None:
    family = "bash -c 'sleep 60 & sleep 60 & sleep 60 & wait' & wait"
    with subprocess.Popen(["bash", "-c", family], start_new_session=True) as top:
        try:
            while sum(_name(one.pid) == "sleep" for one in below(top.pid)) < 3:
                time.sleep(0.01)
            members = below(top.pid)
            [preloaded] = [one.pid for one in members if one.parent == top.pid]
            *kernels, _ahead = [one.pid for one in members if one.parent == preloaded]
            found = memory.taken(top.pid, set(kernels))
            assert found.preloaded == pytest.approx(pss(preloaded), rel=0.2)
            assert found.kernel == pytest.approx(sum(map(pss, kernels)) / 2, rel=0.2)
            assert found.others > 0
        finally:
            os.killpg(top.pid, signal.SIGKILL)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:  # it has just ended
        return ""
