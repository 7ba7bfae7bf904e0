"""The benchmarks can be run, and what they would show of imports holds on any machine."""

from __future__ import annotations

import pytest

from tests.benchmarks import firing, instants, pipelines, tasks
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


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_the_benchmark_of_steps_gives_its_tables() -> None:
    for package in ("prefect", "dagster"):
        if not (pipelines.environment(package) / "ready").exists():
            pytest.skip("the peers are not there: `python -m tests.benchmarks steps` installs them")
    assert "Prefect" in pipelines.report_steps(1, {"chain": 2}, 1)
