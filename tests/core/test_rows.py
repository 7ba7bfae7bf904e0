"""One run, many faces: JSON for programs, one line for people."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.estimate import Estimate
from nbsched.core.model import Error, Event, RunRecord, ScheduleRecord
from nbsched.core.rows import (
    COLUMNS,
    RunRow,
    event_row,
    left_text,
    panel_cells,
    panel_row,
    plain,
    run_row,
    schedule_row,
    took_text,
    when_text,
    why_text,
)
from nbsched.core.states import State

AT = datetime(2026, 11, 22, 14, 31, 8, tzinfo=UTC)


def run(state: State = State.SUCCEEDED, **facts: Any) -> RunRecord:
    plainest: dict[str, Any] = {
        "id": 7, "name": "report", "kind": "notebook", "reason": None, "schedule": None, "pipeline": None, "step": None,
        "index": None, "parent": None, "retry_of": None, "attempt": 1, "scheduled_at": AT, "until": None, "count": 1,
        "created_at": AT, "not_before": None, "started_at": None, "ended_at": None, "key": None, "priority": 0,
        "retries": 0, "cancel_requested": False, "params": {}, "result": None, "values": {}, "error": None,
        "output": None, "progress": None,
    }  # fmt: skip
    return RunRecord(state=state, **plainest | facts)


def test_a_run_has_exactly_the_keys_of_the_contract() -> None:
    keys = (
        "id name schedule state reason attempt scheduled_at until count started_at ended_at pipeline step index "
        "parent params result values error output key retry_of"
    )
    assert set(run_row(run())) == set(keys.split()) == set(RunRow.__annotations__)


def test_a_run_survives_the_way_through_json() -> None:
    berlin = timezone(timedelta(hours=1))
    row = run_row(
        run(State.FAILED, params={"day": date(2026, 11, 22)}, values={"loss": float("nan")}, result=(1, {"at": AT}),
            error=Error("KeyError", "'amount'", cell=5), started_at=AT.astimezone(berlin), retry_of=3)
    )  # fmt: skip
    assert json.loads(json.dumps(row, allow_nan=False)) == row | {"result": [1, {"at": AT.isoformat()}]}
    assert row["started_at"] == "2026-11-22T15:31:08+01:00"
    assert row["params"] == {"day": "2026-11-22"}
    assert row["values"] == {"loss": "nan"}
    assert row["error"] == "KeyError: 'amount'"
    assert type(row["error"]) is str
    assert row["state"] == "failed"
    assert type(row["state"]) is str


def test_a_schedule_and_an_event_have_exactly_the_keys_of_the_contract() -> None:
    schedule = ScheduleRecord(
        name="etl", trigger="@daily", tz=None, next_at=AT, paused=None, overlap="skip", missed="latest",
        catchup=timedelta(days=1), jitter=None, start=None, end=None, limit=None, fired=0, last_run=7, created_at=AT,
        notebook=None,
    )  # fmt: skip
    assert schedule_row(schedule) == {
        "name": "etl", "trigger": "@daily", "tz": None, "next_at": AT.isoformat(), "paused": None, "overlap": "skip",
        "missed": "latest", "last_run": 7,
    }  # fmt: skip
    event = Event(id="e1", name="data.available", at=AT, seq=4, data={"day": date(2026, 1, 2)})
    assert event_row(event) == {
        "id": "e1", "name": "data.available", "at": AT.isoformat(), "seq": 4, "data": {"day": "2026-01-02"},
    }  # fmt: skip


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes() | st.dates()
nested = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(nested)
def test_whatever_a_value_holds_its_plain_form_is_strict_json(value: Any) -> None:
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


def test_what_is_not_json_is_shown_as_its_repr() -> None:
    assert plain({"model": complex(1, 2)}) == {"model": "(1+2j)"}


LOOKS = {
    State.PENDING: ("○", "wait"),
    State.QUEUED: ("◌", "wait"),
    State.RUNNING: ("◐", "run"),
    State.SUCCEEDED: ("✓", "ok"),
    State.FAILED: ("✕", "bad"),
    State.CANCELLED: ("■", "skip"),
    State.SKIPPED: ("⊘", "skip"),
}


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_sign_and_a_tone_of_its_own(state: State) -> None:
    row = panel_row(run(state, attempt=0))
    assert (row["sign"], row["tone"]) == LOOKS[state]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"state": State.RUNNING}, "by hand"),
        ({"state": State.RUNNING, "parent": 3, "step": "a", "pipeline": "p"}, ""),
        ({"state": State.RUNNING, "cancel_requested": True}, "stopping: cancel was asked for"),
        ({"state": State.QUEUED, "attempt": 0}, "waits for a free slot"),
        ({"state": State.QUEUED, "attempt": 2, "retries": 3}, "retry 2 of 3"),
        ({"state": State.PENDING, "attempt": 0}, "waits"),
        ({"state": State.FAILED, "error": Error("KeyError", "'x'", cell=5)}, "KeyError: 'x' in cell 5"),
        ({"state": State.FAILED, "error": Error("KeyError", "'x'"), "reason": "fatal"}, "KeyError: 'x'"),
        ({"state": State.FAILED, "reason": "lost"}, "lost: its process went away"),
        ({"state": State.SKIPPED, "reason": "paused"}, "not run: paused"),
        ({"state": State.SKIPPED, "reason": "too early in the day"}, "too early in the day"),
        ({"state": State.SUCCEEDED, "reason": "cached"}, "unchanged: taken from the cache"),
    ],
)
def test_the_row_says_why_it_is_as_it_is(facts: dict[str, Any], why: str) -> None:
    assert panel_row(run(**facts))["why"] == why


def test_a_run_of_a_schedule_names_its_trigger() -> None:
    assert panel_row(run(schedule="daily"), trigger="@daily")["why"] == "@daily"


def test_a_waiting_step_names_two_needs_and_counts_more() -> None:
    waiting = run(State.PENDING, attempt=0)
    assert panel_row(waiting, needs=("a", "b"))["why"] == "after a and b"
    assert panel_row(waiting, needs=("a", "b", "c"))["why"] == "waits for 3 steps"


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ({"state": State.RUNNING, "progress": (7, 12, "")}, "cell 7 of 12"),
        ({"state": State.RUNNING, "progress": (2, 7, "train"), "kind": "pipeline"}, "train · step 2 of 7"),
        ({"state": State.RUNNING, "progress": (31, 120, "fetch"), "kind": "function"}, "fetch · 31 of 120"),
        ({"state": State.RUNNING, "progress": (3, 0, "reading")}, "reading"),
        ({"state": State.FAILED, "attempt": 3, "retries": 2}, "attempt 3 of 3"),
        ({"state": State.SKIPPED, "count": 86}, "× 86"),
        ({"index": 4}, "[4]"),
    ],
)
def test_the_detail_says_how_far_and_how_often(facts: dict[str, Any], detail: str) -> None:
    assert panel_row(run(**facts))["detail"] == detail


def test_only_what_can_be_done_is_offered() -> None:
    assert panel_row(run(State.RUNNING))["actions"] == ("cancel",)
    assert panel_row(run(State.RUNNING, cancel_requested=True))["actions"] == ()
    assert panel_row(run(State.FAILED))["actions"] == ("retry",)
    assert panel_row(run(State.SKIPPED))["actions"] == ()
    assert panel_row(run(State.FAILED, parent=1, step="a", pipeline="p"))["actions"] == ()


def test_steps_of_a_pipeline_are_compared_with_the_same_step_of_other_runs() -> None:
    assert panel_row(run(parent=1, step="train", pipeline="daily", name="train_4"))["series"] == "daily.train"
    assert panel_row(run(schedule="s"))["series"] == "report"


def test_a_hostile_name_cannot_break_the_line_or_command_the_terminal() -> None:
    row = panel_row(run(State.FAILED, name="a\x1b[31mb\u202ec", error=Error("E", "one\ntwo\x07")))
    assert all(cell.isprintable() for cell in panel_cells(row, AT))
    assert row["why"] == "E: one two"


def test_the_text_row_has_a_cell_for_each_column() -> None:
    row = panel_row(run(State.RUNNING, progress=(7, 12, ""), started_at=AT))
    cells = panel_cells(row, AT + timedelta(seconds=75))
    assert dict(zip(COLUMNS, cells, strict=True)) == {
        "": "◐", "run": "7", "what": "report  cell 7 of 12", "why": "by hand", "progress": "58 %", "took": "1:15",
        "when": "1 min ago",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "left"),
    [
        (Estimate(40_000), "about 40 s left"),
        (Estimate(39_001), "about 40 s left"),
        (Estimate(90_001), "about 2 min left"),
        (Estimate(5_400_001), "about 2 h left"),
        (Estimate(-1), ""),
        (Estimate(-1, 3_000), "about 3 s left"),
        (None, ""),
    ],
)
def test_a_running_notebook_says_how_long_it_still_needs(estimate: Estimate | None, left: str) -> None:
    now_ms = round(AT.timestamp() * 1000)
    if estimate is not None:
        estimate = Estimate(now_ms + estimate.ends_ms, estimate.rest_ms)
    row = panel_row(run(State.RUNNING, progress=(2, 10, "cell 3"), estimate=estimate))
    assert left_text(row, now_ms) == left
    assert panel_cells(row, AT)[2] == "report  cell 3 of 10" + (f" · {left}" if left else "")


def test_instants_not_run_say_from_when_until_when() -> None:
    row = panel_row(run(State.SKIPPED, reason="paused", count=86, until=AT + timedelta(minutes=43)))
    assert why_text(row, AT) == "not run: paused 14:31 – 15:14"


def test_a_retry_says_how_long_it_waits() -> None:
    row = panel_row(run(State.QUEUED, retries=3, not_before=AT + timedelta(seconds=38), started_at=AT))
    assert why_text(row, AT) == "retry 1 of 3 in 38 s"
    assert (row["sign"], row["tone"]) == ("◔", "warn")
    assert panel_cells(row, AT)[5] == "—"


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "—"), (0, "0 ms"), (99, "99 ms"), (420, "0.4 s"), (450, "0.5 s"), (9949, "9.9 s"), (9950, "0:10"),
     (59_499, "0:59"), (59_500, "1:00"), (72_000, "1:12"), (3_725_000, "1:02:05"), (273_600_000, "3 d 4 h")],
)  # fmt: skip
def test_durations_read_as_people_write_them(ms: int | None, text: str) -> None:
    assert took_text(ms) == text


@pytest.mark.parametrize(
    ("apart", "text"),
    [(0, "now"), (999, "now"), (38_000, "in 38 s"), (-38_000, "38 s ago"), (60_000, "in 1 min"),
     (2_460_000, "in 41 min"), (-10_800_000, "3 h ago"), (-172_799_000, "47 h ago"), (-172_800_000, "2 d ago")],
)  # fmt: skip
def test_instants_read_by_their_distance_from_now(apart: int, text: str) -> None:
    assert when_text(1_000_000_000_000 + apart, 1_000_000_000_000) == text


def test_a_mapped_step_shows_how_far_its_items_are_and_then_what_became_of_them() -> None:
    going = panel_row(run(State.RUNNING, kind="map"), items={"succeeded": 131, "failed": 1, "pending": 168})
    assert (going["progress"], going["detail"], going["why"]) == (
        (132, 300),
        "132 of 300 · 1 failed",
        "by hand",
    )
    failed = run(State.FAILED, kind="map", error=Error("ValueError", "fold 17"))
    row = panel_row(failed, items={"succeeded": 298, "failed": 2})
    assert (row["progress"], row["detail"], row["why"]) == (None, "300 items", "298 ok · 2 failed")
    assert panel_row(failed, items={})["why"] == "ValueError: fold 17"
    assert panel_row(failed)["items"] is None


def test_a_mapped_step_that_was_ended_says_by_what_and_how_far_it_had_come() -> None:
    late = run(State.FAILED, kind="map", reason="timeout")
    assert (
        panel_row(late, items={"succeeded": 3, "cancelled": 7})["why"]
        == "ran out of time · 3 ok · 7 cancelled"
    )
    reused = run(State.SUCCEEDED, kind="map", reason="reused")
    assert panel_row(reused, items={"succeeded": 3})["why"] == "taken from the run it retries"


def test_items_are_a_series_of_their_own_beside_that_of_their_step() -> None:
    step = run(kind="map", parent=1, pipeline="etl", step="score")
    item = run(parent=7, pipeline="etl", step="score", index=17)
    assert [panel_row(one)["series"] for one in (step, item)] == ["etl.score", "etl.score[]"]
    assert (panel_row(item)["index"], panel_row(item)["detail"]) == (17, "[17]")
    alone = run(parent=7, name="score", step="score", index=17)
    assert panel_row(alone)["series"] == "score[]"


def test_what_lies_in_another_run_is_indented_below_it() -> None:
    assert panel_cells(panel_row(run()), AT, 2)[2] == "    report"
