"""A real store as what a panel is fed from."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import InvalidState, UnknownName
from nbsched.core.panel import Source, Verb
from nbsched.engine.runtime import Runtime
from nbsched.panel.source import LOG_BYTES, StoreSource


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with Runtime(tmp_path / "store.db", slots=2) as opened:
        yield opened


@pytest.fixture
def source(runtime: Runtime) -> Source:
    return StoreSource(runtime)


def until(
    source: Source, cursor: Any, seen: Callable[[set[int]], bool], looked: Collection[int] = ()
) -> set[int]:
    """All that changed since the cursor, once `seen` is content with it."""
    found: set[int] = set()
    woken = threading.Event()
    watching = source.watch(woken.set)
    try:
        while True:
            woken.clear()
            ids, cursor = source.changed(cursor, looked)
            found.update(ids)
            if seen(found):
                return found
            assert woken.wait(10), found
    finally:
        watching.cancel()


def test_a_snapshot_lists_runs_newest_first_without_steps(runtime: Runtime, source: Source) -> None:
    with nb.pipeline("etl") as etl:
        nb.shell("echo 1", name="fetch") >> nb.shell("echo 2", name="save")
    first = runtime.run(nb.shell("echo hello", name="greet")).wait("20s")
    second = etl.run().wait("20s")
    snapshot = source.snapshot()
    assert [(row["id"], row["name"], row["state"]) for row in snapshot["rows"]] == [
        (second.id, "etl", "succeeded"),
        (first.id, "greet", "succeeded"),
    ]
    assert [tick[:2] for tick in snapshot["history"]["greet"]] == [(first.id, "ok")]
    assert snapshot["overview"]["counts"] == {"running": 0, "queued": 0, "pending": 0}


def test_what_changed_is_told_by_id_and_only_once(runtime: Runtime, source: Source) -> None:
    before = runtime.run(nb.shell("true")).wait("20s")
    nothing, cursor = source.changed(None, ())
    assert set(nothing) == set()
    run = runtime.run(nb.shell("true"))
    changed = until(source, cursor, lambda ids: run.id in ids and run.state.final)
    assert before.id not in changed
    _, cursor = source.changed(cursor, ())
    assert set(source.changed(cursor, ())[0]) == set()


def test_progress_is_a_change(runtime: Runtime, source: Source) -> None:
    go_on = threading.Event()

    @nb.task
    def outer() -> None:
        go_on.wait(20)

    with nb.pipeline("two") as two:
        nb.shell("true", name="quick") >> outer()
    run = two.run()
    until(source, source.changed(None, ())[1], lambda _: run.steps["outer"].state == "running")
    _, cursor = source.changed(None, ())
    runtime.cancel(run.id)
    assert run.steps["outer"].id in until(source, cursor, lambda ids: run.steps["outer"].id in ids, [run.id])
    go_on.set()
    run.wait("20s")


def test_a_pipelines_run_has_its_graph_its_steps_and_its_past(runtime: Runtime, source: Source) -> None:
    with nb.pipeline("etl") as etl:
        fetch, clean = nb.shell("echo 1", name="fetch"), nb.shell("exit 3", name="clean")
        save = nb.shell("echo 3", name="save")
        fetch >> clean >> save
    past, run = etl.run().wait("20s"), etl.run().wait("20s")
    view = source.pipeline(run.id)
    assert view is not None
    assert [(node["name"], node["layer"]) for node in view["nodes"]] == [
        ("fetch", 0),
        ("clean", 1),
        ("save", 2),
    ]
    assert [(step["name"], step["state"]) for step in view["steps"]] == [
        ("fetch", "succeeded"),
        ("clean", "failed"),
        ("save", "skipped"),
    ]
    assert [one["id"] for one in view["past"]] == [past.id]
    assert [cell and cell[0] for cell in view["past"][0]["cells"]] == ["ok", "bad", "skip"]
    assert source.pipeline(view["steps"][0]["id"]) is None
    assert source.pipeline(10**6) is None


def test_a_waiting_step_names_what_it_waits_for(runtime: Runtime, source: Source) -> None:
    go_on = threading.Event()

    @nb.task
    def slow() -> None:
        go_on.wait(20)

    with nb.pipeline("waits") as waits:
        slow() >> nb.shell("true", name="then")
    run = waits.run()
    [row] = source.rows([run.steps["then"].id])
    assert row["why"] == "after slow"
    go_on.set()
    run.wait("20s")


def test_details_hold_parameters_error_attempts_and_the_end_of_the_log(
    runtime: Runtime, source: Source
) -> None:
    run = runtime.run(
        nb.shell(f"head -c {2 * LOG_BYTES} /dev/zero | tr '\\0' x; echo; echo oops >&2; exit 4")
    ).wait("20s")
    found = source.details(run.id)
    assert found is not None
    assert found["run"]["state"] == "failed"
    assert found["error"] is not None
    assert len(found["attempts"]) == 1
    assert "x" in found["log"]
    assert len(found["log"]) <= LOG_BYTES
    assert found["notebook"] is None
    assert source.details(10**6) is None


def test_large_values_are_read_only_for_details(runtime: Runtime, source: Source) -> None:
    @nb.task
    def big() -> dict[str, Any]:
        return {"text": "x" * 60_000}

    run = runtime.run(big).wait("20s")
    assert "x" * 100 not in str(source.snapshot())
    found = source.details(run.id)
    assert found is not None
    assert len(found["run"]["values"]["text"]) == 60_000


def test_schedules_show_their_trigger_as_it_was_written(runtime: Runtime, source: Source) -> None:
    runtime.schedule(nb.shell("true", name="tick"), "every 30m")
    [line] = source.overview()["schedules"]
    assert (line["trigger"], line["actions"]) == ("every 30m", ("trigger", "pause"))
    assert line["next_ms"] is not None
    source.act("trigger", "tick")
    source.act("pause", "tick")
    [line] = source.overview()["schedules"]
    assert (line["paused"], line["next_ms"], line["actions"]) == ("by user", None, ("trigger", "resume"))
    [row] = source.snapshot()["rows"]
    assert row["schedule"] == "tick"
    runtime.get_run(row["id"]).wait("20s")
    assert source.rows([row["id"]])[0]["why"] == "every 30m"


def test_buttons_do_what_the_calls_do_and_refuse_what_they_refuse(runtime: Runtime, source: Source) -> None:
    run = runtime.run(nb.shell("sleep 30"))
    source.act("cancel", run.id)
    assert run.wait("20s").state == "cancelled"
    source.act("retry", run.id)
    again = runtime.runs(limit=1)[0]
    assert again.retry_of == run.id
    source.act("cancel", again.id)
    again.wait("20s")
    with pytest.raises(InvalidState):
        source.act("cancel", run.id)
    with pytest.raises(UnknownName, match="near"):
        source.act("pause", "near")
    with pytest.raises(UnknownName):
        source.act("close", 1)  # type: ignore[arg-type]


@nb.task
def inverse(x: float, scale: float = 1.0) -> float:
    print("dividing by", x)
    return scale / x


def study() -> Any:
    """A mapped step of five items, of which one fails, and a pipeline that is mapped over two numbers."""
    with nb.pipeline("inner", params={"x": int}) as inner:
        inverse.options(name="once")(inner.params["x"]) >> nb.shell("true", name="then")
    with nb.pipeline("outer") as outer:
        inverse.options(name="score").map([1, 2, 0, 4, 5], scale=2.0)
        inner.options(name="each").map(x=[1, 2])
        inner.options(name="alone")(x=4)
    return outer


def test_a_mapped_step_is_counted_and_its_items_are_found_one_by_one(
    runtime: Runtime, source: Source
) -> None:
    run = study().run().wait("30s")
    score = run.steps["score"]
    [row] = source.rows([score.id])
    assert (row["detail"], row["why"], row["items"]) == (
        "5 items", "4 ok · 1 failed", {"succeeded": 4, "failed": 1})  # fmt: skip
    found = source.details(score.id)
    assert found is not None
    assert found["items"] is not None
    assert (found["items"]["counts"], found["items"]["more"]) == ({"succeeded": 4, "failed": 1}, 0)
    first = found["items"]["first"][0]
    assert (first["row"]["index"], first["row"]["state"], first["given"]) == (2, "failed", "x = 0")
    item = source.details(first["row"]["id"])
    assert item is not None
    assert [around["name"] for around in item["path"]] == ["outer", "score"]
    assert (item["run"]["params"], item["log"]) == ({"x": 0, "scale": 2.0}, "dividing by 0\n")
    assert item["error"] is not None
    assert len(item["attempts"]) == 1
    assert [row["name"] for row in source.snapshot()["rows"]] == ["outer"]
    assert "outer.score[]" not in source.snapshot()["history"]


def test_of_many_items_the_failed_and_running_are_seen_first_and_the_last_that_ended(
    runtime: Runtime, source: Source
) -> None:
    go_on = threading.Event()

    @nb.task
    def each(n: int) -> int:
        if n == 7:
            raise ValueError(n)
        if n == 150:
            go_on.wait(20)
        return n

    run = runtime.run(each.map(list(range(300)), max_parallel=1))
    try:
        held = {"succeeded": 149, "failed": 1, "running": 1, "pending": 149}
        until(source, None, lambda _: source.rows([run.id])[0]["items"] == held, [run.id])
        found = source.details(run.id)
    finally:
        go_on.set()
    assert found is not None
    assert found["items"] is not None
    indexes = [item["row"]["index"] for item in found["items"]["first"]]
    assert indexes[:12] == [7, 150, *range(151, 161)]
    assert indexes[12:14] == [149, 148]
    assert (len(indexes), found["items"]["more"]) == (100, 200)
    run.wait("30s")


def test_a_pipeline_inside_has_a_graph_of_its_own_and_its_past_is_that_of_its_step(
    runtime: Runtime, source: Source
) -> None:
    outer = study()
    past, run = outer.run().wait("30s"), outer.run().wait("30s")
    view = source.pipeline(run.steps["alone"].id)
    assert view is not None
    assert [(step["name"], step["state"]) for step in view["steps"]] == [
        ("once", "succeeded"),
        ("then", "succeeded"),
    ]
    assert [one["id"] for one in view["past"]] == [past.steps["alone"].id]
    second = source.pipeline(run.steps["each"].steps[1].id)
    assert second is not None
    assert [one["id"] for one in second["past"]] == [run.steps["each"].steps[0].id]
    assert list(source.pipeline(run.id)["history"]) == ["outer.score", "outer.each", "outer.alone"]  # type: ignore[index]


def test_what_is_taken_over_shows_the_parts_it_was_taken_from(runtime: Runtime, source: Source) -> None:
    run = study().run().wait("30s")
    again = run.retry().wait("30s")
    each, alone = again.steps["each"], again.steps["alone"]
    [row] = source.rows([each.id])
    assert (row["reason"], row["detail"]) == ("reused", "2 items")
    view = source.pipeline(alone.id)
    assert view is not None
    assert [step["id"] for step in view["steps"]] == [step.id for step in run.steps["alone"].steps.values()]


def test_of_what_changed_only_that_is_told_which_can_be_seen(runtime: Runtime, source: Source) -> None:
    def told(*looked: int) -> set[int]:
        return set(source.changed((0, {}), looked)[0])

    run = study().run().wait("30s")
    steps, alone = {step.id for step in run.steps.values()}, run.steps["alone"]
    assert told() == {run.id}
    assert told(run.id) == {run.id, *steps}
    score = run.steps["score"]
    assert told(score.id) == {run.id, score.id}
    assert told(score.steps[2].id) == {run.id, score.steps[2].id}
    assert told(alone.id) == {run.id, alone.id, *(step.id for step in alone.steps.values())}


def test_the_newest_runs_are_found_without_going_through_the_items(runtime: Runtime) -> None:
    plan = runtime.database.read(
        lambda db: db.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM runs WHERE parent IS NULL AND step IS NULL ORDER BY id DESC LIMIT 9"
        ).fetchall()
    )
    assert [row["detail"] for row in plan] == [
        "SEARCH runs USING COVERING INDEX runs_step (parent=? AND step=?)"
    ]


@pytest.mark.parametrize(
    ("chosen", "focused"), [("step", True), ("item", True), ("inside", True), ("alone", False)]
)
def test_a_dashboard_of_a_part_is_that_of_the_whole_with_the_part_chosen(
    runtime: Runtime, chosen: str, focused: bool
) -> None:
    run, mapped = study().run().wait("30s"), runtime.run(inverse.map([1, 2])).wait("20s")
    part = {"step": run.steps["score"], "item": run.steps["score"].steps[2], "alone": mapped.steps[1],
            "inside": run.steps["alone"].steps["once"]}[chosen]  # fmt: skip
    panel = nb.dashboard(focus=part)
    try:
        assert (panel.focus, panel.chosen) == (run.id if focused else None, part.id)
    finally:
        panel.close()
        assert panel.settle(5)


@pytest.mark.parametrize(("verb", "answer"), [("approve", True), ("reject", False)])
def test_what_waits_for_a_person_is_answered_by_a_button(
    runtime: Runtime, source: Source, verb: Verb, answer: bool
) -> None:
    run = runtime.run(nb.approve("Deploy?"))
    until(source, None, lambda _: verb in source.rows([run.id])[0]["actions"])
    assert source.rows([run.id])[0]["why"] == "waits for approval: Deploy?"
    source.act(verb, run.id)
    assert run.wait("20s").result is answer


@pytest.mark.parametrize(
    ("kind", "typed", "answer"), [(int, "7", 7), (["EU", "US"], "US", "US"), (list, "[1, 2]", [1, 2])]
)
def test_an_answer_of_another_type_is_typed_and_read_as_it(
    runtime: Runtime, source: Source, kind: Any, typed: str, answer: Any
) -> None:
    run = runtime.run(nb.approve("How many?", type=kind))
    until(source, None, lambda _: source.rows([run.id])[0]["actions"] == ("answer", "cancel"))
    asks = source.details(run.id)["asks"]  # type: ignore[index]
    assert (
        asks == {"kind": "choice", "choices": kind}
        if isinstance(kind, list)
        else asks["kind"] == kind.__name__
    )
    with pytest.raises(nb.UsageError, match=r"'How many\?' asks for"):
        source.act("answer", run.id, "seven")
    source.act("answer", run.id, typed)
    assert run.wait("20s").result == answer


def test_the_dashboard_shows_the_store_of_the_default_runtime(runtime: Runtime) -> None:
    run = runtime.run(nb.shell("true")).wait("20s")
    panel = nb.dashboard()
    try:
        assert [row["id"] for row in panel._source.snapshot()["rows"]] == [run.id]
    finally:
        panel.close()
        assert panel.settle(5)
    with pytest.raises(UnknownName):
        nb.dashboard(focus=10**6)


def test_a_step_whose_files_changed_since_its_last_success_is_stale(
    runtime: Runtime, source: Source, tmp_path: Path
) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1\n")
    with nb.pipeline("fresh") as fresh:
        nb.shell("cat data.csv", name="read", inputs=["data.csv"], cwd=tmp_path)
        nb.shell("cat data.csv", name="cached", inputs=["data.csv"], cwd=tmp_path, cache=True)
        nb.shell("cat data.csv", name="silent", cwd=tmp_path)

    def stale(run: nb.Run) -> dict[str, tuple[bool, str]]:
        view = source.pipeline(run.id)
        assert view is not None
        return {node["name"]: (node["stale"], node["changed"]) for node in view["nodes"]}

    first = runtime.run(fresh).wait("20s")
    assert set(stale(first).values()) == {(False, "")}
    data.write_text("1\n2\n")
    text = "input data.csv changed since"
    assert stale(first) == {"read": (True, text), "cached": (True, text), "silent": (False, "")}
    second = runtime.run(fresh, cache=False).wait("20s")
    assert set(stale(second).values()) == {(False, "")}
    third = runtime.run(fresh).wait("20s")
    os.utime(data, ns=(10**18, 10**18))
    assert stale(third)["cached"] == (False, "")


def test_a_step_whose_notebook_or_module_was_edited_is_stale_and_saving_it_is_no_edit(
    runtime: Runtime, source: Source, tmp_path: Path
) -> None:
    def write(cell: str, **metadata: object) -> Path:
        path = tmp_path / "report.ipynb"
        made = {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
        path.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": [made]})
        )
        return path

    (tmp_path / "features.py").write_text("A = 1")
    with nb.pipeline("edited", cache=True) as edited:
        nb.notebook(write("import features"), name="report")
    run = runtime.run(edited).wait("40s", check=True)

    def changed() -> str:
        view = source.pipeline(run.id)
        assert view is not None
        return view["nodes"][0]["changed"]

    write("import features  # as before", title="saved")
    assert changed() == ""
    write("import features\nfeatures.A")
    assert changed() == "source of report.ipynb changed since"
    write("import features")
    (tmp_path / "features.py").write_text("A = 22")
    assert changed() == "module features.py changed since"
