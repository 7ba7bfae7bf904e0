"""Pipelines as they run: joins, conditions, values, cancelling, retries from the failed step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import InvalidState
from nbsched.testing import VirtualRuntime

Until = Callable[..., None]
START = datetime(2026, 1, 5, tzinfo=UTC)


def states(run: nb.Run) -> dict[str, str]:
    return {name: step.state.value for name, step in run.steps.items()}


def reasons(run: nb.Run) -> dict[str, str | None]:
    return {name: step.reason for name, step in run.steps.items()}


def test_values_flow_along_the_edges(real: nb.Runtime, works: ModuleType) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("sum", params={"start": 1}) as p:
        first = ok.options(name="first")(p.params["start"])
        named = nb.task(works.emits).options(name="named")(total=first, more=[first, {"x": first}])
        ok.options(name="last")(named["total"])
    run = real.run(p, {"start": 41}).wait(10)
    assert (run.state, states(run)) == ("succeeded", dict.fromkeys(["first", "named", "last"], "succeeded"))
    assert run.steps["last"].result == 41
    assert run.steps["named"].values == {"total": 41, "more": [41, {"x": 41}]}
    assert [step.parent for step in run.steps.values()] == [run.id] * 3
    assert run.steps["last"].pipeline == "sum"
    assert real.runs() == [run]
    assert {step.id for step in real.runs(parent=run.id)} == {step.id for step in run.steps.values()}


def test_frames_and_arrays_reach_the_next_step_as_themselves(real: nb.Runtime, works: ModuleType) -> None:
    gives, kind = nb.task(works.gives), nb.task(works.kind)
    with nb.pipeline("frames") as p:
        for what in ("frame", "array", "large"):
            kind.options(name=what)(gives.options(name=f"make {what}")(what))
    run = real.run(p).wait(30)
    assert [run.steps[what].result for what in ("frame", "array", "large")] == ["DataFrame", "ndarray", "str"]


def test_a_failure_skips_what_needs_it_and_nothing_else(real: nb.Runtime, works: ModuleType) -> None:
    ok, bad = nb.task(works.ok), nb.task(works.bad)
    with nb.pipeline("partly") as p:
        failing = bad.options(name="failing")()
        after = ok.options(name="after")()
        later = ok.options(name="later")()
        failing >> after >> later
        ok.options(name="beside")()
        ok.options(name="tell", rule="all_done")() << later
    run = real.run(p).wait(10)
    assert (run.state, run.error) == ("failed", "ValueError: no")
    assert states(run) == {"failing": "failed", "after": "skipped", "later": "skipped", "beside": "succeeded",
                           "tell": "succeeded"}  # fmt: skip
    assert reasons(run)["after"] == reasons(run)["later"] == "upstream_failed"


ENDS: dict[str, Any] = {"good": "ok", "bad": "bad", "skip": "skips"}
RULES = {
    "all_success": {"gg"}, "all_done": {"gg", "gb", "gs", "bb", "bs", "ss"}, "all_failed": {"bb"},
    "one_success": {"gg", "gb", "gs"}, "one_failed": {"gb", "bb", "bs"}, "one_done": {"gg", "gb", "gs", "bb", "bs"},
    "none_failed": {"gg", "gs", "ss"}, "none_failed_min_one_success": {"gg", "gs"},
    "none_skipped": {"gg", "gb", "bb"}, "all_skipped": {"ss"},
    "always": {"gg", "gb", "gs", "bb", "bs", "ss"},
}  # fmt: skip


@pytest.mark.parametrize("ends", ["gg", "gb", "gs", "bb", "bs", "ss"])
def test_each_join_rule_runs_after_the_ends_it_names(real: nb.Runtime, works: ModuleType, ends: str) -> None:
    kinds = {name[0]: nb.task(getattr(works, work)) for name, work in ENDS.items()}
    with nb.pipeline("joins") as p:
        needs = [kinds[end].options(name=f"need {at}")() for at, end in enumerate(ends)]
        for rule in RULES:
            nb.task(works.ok).options(name=rule, rule=rule)() << needs
    run = real.run(p).wait(20)
    ran = {rule for rule in RULES if run.steps[rule].state == "succeeded"}
    assert ran == {rule for rule, met in RULES.items() if ends in met}
    assert all(run.steps[rule].state == "skipped" for rule in RULES.keys() - ran)


@pytest.mark.parametrize(
    ("value", "state", "reason"), [(0.95, "succeeded", None), (0.5, "skipped", "condition")]
)
def test_a_condition_decides_whether_a_step_runs(
    real: nb.Runtime, works: ModuleType, value: float, state: str, reason: str | None
) -> None:
    with nb.pipeline("deploying", params={"least": 0.9}) as p:
        score = nb.task(works.ok).options(name="score")(value)
        nb.task(works.ok).options(name="deploy", when=score > p.params["least"])() << score
    run = real.run(p).wait(10)
    assert (run.state, run.steps["deploy"].state, run.steps["deploy"].reason) == ("succeeded", state, reason)


def test_a_condition_that_can_not_be_computed_fails_its_step_and_says_why(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("deploying") as p:
        score = nb.task(works.ok).options(name="score")("high")
        nb.task(works.ok).options(name="deploy", when=score > 1, retries=3)() << score
    run = real.run(p).wait(10)
    deploy = run.steps["deploy"]
    assert (run.state, deploy.state, deploy.attempt) == ("failed", "failed", 1)
    assert "score" in deploy.error


def test_a_step_that_fails_is_tried_again_alone(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("patient", retries=2, backoff=nb.Backoff(wait="1m", jitter=0)) as p:
        first = nb.task(works.ok).options(name="first")("once")
        nb.task(works.bad_until).options(name="second")(3) << first
    run = rt.run(p)
    rt.advance_blocking("10m")
    assert (run.state, run.steps["first"].attempt, run.steps["second"].attempt) == ("succeeded", 1, 3)
    assert works.calls == ["once", 1, 2, 3]


def test_no_more_than_max_parallel_steps_run_at_once(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    with nb.pipeline("narrow", max_parallel=2) as p:
        for number in range(4):
            nb.task(works.held).options(name=f"s{number}")(f"g{number}")
    run = real.run(p)
    until(real, lambda: list(states(run).values()) == ["running", "running", "queued", "queued"])
    works.gates["g1"].set()
    until(real, lambda: list(states(run).values()) == ["running", "succeeded", "running", "queued"])
    for number in range(4):
        works.gates[f"g{number}"].set()
    assert run.wait(10).state == "succeeded"


def test_a_pipeline_that_may_run_no_more_steps_holds_back_none_of_another(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    def narrow(name: str) -> Any:
        with nb.pipeline(name, max_parallel=1) as p:
            for number in range(3):
                nb.task(works.held).options(name=f"s{number}")("gate")
        return p

    first, second = real.run(narrow("first")), real.run(narrow("second"))
    until(
        real,
        lambda: [*states(first).values(), *states(second).values()] == ["running", "queued", "queued"] * 2,
    )
    assert real.run(works.ok).wait(10).state == "succeeded"
    works.gates["gate"].set()
    assert (first.wait(10).state, second.wait(10).state) == ("succeeded", "succeeded")


def test_a_pipeline_takes_no_slot_while_its_steps_run(tmp_path: Path, works: ModuleType) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        with nb.pipeline("one") as p:
            nb.task(works.ok)() >> nb.task(works.ok)()
        assert [run.wait(10).state for run in [rt.run(p) for _ in range(5)]] == ["succeeded"] * 5


def test_cancelling_a_pipeline_stops_what_runs_and_what_waits(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    with nb.pipeline("stopped") as p:
        nb.chain(
            nb.task(works.ok).options(name="done")(),
            nb.task(works.held).options(name="held")("gate"),
            nb.task(works.ok).options(name="never")(),
        )
    run = real.run(p)
    until(real, lambda: states(run)["held"] == "running")
    run.cancel()
    assert run.wait(10).state == "cancelled"
    assert states(run) == {"done": "succeeded", "held": "cancelled", "never": "cancelled"}
    with pytest.raises(InvalidState):
        run.cancel()


def test_a_pipeline_has_a_time_for_all_its_steps(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    with nb.pipeline("slow", timeout="10m", grace="100ms") as p:
        nb.task(works.held).options(name="held")("gate") >> nb.task(works.ok).options(name="never")()
    run = rt.run(p)
    until(rt, lambda: states(run)["held"] == "running")
    rt.clock.move_to(START + timedelta(minutes=10))
    until(rt, lambda: run.state.final)
    assert (run.state, run.reason) == ("failed", "timeout")
    assert states(run) == {"held": "cancelled", "never": "cancelled"}


def test_a_pipeline_s_options_are_its_steps_defaults(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("p", retries=1, backoff=nb.Backoff(wait="1m", jitter=0), timeout="1h") as p:
        nb.task(works.bad).options(name="one")()
        nb.task(works.bad).options(name="other", retries=0)()
    run = rt.run(p)
    rt.advance_blocking("5m")
    assert {name: step.attempt for name, step in run.steps.items()} == {"one": 2, "other": 1}
    assert run.attempt == 1


def test_a_pipeline_out_of_time_still_cleans_up(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    with nb.pipeline("slow", timeout="10m", grace="100ms") as p:
        held = nb.task(works.held).options(name="held")("gate")
        held >> nb.task(works.held).options(name="down", teardown=True)("down")
    run = rt.run(p)
    until(rt, lambda: states(run)["held"] == "running")
    rt.clock.move_to(START + timedelta(minutes=10))
    until(rt, lambda: states(run)["down"] == "running")
    works.gates["down"].set()
    assert run.wait(10).state == "failed"
    assert (run.reason, states(run)) == ("timeout", {"held": "cancelled", "down": "succeeded"})


def cluster(works: ModuleType, middle: Any) -> Any:
    with nb.pipeline("cluster") as p:
        up = nb.task(works.ok).options(name="up", setup=True)("up")
        work = middle()
        down = nb.task(works.ok).options(name="down", teardown=True)("down")
        up >> work >> down
    return p


def test_a_teardown_runs_however_what_it_follows_ended(real: nb.Runtime, works: ModuleType) -> None:
    run = real.run(cluster(works, nb.task(works.bad).options(name="work"))).wait(10)
    assert (run.state, states(run)) == ("failed", {"up": "succeeded", "work": "failed", "down": "succeeded"})


def test_a_teardown_that_fails_does_not_change_the_pipeline_s_state(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("cluster") as p:
        nb.task(works.ok).options(name="up")() >> nb.task(works.bad).options(name="down", teardown=True)()
    run = real.run(p).wait(10)
    assert (run.state, states(run)["down"]) == ("succeeded", "failed")


def test_a_teardown_also_follows_what_was_cancelled(
    real: nb.Runtime, works: ModuleType, until: Until
) -> None:
    run = real.run(cluster(works, lambda: nb.task(works.held).options(name="work")("gate")))
    until(real, lambda: states(run)["work"] == "running")
    run.cancel()
    assert run.wait(10).state == "cancelled"
    assert states(run) == {"up": "succeeded", "work": "cancelled", "down": "succeeded"}
    assert works.calls == ["up", "gate", "down"]


def test_nothing_that_had_not_begun_is_torn_down(tmp_path: Path, works: ModuleType, until: Until) -> None:
    with nb.Runtime(tmp_path / "store.db", slots=1) as rt:
        rt.run(works.held, {"name": "gate"})
        assert works.begun["gate"].wait(10)
        run = rt.run(cluster(works, nb.task(works.ok).options(name="work")))
        until(rt, lambda: states(run)["up"] == "queued")
        run.cancel()
        assert (run.state, set(states(run).values())) == ("cancelled", {"cancelled"})
        works.gates["gate"].set()


def test_a_retry_goes_on_from_the_failed_step_with_the_values_of_the_others(
    real: nb.Runtime, works: ModuleType
) -> None:
    with nb.pipeline("resumed") as p:
        frame = nb.task(works.gives).options(name="frame")("frame")
        value = nb.task(works.ok).options(name="value")({"x": 7})
        needing = nb.task(works.fails_once).options(name="needing")(frame, value["x"])
        nb.task(works.ok).options(name="after")(needing)
        nb.task(works.ok).options(name="rescue", rule="one_failed")("rescue") << needing
    first = real.run(p).wait(20)
    assert states(first) == {"frame": "succeeded", "value": "succeeded", "needing": "failed", "after": "skipped",
                             "rescue": "succeeded"}  # fmt: skip
    second = real.retry(first).wait(20)
    assert (second.state, second.retry_of) == ("succeeded", first.id)
    assert reasons(second) == {"frame": "reused", "value": "reused", "needing": None, "after": None,
                               "rescue": "rule"}, "nothing failed this time"  # fmt: skip


def test_a_step_alone_is_not_retried(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("one") as p:
        nb.task(works.bad).options(name="bad")()
    run = real.run(p).wait(10)
    with pytest.raises(InvalidState, match=f"retry run {run.id}"):
        real.retry(run.steps["bad"])


def test_a_pipeline_all_of_whose_steps_are_skipped_is_skipped(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("skipping") as p:
        nb.task(works.skips)() >> nb.task(works.ok)()
    run = real.run(p).wait(10)
    assert (run.state, run.reason) == ("skipped", "all_skipped")


def test_wide_and_deep_pipelines_come_to_their_end(real: nb.Runtime, works: ModuleType) -> None:
    with nb.pipeline("wide") as p:
        ok = nb.task(works.ok)
        parts = [ok.options(name=f"part {number}")(number) for number in range(200)]
        nb.chord(parts, nb.task(works.length).options(name="all"))
        nb.chain([ok.options(name=f"deep {number}")(number) for number in range(200)])
    run = real.run(p).wait(50)
    assert run.state == "succeeded"
    assert run.steps["all"].result == 200


def test_a_scheduled_pipeline_knows_its_instant_in_every_step(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("daily") as p:
        nb.task(works.ok).options(name="date")({
            "date": nb.scheduled_date, "at": nb.scheduled_at, "from": nb.interval_start, "to": nb.interval_end,
            "run": nb.run_id, "key": nb.run_key, "both": nb.interval,
        })  # fmt: skip
    rt.schedule(p, nb.cron("0 23 * * *", tz="America/New_York"), name="daily")
    rt.advance_blocking("30h")
    run, _ = rt.runs(schedule="daily", state="succeeded")
    at = datetime(2026, 1, 6, 4, tzinfo=UTC)
    assert run.scheduled_at == at
    found = run.steps["date"].result
    assert found.pop("date").isoformat() == "2026-01-05"
    assert found.pop("key").startswith("daily@2026-01-06T04:00")
    assert found.pop("both") == [found["from"], found["to"]]
    assert found == {"at": at, "from": at - timedelta(days=1), "to": at, "run": run.id}


def test_a_retry_does_again_what_follows_a_step_that_is_done_again(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("p") as p:
        flaky = nb.shell('test -e "$GATE"', name="flaky", env={"GATE": str(rt.folder / "gate")})
        after = nb.shell("date +%s%N", name="after", rule="all_done")
        beside = nb.shell("date +%s%N", name="beside")
        flaky >> after
    first = rt.run(p)
    rt.settle()
    assert [first.steps[name].state for name in ("flaky", "after", "beside")] == [
        "failed",
        "succeeded",
        "succeeded",
    ]
    rt.folder.mkdir(exist_ok=True)
    (rt.folder / "gate").touch()
    second = first.retry()
    rt.settle()
    assert {name: step.reason for name, step in second.steps.items()} == {
        "flaky": None, "after": None, "beside": "reused"
    }  # fmt: skip
    assert second.steps["after"].result != first.steps["after"].result
    assert second.steps["beside"].result == first.steps["beside"].result
    del beside
