"""The benchmarks can be run, what they make of figures is right, and what they show of imports holds anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import dags, environments, events, frames, growth, many, memory, tasks
from tests.benchmarks.__main__ import GROUPS, README
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns
from tests.benchmarks.processes import below, cpu_below, descriptors, gathering_orphans, machine_cpu, pss
from tests.benchmarks.results import BEGIN, END, Row, summary, written_into
from tests.benchmarks.starting import imported
from tests.benchmarks.workers import worker

NEEDS = {"bus": ["events"], "tasks": ["dbos"], "steps": ["prefect", "dagster"]}
"""Groups whose peers have environments that a test does not make."""
QUICK = ("cron", "growth")
SLOW = [name for name in GROUPS if name not in (*QUICK, "frames")]


def test_importing_nbsched_takes_next_to_no_time() -> None:
    assert min(imported("nbsched").cpu for _ in range(3)) < 0.15


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
@pytest.mark.timeout(280)
def test_each_group_gives_its_table_and_rows_of_it(name: str) -> None:
    pytest.importorskip("huey")
    pytest.importorskip("apscheduler")
    if not all(map(environments.is_there, NEEDS.get(name, ()))):
        pytest.skip(f"the peers are not there: `python -m tests.benchmarks {name}` installs them")
    found = GROUPS[name].report(quick=True)
    assert found.text.startswith("### ")
    assert found.rows
    assert all(row.ours is not None and (not row.peer or row.theirs is not None) for row in found.rows)


# --- rows ---


@pytest.mark.parametrize(("ours", "theirs", "most", "least", "ratio", "missed"), [
    (1.0, 4.0, 0.25, None, 0.25, False),
    (1.1, 4.0, 0.25, None, 0.275, True),
    (8.0, 4.0, None, 2, 2, False),
    (7.0, 4.0, None, 2, 1.75, True),
])  # fmt: skip
def test_a_target_is_of_the_ratio_to_the_peer(
    ours: float, theirs: float, most: float | None, least: float | None, ratio: float, missed: bool
) -> None:
    row = Row("what", ours, "s", "peer", theirs, most, least)
    assert (row.ratio, row.missed) == (pytest.approx(ratio), missed)
    assert ("missed" in row.target) == missed


def test_a_target_without_a_peer_is_of_the_figure() -> None:
    assert Row("what", 1, "", most=0).missed
    assert not Row("what", 0, "", most=0).missed


def test_a_peer_that_is_not_there_is_named_and_nothing_is_missed() -> None:
    row = Row("a task", 120, "µs", "DBOS, not installed", most=0.05)
    assert (row.cells(), row.missed) == (["a task", "120 µs", "DBOS, not installed", "", "≤ 0.05"], False)


def test_the_summary_has_a_line_for_each_row() -> None:
    rows = [Row("one cell", 80, "ms", "papermill", 800, most=0.05), Row("frames", 60, "per second", least=30)]
    assert summary(rows, "2 cores").splitlines() == [
        "| measurement | nbsched | best peer | ratio | target |", "| --- | --- | --- | --- | --- |",
        "| one cell | 80 ms | papermill: 800 ms | 0.1 | ≤ 0.05, missed |",
        "| frames | 60 per second |  |  | ≥ 30 |", "", "2 cores",
    ]  # fmt: skip


def test_the_table_replaces_what_stands_between_the_marks() -> None:
    once = written_into(f"before\n{BEGIN}\nold\n{END}\nafter\n", "table")
    assert once == f"before\n{BEGIN}\n\ntable\n\n{END}\nafter\n"
    assert written_into(once, "table") == once
    with pytest.raises(ValueError, match="put them where the table goes"):
        written_into("before\nafter\n", "table")


def test_the_readme_has_room_for_the_table() -> None:
    assert "table" in written_into(README.read_text("utf-8"), "table")


def test_contestants_take_turns_and_their_medians_count() -> None:
    order, walls = [], iter([1.0, 10.0, 5.0, 30.0, 2.0, 20.0])

    def turn(name: str) -> Spent:
        order.append(name)
        return Spent(next(walls), 0)

    found = in_turns({"a": lambda: turn("a"), "b": lambda: turn("b")}, 3)
    assert order == ["a", "b"] * 3
    assert (found["a"].wall, found["b"].wall) == (2, 20)


def test_a_comparison_has_a_row_for_each_peer_with_a_target_or_for_the_best() -> None:
    found = {OURS: Spent(1, 1), f"{OURS}, otherwise": Spent(0.5, 1), "slow": Spent(4, 1), "fast": Spent(2, 1)}
    assert [(row.peer, row.ratio) for row in comparison("x", found, {"slow": 0.5}).rows] == [("slow", 0.25)]
    assert [(row.peer, row.ratio) for row in comparison("x", found, {}).rows] == [("fast", 0.5)]
    assert (
        "| slow | 4,000,000.0 | 1,000,000.0 | 0.250 | ≤ 0.5 |" in comparison("x", found, {"slow": 0.5}).text
    )


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


# --- processes ---


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
