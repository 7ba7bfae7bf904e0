"""Two runtimes on one store hear of each other's work at once."""

from __future__ import annotations

import threading
from pathlib import Path

import nbsched as nb


def test_a_runtime_sees_another_ones_run_begin_although_it_came_later(tmp_path: Path) -> None:
    seen, begun, gate = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        gate.wait(20)

    with nb.Runtime(tmp_path / "store.db") as first, nb.Runtime(tmp_path / "store.db") as second:
        second.watch(lambda: seen.set() if second.runs(state="running") else None)
        run = first.run(wait)
        assert begun.wait(10)
        assert seen.wait(2), "the lease's renewal, seconds later, would have been too late"
        gate.set()
        assert run.wait("10s").state == "succeeded"


def test_waiting_for_a_run_that_another_runtime_carries_out_ends_with_it(tmp_path: Path) -> None:
    with nb.Runtime(tmp_path / "store.db") as first, nb.Runtime(tmp_path / "store.db") as second:
        run = first.run(nb.shell("true"))
        assert second.get_run(run.id).wait("5s").state == "succeeded"
