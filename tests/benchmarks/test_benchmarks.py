"""The benchmarks can be run, and what they would show of imports holds on any machine."""

from __future__ import annotations

import pytest

from tests.benchmarks import firing, instants, tasks
from tests.benchmarks.starting import imported


def test_importing_nbsched_takes_next_to_no_time() -> None:
    assert min(imported("nbsched").cpu for _ in range(3)) < 0.15


@pytest.mark.slow
def test_each_benchmark_gives_its_table() -> None:
    pytest.importorskip("huey")
    pytest.importorskip("apscheduler")
    assert "huey" in tasks.report_together(100, 20, 1)
    assert "huey" in tasks.report_one_by_one(5, 1)
    assert "APScheduler" in firing.report_lateness(5, 0.1, 1)
    assert "%" in firing.report_idle(5, 0.2)
    assert "croniter" in instants.report(5, 1)
