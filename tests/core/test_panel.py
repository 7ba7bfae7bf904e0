"""What a panel shows, made from records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbsched.core.model import Error, RunRecord
from nbsched.core.panel import (
    Line,
    PipelineView,
    details,
    history,
    items_view,
    paths,
    pipeline_view,
    schedule_line,
    shortened,
)
from nbsched.core.rows import panel_row
from nbsched.core.states import State

AT = datetime(2026, 11, 22, 14, tzinfo=UTC)
NEEDS = {"fetch": (), "clean": ("fetch",), "save": ("clean", "fetch")}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "panel")
    import panel_source

    return panel_source


def pipeline(made: Any, id: int, **ends: State) -> tuple[RunRecord, list[RunRecord]]:
    root = made.run(id, "etl", State.RUNNING, kind="pipeline", pipeline="etl", at=AT, started_at=AT)
    steps = [
        made.run(id + place, name, state, parent=id, step=name, pipeline="etl", at=AT, started_at=AT,
                 ended_at=AT + timedelta(seconds=id) if state.final else None)
        for place, (name, state) in enumerate(ends.items(), 1)
    ]  # fmt: skip
    return root, steps


def shown(root: RunRecord, steps: list[RunRecord], past: Any = ()) -> PipelineView:
    return pipeline_view(panel_row(root), [panel_row(step) for step in steps], NEEDS, past)


def test_a_pipelines_view_draws_each_step_and_each_need(made: Any) -> None:
    root, steps = pipeline(made, 10, fetch=State.SUCCEEDED, clean=State.RUNNING, save=State.PENDING)
    view = shown(root, steps)
    assert [(node["name"], node["layer"], node["run"]) for node in view["nodes"]] == [
        ("fetch", 0, 11), ("clean", 1, 12), ("save", 2, 13),
    ]  # fmt: skip
    assert sorted(len(points) for points in view["edges"]) == [2, 2, 3]
    assert json.loads(json.dumps(view)) is not None


def test_a_step_without_a_run_is_drawn_and_not_linked(made: Any) -> None:
    root, steps = pipeline(made, 10, fetch=State.FAILED)
    assert [node["run"] for node in shown(root, steps)["nodes"]] == [11, None, None]


def test_past_runs_fill_the_matrix_step_by_step_and_leave_gaps_where_a_step_was_not(made: Any) -> None:
    root, steps = pipeline(made, 10, fetch=State.RUNNING)
    past = [
        pipeline(made, 2, fetch=State.FAILED),
        pipeline(made, 6, fetch=State.SUCCEEDED, clean=State.SUCCEEDED),
    ]
    view = shown(root, steps, past)
    assert [run["cells"] for run in view["past"]] == [[("bad", 3), None, None], [("ok", 7), ("ok", 8), None]]
    assert view["history"] == {
        "etl.fetch": [(3, "bad", 2000), (7, "ok", 6000)],
        "etl.clean": [(8, "ok", 6000)],
    }


def test_history_keeps_the_last_ten_ended_runs_of_each_series_oldest_first(made: Any) -> None:
    rows = [
        panel_row(made.run(id, "a", State.SUCCEEDED, started_at=AT, ended_at=AT)) for id in range(20, 0, -1)
    ]
    rows.insert(0, panel_row(made.run(21, "a", State.RUNNING, started_at=AT)))
    assert history(rows) == {"a": [(id, "ok", 0) for id in range(11, 21)]}


def test_a_paused_schedule_has_no_next_time_and_can_be_resumed(made: Any) -> None:
    armed, paused = made.schedule("a", "@daily", AT), made.schedule("a", "@daily", AT, paused="by user")
    assert (schedule_line(armed)["next_ms"], schedule_line(armed)["actions"]) == (
        1795356000000,
        ("trigger", "pause"),
    )
    assert (schedule_line(paused)["next_ms"], schedule_line(paused)["actions"]) == (
        None,
        ("trigger", "resume"),
    )


def test_details_give_the_error_with_its_place_and_traceback(made: Any) -> None:
    failed = made.run(
        1, state=State.FAILED, error=Error("KeyError", "'x'", cell=5, line="df['x']", traceback="Trace")
    )
    shown = details(panel_row(failed), failed, log="hello")
    assert shown["error"] == {"text": "KeyError: 'x'", "cell": 5, "line": "df['x']", "traceback": "Trace"}
    assert shown["log"] == "hello"
    fine = made.run(2)
    assert details(panel_row(fine), fine)["error"] is None


def test_a_long_parameter_is_cut_and_says_so(made: Any) -> None:
    one = made.run(1, params={"xs": list(range(10_000)), "text": "y" * 9000, "n": 3})
    given = details(panel_row(one), one)["run"]["params"]
    assert (given["n"], given["xs"][:7], given["xs"][-1], len(given["text"])) == (3, "[0, 1, ", "…", 2001)


def test_the_items_shown_say_what_they_were_given_and_how_many_are_not_shown(made: Any) -> None:
    runs = [made.run(id, "score", index=id, parent=9, params={"fold": id}) for id in (3, 4)]
    found = items_view({"succeeded": 300}, [panel_row(run) for run in runs], runs)
    assert [(item["row"]["index"], item["given"]) for item in found["first"]] == [
        (3, "fold = 3"),
        (4, "fold = 4"),
    ]
    assert found["more"] == 298


def lines(made: Any, *given: tuple[int, str, State]) -> list[Line]:
    return [(depth, panel_row(made.run(at, name, state))) for at, (depth, name, state) in enumerate(given)]


def test_lines_are_named_by_what_they_are_in(made: Any) -> None:
    ok = State.SUCCEEDED
    tree = lines(
        made, (0, "outer", ok), (1, "a", ok), (1, "inner", ok), (2, "x", ok), (2, "y", ok), (1, "b", ok)
    )
    assert paths(tree) == ["outer", "a", "inner", "inner › x", "inner › y", "b"]


def test_of_many_lines_what_failed_and_what_lies_least_deep_is_kept_in_its_order(made: Any) -> None:
    ok, bad = State.SUCCEEDED, State.FAILED
    tree = lines(made, (0, "run", ok), (1, "a", ok), (2, "x", ok), (2, "y", bad), (1, "b", ok), (1, "c", ok))
    assert [row["name"] for _, row in shortened(tree, 4)] == ["run", "a", "y", "b"]
    assert shortened(tree, 40) == tree
