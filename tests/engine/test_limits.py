"""What holds runs back or ends their waiting: rates, ageing, the run before, expiry, lateness."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.core.rows import panel_row
from nbsched.engine.live import Run
from nbsched.testing import VirtualRuntime
from tests.engine.conftest import START

Until = Callable[..., None]
SECOND = timedelta(seconds=1)


def begun(run: Run) -> list[float]:
    """When its attempts began, in seconds from the start."""
    return [(attempt.started_at - START) / SECOND for attempt in run.attempts]


# Rates ------------------------------------------------------------------------------------------------


def test_no_more_runs_of_a_name_begin_than_its_rate_allows(rt: VirtualRuntime, works: ModuleType) -> None:
    limited = nb.task(works.ok, rate="2/m")
    runs = [rt.run(limited) for _ in range(5)]
    other = rt.run(works.ok)
    rt.settle()
    assert other.state == "succeeded"
    assert (runs[2].state, runs[2].reason) == ("queued", "rate")
    row = panel_row(runs[2].record)
    assert (row["why"], row["due_ms"]) == (
        "waits: no more may start for now, by its rate:",
        (START + 60 * SECOND).timestamp() * 1000,
    )
    turns = rt.scheduler.turns
    rt.advance_blocking("3m")
    assert [begun(run) for run in runs] == [[0], [0], [60], [60], [120]]
    assert runs[4].reason is None
    assert rt.scheduler.turns - turns < 30


def test_a_retry_counts_as_a_start(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(
        works.bad_until, {"attempt": 3}, retries=2, backoff=nb.Backoff(wait="1s", jitter=0), rate="1/m"
    )
    rt.advance_blocking("5m")
    assert (run.state, begun(run)) == ("succeeded", [0, 60, 120])


def test_a_rate_outlives_the_host(tmp_path: Path, works: ModuleType) -> None:
    limited = nb.task(works.ok, rate="1/h")
    with VirtualRuntime(START, tmp_path / "store.db") as first:
        runs = [first.run(limited) for _ in range(3)]
        first.advance_blocking("10m")
    with VirtualRuntime(START + 1200 * SECOND, tmp_path / "store.db") as second:
        second.advance_blocking("2h")
        assert [begun(second.get_run(run.id)) for run in runs] == [[0], [3600], [7200]]


def test_steps_of_one_name_share_their_rate_across_pipelines(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        nb.task(works.ok, rate="1/m", name="call")()
    runs = [rt.run(p) for _ in range(2)]
    rt.advance_blocking("5m")
    assert [begun(run.steps["call"]) for run in runs] == [[0], [60]]


def test_a_pipeline_s_own_limits_are_for_its_runs(
    rt: VirtualRuntime, works: ModuleType, until: Until
) -> None:
    with nb.pipeline("p", max_running=1, rate="2/h") as p:
        nb.task(works.held, name="s")("gate")
    runs = [rt.run(p) for _ in range(3)]
    until(rt, lambda: works.begun["gate"].is_set())
    assert [run.state for run in runs] == ["running", "queued", "queued"]
    works.gates["gate"].set()
    runs[1].wait(10)
    rt.settle()
    assert (runs[2].state, runs[2].reason) == ("queued", "rate")
    rt.advance_blocking("1h")
    assert runs[2].state == "succeeded"


def test_items_of_a_mapped_step_begin_at_its_rate(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        nb.task(works.ok, rate="2/m", name="call").map([1, 2, 3, 4, 5])
    run = rt.run(p)
    rt.advance_blocking("2m")
    items = list(run.steps["call"].steps.values())
    assert [begun(item) for item in items] == [[0], [0], [60], [60], [120]]
    assert run.state == "succeeded"


# Ageing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ageing", "place"), [(None, 40), ("1s", 10)])
def test_with_ageing_what_has_low_priority_has_its_turn(
    tmp_path: Path, works: ModuleType, ageing: str | None, place: int
) -> None:
    with VirtualRuntime(START, tmp_path / "store.db", slots=1, ageing=ageing) as rt:
        gate = rt.run(works.held, {"name": "gate"})
        low = nb.task(works.ok, name="low", priority="low")
        rt.run(low, {"value": "low"})
        for _ in range(40):
            rt.clock.move_to(rt.clock.now() + SECOND)
            rt.run(nb.task(works.ok, name="high"), {"value": "high"})
        works.gates["gate"].set()
        rt.settle()
        assert gate.state == "succeeded"
        assert works.calls[1:].index("low") == place


@pytest.mark.parametrize("ageing", ["0s", "soon", -1])
def test_an_ageing_that_means_nothing_is_refused(tmp_path: Path, ageing: Any) -> None:
    with pytest.raises(UsageError, match="ageing"):
        nb.Runtime(tmp_path / "store.db", ageing=ageing)


# The run before ---------------------------------------------------------------------------------------


def chained(rt: VirtualRuntime, work: Any, **policy: Any) -> None:
    rt.schedule(work, nb.every("1h"), name="chained", overlap="allow", depends_on_previous=True, **policy)


def of_schedule(rt: VirtualRuntime) -> list[Run]:
    return rt.runs(schedule="chained", limit=None)[::-1]


def states(rt: VirtualRuntime) -> list[tuple[str, str | None]]:
    return [(str(run.state), run.reason) for run in of_schedule(rt)]


def test_a_run_waits_until_the_one_before_has_succeeded(rt: VirtualRuntime, works: ModuleType) -> None:
    chained(rt, nb.task(works.fails_once))
    rt.advance_blocking("3h")
    assert states(rt) == [("failed", None), ("pending", "previous"), ("pending", "previous")]
    assert panel_row(of_schedule(rt)[1].record)["why"] == "waits for the run before it"
    again = rt.retry(of_schedule(rt)[0])
    rt.settle()
    assert again.state == "succeeded"
    assert states(rt)[1:] == [("succeeded", None)] * 3
    rt.advance_blocking("1h")
    assert states(rt)[-1] == ("succeeded", None)
    assert rt.database.read(lambda db: db.execute("SELECT count(*) FROM waits").fetchone()[0]) == 0


def test_a_run_by_hand_waits_for_nothing(rt: VirtualRuntime, works: ModuleType) -> None:
    chained(rt, nb.task(works.bad))
    rt.advance_blocking("2h")
    assert [rt.trigger("chained").wait(10).state for _ in range(2)] == ["failed", "failed"]
    waiting = of_schedule(rt)[1]
    waiting.cancel()
    rt.advance_blocking("1h")
    assert [run.state for run in of_schedule(rt) if run.scheduled_at == START + 10800 * SECOND] == ["pending"]
    assert rt.retry(waiting).wait(10).state == "failed"


def test_what_was_skipped_lets_the_next_begin(rt: VirtualRuntime, works: ModuleType) -> None:
    chained(rt, nb.task(works.skips))
    rt.advance_blocking("3h")
    assert [state for state, _ in states(rt)] == ["skipped"] * 3


def test_instants_that_were_not_run_are_passed_over(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(nb.task(works.fails_once, depends_on_previous=True), nb.every("1h"), name="chained")
    rt.advance_blocking("4h")
    assert states(rt) == [("failed", None), ("pending", "previous"), ("skipped", "overlap")]
    rt.retry(of_schedule(rt)[0])
    rt.advance_blocking("1h")
    assert [state for state, _ in states(rt)] == ["failed", "succeeded", "skipped", "succeeded", "succeeded"]


def test_one_that_expired_while_it_waited_is_passed_over(rt: VirtualRuntime, works: ModuleType) -> None:
    chained(rt, nb.task(works.bad), expires="10m")
    rt.advance_blocking("2h30m")
    assert states(rt) == [("failed", None), ("skipped", "expired")]
    rt.advance_blocking("30m")
    assert states(rt)[2] == ("pending", "previous")


def test_waiting_for_the_run_before_outlives_the_host(tmp_path: Path, works: ModuleType) -> None:
    with VirtualRuntime(START, tmp_path / "store.db") as first:
        chained(first, nb.task(works.fails_once))
        first.advance_blocking("2h")
    with VirtualRuntime(START + 7500 * SECOND, tmp_path / "store.db") as second:
        second.advance_blocking("1s")
        assert states(second)[1] == ("pending", "previous")
        second.retry(of_schedule(second)[0])
        second.settle()
        assert states(second)[1] == ("succeeded", None)


def test_a_step_waits_for_the_same_step_of_the_run_before(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        free = nb.task(works.ok, name="free")()
        nb.task(works.fails_once, name="bound", depends_on_previous=True)(free)
    rt.schedule(p, nb.every("1h"), name="chained", overlap="allow")
    rt.advance_blocking("3h")
    first, second, third = of_schedule(rt)
    assert (first.state, second.state, third.state) == ("failed", "running", "running")
    assert (second.steps["free"].state, second.steps["bound"].state) == ("succeeded", "pending")
    assert second.steps["bound"].reason == "previous"
    by_hand = rt.run(p)
    rt.settle()
    assert by_hand.state == "succeeded"
    assert second.state == "running"
    rt.retry(first)
    rt.settle()
    assert (second.state, third.state) == ("succeeded", "succeeded")


def test_a_first_step_waits_for_the_run_before_too(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        nb.task(works.bad, name="bound", depends_on_previous=True)()
    rt.schedule(p, nb.every("1h"), name="chained", overlap="allow")
    rt.advance_blocking("2h")
    assert [run.state for run in of_schedule(rt)] == ["failed", "running"]
    of_schedule(rt)[1].cancel()
    rt.settle()
    assert of_schedule(rt)[1].state == "cancelled"


def test_waiting_for_the_run_before_costs_no_turns(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(nb.task(works.bad, depends_on_previous=True), nb.every("1h"), name="chained", limit=2)
    rt.advance_blocking("2h")
    turns = rt.scheduler.turns
    rt.advance_blocking("1d")
    assert rt.scheduler.turns - turns < 10


def test_what_another_run_waits_for_is_not_pruned(rt: VirtualRuntime, works: ModuleType) -> None:
    chained(rt, nb.task(works.fails_once), keep=1)
    rt.advance_blocking("2h")
    rt.prune()
    assert states(rt) == [("failed", None), ("pending", "previous")]


# Expiry -----------------------------------------------------------------------------------------------


def test_a_step_s_time_to_begin_counts_from_its_turn(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        first = nb.task(works.bad_until, name="first", retries=1, backoff=nb.Backoff(wait="10m", jitter=0))(2)
        held = nb.task(works.ok, name="held", expires="10m", rate="1/d")(first)
        nb.task(works.ok, name="after")(held)
    rt.run(nb.task(works.ok, name="held", rate="1/d"))
    run = rt.run(p)
    rt.advance_blocking("19m")
    assert run.steps["held"].state == "queued"
    rt.advance_blocking("1m")
    found = {name: (str(step.state), step.reason) for name, step in run.steps.items()}
    assert found == {
        "first": ("succeeded", None), "held": ("skipped", "expired"), "after": ("skipped", "upstream_skipped"),
    }  # fmt: skip


def test_a_retry_of_a_scheduled_run_has_its_time_anew(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(nb.task(works.fails_once), nb.every("1d"), name="daily", expires="10m", limit=1)
    rt.advance_blocking("2d")
    again = rt.retry(rt.runs(schedule="daily")[0])
    rt.settle()
    assert (again.state, again.reason) == ("succeeded", None)


# Lateness ---------------------------------------------------------------------------------------------


def late_events(rt: VirtualRuntime, run: Run) -> list[float]:
    return [(event.at - START) / SECOND for event in rt.events(run=run.id) if event.name == "run.late"]


def took(rt: VirtualRuntime, name: str, seconds: list[int]) -> None:
    """So long the last runs of the name took, as far as the store knows."""

    def write(db: Any) -> None:
        for one in seconds:
            db.execute(
                "INSERT INTO runs (name, kind, state, scheduled_ms, previous_ms, seq, created_ms, started_ms, "
                "ended_ms, work) VALUES (?, 'function', 'succeeded', 0, 0, 0, 0, 0, ?, '{}')",
                (name, one * 1000),
            )

    rt.database.write(write)


def pass_time(rt: VirtualRuntime, seconds: float) -> None:
    """Time passes while work is held."""
    rt.clock.move_to(rt.clock.now() + seconds * SECOND)
    rt.scheduler.nudge()
    rt.run(nb.task(lambda: None, name="other")).wait(10)


def test_a_run_past_its_deadline_is_late_once_while_it_still_runs(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    run = rt.run(works.held, {"name": "gate"}, deadline="10m")
    works.begun["gate"].wait(10)
    pass_time(rt, 599)
    assert late_events(rt, run) == []
    pass_time(rt, 1)
    assert late_events(rt, run) == [600]
    assert (run.state, panel_row(run.record)["detail"]) == ("running", "late")
    pass_time(rt, 6000)
    works.gates["gate"].set()
    assert run.wait(10).state == "succeeded"
    assert late_events(rt, run) == [600]


def test_a_run_that_has_not_even_begun_is_late_too(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.run(nb.task(works.ok, name="f", rate="1/d"))
    run = rt.run(nb.task(works.ok, name="f", rate="1/d"), deadline="1h")
    rt.advance_blocking("2h")
    assert (run.state, late_events(rt, run)) == ("queued", [3600])
    (event,) = (event for event in rt.events(run=run.id) if event.name == "run.late")
    assert (event.data["state"], event.data["name"]) == ("queued", "f")
    turns = rt.scheduler.turns
    rt.advance_blocking("10h")
    assert rt.scheduler.turns - turns < 10


def test_a_run_that_takes_longer_than_usual_is_late(
    rt: VirtualRuntime, works: ModuleType, until: Until
) -> None:
    took(rt, "held", [100, 110, 105, 90, 120])
    plain = rt.run(works.held, {"name": "gate"})
    watched = rt.run(works.held, {"name": "gate"}, on_late="it.is.late")
    until(rt, lambda: (plain.state, watched.state) == ("running", "running"))
    pass_time(rt, 157)
    assert late_events(rt, watched) == []
    pass_time(rt, 1)
    assert (late_events(rt, watched), late_events(rt, plain)) == ([158], [])
    works.gates["gate"].set()
    watched.wait(10)


def test_the_loop_wakes_when_a_run_is_late(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    took(rt, "held", [100, 110, 105, 90, 120])
    run = rt.run(works.held, {"name": "gate"}, on_late="it.is.late")
    works.begun["gate"].wait(10)
    until(rt, lambda: rt.clock.next_wait() == START + timedelta(seconds=157.5))
    rt.clock.move_to(START + timedelta(seconds=157.5))
    until(rt, lambda: late_events(rt, run) == [157.5])
    works.gates["gate"].set()
    run.wait(10)


def test_without_history_nothing_is_late(rt: VirtualRuntime, works: ModuleType) -> None:
    took(rt, "held", [1, 1, 1, 1])
    run = rt.run(works.held, {"name": "gate"}, on_late="it.is.late")
    works.begun["gate"].wait(10)
    pass_time(rt, 10**6)
    assert late_events(rt, run) == []
    works.gates["gate"].set()
    run.wait(10)


def test_a_step_is_compared_with_the_same_step_of_earlier_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p") as p:
        nb.task(works.held_if, name="s", on_late="it.is.late")("gate")
    works.gates["gate"].set()
    for _ in range(5):
        assert rt.run(p).wait(10).state == "succeeded"
    works.gates["gate"].clear()
    works.begun["gate"].clear()
    run = rt.run(p)
    works.begun["gate"].wait(10)
    pass_time(rt, 1)
    assert late_events(rt, run.steps["s"]) == [1]
    works.gates["gate"].set()
    run.wait(10)


def test_a_pipeline_has_a_deadline_for_all_its_steps(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p", deadline="1h") as p:
        nb.task(works.held, name="s")("gate")
    run = rt.run(p)
    works.begun["gate"].wait(10)
    pass_time(rt, 3600)
    assert (late_events(rt, run), run.state) == ([3600], "running")
    works.gates["gate"].set()
    assert run.wait(10).state == "succeeded"


def test_what_ends_in_time_is_never_late(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(works.ok, deadline="1m")
    rt.advance_blocking("1h")
    assert (run.state, late_events(rt, run)) == ("succeeded", [])
