"""The benchmarks can be run, what they make of figures is right, and what they show of imports holds anywhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks import dags, environments, events, frames, growth, many, memory, tasks
from tests.benchmarks.__main__ import GROUPS, Group, main, measured
from tests.benchmarks.measure import OURS, Spent
from tests.benchmarks.results import Report, Row
from tests.benchmarks.starting import imported

NEEDS = {"bus": ["events"], "tasks": ["dbos"], "steps": ["prefect", "dagster"]}
"""Groups whose peers have environments that a test does not make."""
QUICK = ("cron", "growth")
SLOW = [name for name in GROUPS if name not in (*QUICK, "frames", "live")]


def test_importing_nbsched_takes_next_to_no_time() -> None:
    assert min(imported("nbsched").cpu for _ in range(3)) < 0.15


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
@pytest.mark.timeout(280)
def test_each_group_gives_its_table_and_rows_of_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(environments.environment("bytecode")))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    pytest.importorskip("huey")
    pytest.importorskip("apscheduler")
    if not all(map(environments.is_there, NEEDS.get(name, ()))):
        pytest.skip(f"the peers are not there: `python -m tests.benchmarks {name}` installs them")
    found = GROUPS[name].report(quick=True)
    assert found.text.startswith("### ")
    assert found.rows
    assert all(row.ours is not None and (not row.peer or row.theirs is not None) for row in found.rows)


def test_a_group_that_fails_keeps_no_other_from_being_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("what", 1, "s")
    monkeypatch.setitem(GROUPS, "cron", Group(lambda: 1 / 0))
    monkeypatch.setitem(GROUPS, "idle", Group(lambda: Report("its text", (row,))))
    assert measured(["cron", "idle"], quick=False) == ([row], False)
    told = capsys.readouterr()
    assert "its text" in told.out
    assert "ZeroDivisionError" in told.err


@pytest.mark.parametrize("beside", ["--quick", "cron"])
def test_the_readme_is_not_written_with_a_part_of_the_figures(
    beside: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--readme", beside])
    with pytest.raises(SystemExit):
        main()
    assert "leave out groups and --quick" in capsys.readouterr().err


# --- groups ---


def test_a_dag_is_beside_the_fastest_peer_and_its_cpu_beside_the_thriftiest() -> None:
    found = {OURS: Spent(1, 2, 3), "in turn": Spent(20, 10, 11), "side by side": Spent(10, 12, 13)}
    wall, cpu, machine = dags.rows("DAG", found, 0.15, 0.25)
    assert (wall.peer, wall.ratio, wall.most) == ("side by side", 0.1, 0.15)
    assert (cpu.peer, cpu.ratio, cpu.most) == ("in turn", 0.2, 0.25)
    assert (machine.peer, machine.ratio) == ("in turn", 3 / 11)


def test_a_kernels_memory_has_its_share_of_the_preloaded_process() -> None:
    assert memory.share(memory.Memory(kernel=32, preloaded=48, others=100), 4) == 44


def test_whatever_is_left_behind_is_a_fault_and_what_has_gone_is_none() -> None:
    kept = many.Kept(per_second=9, failures=1, left=many.Held(processes=2, files=-3, descriptors=0))
    assert kept.faults == 3
    assert next(many.rows({"200 notebooks": kept})).missed


def test_a_bus_that_is_twice_as_fast_as_the_best_peer_has_its_target() -> None:
    took = {OURS: 1, f"{OURS}, async": 1, "pyee": 2, "blinker": 3, "pyee, async": 4}
    plain, awaited = events.told(10, 2, {name: Spent(wall, 0) for name, wall in took.items()}, "").rows
    assert (plain.peer, plain.ratio, plain.missed) == ("pyee", 2, False)
    assert (awaited.peer, awaited.ratio, awaited.missed) == ("pyee, async", 4, True)


def test_growth_is_beside_the_small_store() -> None:
    sizes = {10: growth.Size(peak=50, file=1), 1000: growth.Size(peak=100, file=90)}
    rows = growth.told("schedules", 10, 1000, {"add": {"10": Spent(1, 0), "1000": Spent(6, 0)}}, sizes).rows
    assert [(round(row.ratio or 0, 6), row.missed) for row in rows] == [(6, True), (2, False), (90, False)]


def test_what_the_panels_test_prints_is_read_and_no_browser_is_said() -> None:
    printed = f"x\n{json.dumps({'fps': 58.2, 'worst': 40.0, 'messages': 7.5})}\n."
    assert [(row.ours, row.missed) for row in frames.told(printed).rows] == [(58.2, False), (7.5, False)]
    [row] = frames.told("s [1] no Chromium on PATH").rows
    assert row.cells()[1:3] == ["not measured", "needs Chromium"]


def test_a_peer_that_cannot_be_installed_is_said_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("huey")

    def refused(name: str) -> Path:
        raise environments.NotInstalled(name)

    monkeypatch.setattr(tasks, "python_of", refused)
    rows = tasks.report(10, 2, 2, 2, 1).rows
    assert {row.peer for row in rows if row.theirs is None} == {"DBOS, not installed"}
    assert {row.peer for row in rows if row.ratio} == {"huey", tasks.OFTEN}
