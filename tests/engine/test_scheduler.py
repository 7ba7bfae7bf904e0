"""What becomes of instants: started, skipped, caught up with, each once."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core import plan
from nbsched.core.errors import TriggerError, UnknownName
from nbsched.testing import FakeClock, VirtualRuntime

Until = Callable[..., None]
START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hours: float) -> datetime:
    return START + hours * HOUR


def ledger(rt: nb.Runtime, schedule: str) -> list[nb.Run]:
    """The rows of the schedule that account for instants, oldest first."""
    return [run for run in reversed(rt.runs(schedule=schedule, limit=None)) if run.retry_of is None]


def accounted(rt: nb.Runtime, schedule: str) -> int:
    return sum(run.count for run in ledger(rt, schedule))


def verdicts(rt: nb.Runtime, schedule: str) -> list[tuple[str, str | None, int]]:
    return [(run.state.value, run.reason, run.count) for run in ledger(rt, schedule)]


def test_an_interval_runs_at_each_of_its_instants(rt: VirtualRuntime, works: ModuleType) -> None:
    schedule = rt.schedule(works.instant, "every 1h", name="hourly")
    assert schedule.next_at == at(1)
    rt.advance_blocking("3h")
    assert works.calls == [at(1), at(2), at(3)]
    assert schedule.next_at == at(4)
    assert [run.count for run in ledger(rt, "hourly")] == [1] * 3


def test_the_start_of_an_interval_is_itself_an_instant(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.every("1h", start=START), name="now")
    rt.schedule(works.ok, nb.every("1h", start=at(1)), name="later")
    rt.advance_blocking("1h")
    assert ledger(rt, "later")[0].scheduled_at == at(1)
    assert [run.scheduled_at for run in ledger(rt, "now")] == [at(1)]


def test_a_run_knows_its_instant_and_the_one_before(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, nb.cron("0 */6 * * *", tz="UTC"), name="quarterly")
    rt.advance_blocking("12h")
    assert [context.interval for context in works.calls] == [(at(0), at(6)), (at(6), at(12))]


def test_the_same_definition_keeps_its_phase_and_next_time(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.advance_blocking("90m")
    again = rt.schedule(works.instant, "every 1h", name="hourly")
    assert again.next_at == at(2)
    rt.advance_blocking("30m")
    assert works.calls == [at(1), at(2)]
    assert [event.name for event in rt.events(name="schedule.*")].count("schedule.changed") == 0


def test_changed_work_keeps_the_next_time_and_is_what_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.advance_blocking("90m")
    assert rt.schedule(works.ok, "every 1h", name="hourly").next_at == at(2)
    rt.advance_blocking("30m")
    assert works.calls == [at(1), 1]
    assert [event.name for event in rt.events(name="schedule.*")].count("schedule.changed") == 1


def test_a_changed_trigger_starts_anew_and_keeps_the_history(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly", limit=3)
    rt.advance_blocking("90m")
    assert rt.schedule(works.instant, "every 20m", name="hourly", limit=3).next_at == at(1.5) + 20 * MINUTE
    rt.advance_blocking("2h")
    assert works.calls == [at(1), *(at(1.5) + number * 20 * MINUTE for number in (1, 2, 3))]
    assert accounted(rt, "hourly") == 4


def test_a_limit_that_was_reached_can_be_raised(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly", limit=2)
    rt.advance_blocking("5h")
    assert works.calls == [at(1), at(2)]
    assert rt.get_schedule("hourly").next_at is None
    rt.schedule(works.instant, "every 1h", name="hourly", limit=4)
    assert rt.get_schedule("hourly").next_at == at(6)
    rt.advance_blocking("5h")
    assert works.calls == [at(1), at(2), at(6), at(7)]


def test_an_end_that_was_reached_can_be_moved(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly", end=at(1))
    rt.advance_blocking("3h30m")
    rt.schedule(works.instant, "every 1h", name="hourly", end=at(5))
    assert rt.get_schedule("hourly").next_at == at(4)
    rt.advance_blocking("5h")
    assert works.calls == [at(1), at(4), at(5)]


def test_a_nearer_end_is_the_end(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly", end=at(9))
    rt.advance_blocking("90m")
    rt.schedule(works.instant, "every 1h", name="hourly", end=at(2))
    rt.advance_blocking("3h")
    assert works.calls == [at(1), at(2)]


def test_an_end_before_the_first_instant_is_refused(rt: VirtualRuntime, works: ModuleType) -> None:
    with pytest.raises(TriggerError, match="never fires"):
        rt.schedule(works.instant, "every 1h", name="hourly", end=at(0.5))
    assert rt.schedules() == []


def test_an_end_given_later_may_end_it_at_once(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.advance_blocking("90m")
    rt.schedule(works.instant, "every 1h", name="hourly", end=at(1.7))
    rt.advance_blocking("3h")
    assert works.calls == [at(1)]
    assert rt.get_schedule("hourly").next_at is None


def test_it_runs_from_start_to_end_both_included(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.cron("0 * * * *", tz="UTC"), name="within", start=at(2), end=at(4))
    assert rt.get_schedule("within").next_at == at(2)
    rt.advance_blocking("8h")
    assert works.calls == [at(2), at(3), at(4)]
    assert rt.get_schedule("within").next_at is None


def test_a_limit_counts_runs_and_ends_the_schedule(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="thrice", limit=3)
    rt.advance_blocking("1d")
    assert works.calls == [at(1), at(2), at(3)]
    assert rt.get_schedule("thrice").next_at is None


def test_jitter_moves_the_start_later_the_same_way_each_time(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="spread", jitter="10m")
    rt.advance_blocking("4h30m")
    runs = ledger(rt, "spread")
    late = [run.started_at - run.scheduled_at for run in runs]
    assert [run.scheduled_at for run in runs] == [at(1), at(2), at(3), at(4)]
    assert all(timedelta() <= delay <= timedelta(minutes=10) for delay in late)
    assert len(set(late)) == 4


# One-shots --------------------------------------------------------------------------------------------


def test_a_one_shot_runs_once_and_defining_it_again_does_nothing(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    for _ in range(2):
        rt.schedule(works.instant, nb.at(at(1)), name="once")
        rt.advance_blocking("2h")
    assert works.calls == [at(1)]
    assert rt.get_schedule("once").next_at is None


def test_a_past_one_shot_within_the_catchup_runs_now(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.advance_blocking("5h")
    rt.schedule(works.instant, nb.at(at(1)), name="once")
    rt.advance_blocking("0s")
    assert works.calls == [at(1)]
    assert verdicts(rt, "once") == [("succeeded", None, 1)]


def test_a_past_one_shot_beyond_the_catchup_is_refused(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.advance_blocking("5h")
    with pytest.raises(TriggerError, match="catch-up"):
        rt.schedule(works.instant, nb.at(at(1)), name="once", catchup="1h")
    assert rt.schedules() == []


def test_a_one_shot_that_is_done_is_no_error_long_after(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.at(at(1)), name="once", catchup="1h")
    rt.advance_blocking("30d")
    rt.schedule(works.instant, nb.at(at(1)), name="once", catchup="1h")
    rt.advance_blocking("1h")
    assert works.calls == [at(1)]


def test_a_removed_schedule_of_the_same_name_never_repeats_an_instant(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.instant, nb.at(at(1)), name="once")
    rt.advance_blocking("2h")
    rt.unschedule("once")
    rt.schedule(works.instant, nb.at(at(1)), name="once")
    rt.schedule(works.ok, "every 1h", name="other")
    rt.advance_blocking("2h")
    assert Counter(works.calls) == {at(1): 1, 1: 2}


# Overlap: what an instant does that falls while an earlier run is active ------------------------------


def go(rt: VirtualRuntime, hours: float) -> None:
    """The clock stands there, whether the work that runs has ended or not."""
    rt.clock.move_to(at(hours))


def begin(rt: VirtualRuntime, works: ModuleType, until: Until, policy: str, instants: int) -> None:
    """So many instants have fallen, the first of them held in its run."""
    rt.schedule(
        works.held, nb.every("1h", start=at(1)), name="slow", overlap=policy, params={"name": "gate"}, limit=9
    )
    for hour in range(1, instants + 1):
        go(rt, hour)
        until(rt, lambda hour=hour: accounted(rt, "slow") == hour)
        assert works.begun["gate"].wait(10)


def test_skip_counts_the_instants_that_overlap_in_one_row(
    rt: VirtualRuntime, works: ModuleType, until: Until
) -> None:
    begin(rt, works, until, "skip", 4)
    works.gates["gate"].set()
    rt.advance_blocking("1h")
    assert verdicts(rt, "slow") == [("succeeded", None, 1), ("skipped", "overlap", 3), ("succeeded", None, 1)]
    row = ledger(rt, "slow")[1]
    assert (row.scheduled_at, row.until) == (at(2), at(4))


def test_queue_one_keeps_one_run_waiting(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    begin(rt, works, until, "queue_one", 4)
    assert verdicts(rt, "slow") == [("running", None, 1), ("pending", None, 1), ("skipped", "overlap", 2)]
    works.gates["gate"].set()
    rt.settle()
    assert verdicts(rt, "slow") == [("succeeded", None, 1), ("succeeded", None, 1), ("skipped", "overlap", 2)]


def test_queue_all_runs_them_one_after_the_other(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    begin(rt, works, until, "queue_all", 4)
    assert [state for state, _, _ in verdicts(rt, "slow")] == ["running", "pending", "pending", "pending"]
    works.gates["gate"].set()
    rt.settle()
    runs = ledger(rt, "slow")
    assert [run.state for run in runs] == ["succeeded"] * 4
    events = [(event.name, event.data["id"]) for event in rt.events(name="run.*") if event.name in
              ("run.started", "run.succeeded")]  # fmt: skip
    assert events == [(name, run.id) for run in runs for name in ("run.started", "run.succeeded")]


def test_allow_runs_them_beside_each_other(rt: VirtualRuntime, works: ModuleType, until: Until) -> None:
    begin(rt, works, until, "allow", 3)
    until(rt, lambda: len(rt.runs(state="running")) == 3)
    works.gates["gate"].set()
    rt.settle()
    assert verdicts(rt, "slow") == [("succeeded", None, 1)] * 3


@pytest.mark.parametrize("policy", ["cancel_other", "kill_other"])
def test_the_other_is_ended_and_the_new_run_follows_it(
    rt: VirtualRuntime, works: ModuleType, until: Until, policy: str
) -> None:
    begin(rt, works, until, policy, 3)
    until(
        rt, lambda: [state for state, _, _ in verdicts(rt, "slow")] == ["cancelled", "cancelled", "running"]
    )
    works.gates["gate"].set()
    rt.settle()
    assert verdicts(rt, "slow") == [("cancelled", None, 1), ("cancelled", None, 1), ("succeeded", None, 1)]


def test_the_new_run_never_runs_beside_the_one_it_ends(
    rt: VirtualRuntime, works: ModuleType, until: Until
) -> None:
    """Also when one that waited for the same end is cancelled with it."""
    rt.schedule(works.stubborn, nb.every("1h", start=at(1)), name="slow", overlap="cancel_other", limit=3,
                grace="1h")  # fmt: skip
    for hour in (1, 2, 3):
        go(rt, hour)
        until(rt, lambda hour=hour: accounted(rt, "slow") == hour)
        assert works.begun["stubborn"].wait(10)
    assert [state for state, _, _ in verdicts(rt, "slow")] == ["running", "cancelled", "pending"]
    works.gates["stubborn"].set()
    rt.settle()
    assert [state for state, _, _ in verdicts(rt, "slow")][1:] == ["cancelled", "succeeded"]
    assert works.most_at_once["stubborn"] == 1


# Missed: instants that fell while nothing was running --------------------------------------------------


def off(tmp_path: Path, works: ModuleType, hours: float, then: float = 0.5, **options: Any) -> VirtualRuntime:
    """A schedule from 1:00, a host that closes at 1:30 and another that opens so many hours later."""
    path = tmp_path / "off.db"
    with VirtualRuntime(START, path) as first:
        first.schedule(works.instant, nb.every("1h", start=at(1)), name="hourly", **options)
        first.advance_blocking("90m")
    second = VirtualRuntime(at(1.5 + hours), path)
    with second:
        second.advance_blocking(timedelta(hours=then))
    return second


def test_latest_runs_the_last_of_the_missed_instants(tmp_path: Path, works: ModuleType) -> None:
    rt = off(tmp_path, works, 5)
    assert works.calls == [at(1), at(6), at(7)]
    assert verdicts(rt, "hourly") == [
        ("succeeded", None, 1), ("skipped", "missed", 4), ("succeeded", None, 1), ("succeeded", None, 1)
    ]  # fmt: skip
    row = ledger(rt, "hourly")[1]
    assert (row.scheduled_at, row.until) == (at(2), at(5))


def test_earliest_runs_the_first_of_the_missed_instants(tmp_path: Path, works: ModuleType) -> None:
    rt = off(tmp_path, works, 5, missed="earliest")
    assert works.calls == [at(1), at(2), at(7)]
    assert verdicts(rt, "hourly")[1:3] == [("succeeded", None, 1), ("skipped", "missed", 4)]


def test_all_runs_every_missed_instant_in_order(tmp_path: Path, works: ModuleType) -> None:
    off(tmp_path, works, 5, missed="all")
    assert works.calls == [at(hour) for hour in range(1, 8)]


def test_none_runs_no_missed_instant(tmp_path: Path, works: ModuleType) -> None:
    rt = off(tmp_path, works, 5, missed="none")
    assert works.calls == [at(1), at(7)]
    assert verdicts(rt, "hourly")[1] == ("skipped", "missed", 5)


def test_what_is_older_than_the_catchup_is_not_run(tmp_path: Path, works: ModuleType) -> None:
    rt = off(tmp_path, works, 10, missed="all", catchup="2h")
    assert works.calls == [at(1), at(10), at(11), at(12)]
    assert verdicts(rt, "hourly")[1] == ("skipped", "missed", 8)


def test_catching_up_is_bounded_and_accounts_for_the_rest(tmp_path: Path, works: ModuleType) -> None:
    path = tmp_path / "off.db"
    with VirtualRuntime(START, path) as first:
        first.schedule(works.ok, "every 1s", name="fast", missed="all", catchup="9d", overlap="allow")
    with VirtualRuntime(at(24), path) as second:
        second.advance_blocking("0s")
        assert verdicts(second, "fast")[0] == ("skipped", "missed", 86_400 - plan.MOST_CAUGHT_UP)
        assert accounted(second, "fast") == 86_400
        assert len(works.calls) == plan.MOST_CAUGHT_UP


def test_missed_instants_do_not_count_against_a_limit(tmp_path: Path, works: ModuleType) -> None:
    rt = off(tmp_path, works, 5, then=5, limit=3)
    assert works.calls == [at(1), at(6), at(7)]
    assert rt.get_schedule("hourly").next_at is None


def test_a_machine_that_slept_catches_up_as_if_nothing_had_run(
    tmp_path: Path, works: ModuleType, until: Until
) -> None:
    clock = FakeClock(START)
    with nb.Runtime(tmp_path / "store.db", clock=clock) as rt:
        rt.schedule(works.instant, "every 5m", name="often")
        clock.move_to(at(8) + MINUTE)
        until(rt, lambda: rt.get_schedule("often").next_at == at(8) + 5 * MINUTE)
        until(rt, lambda: rt.runs(state="succeeded"))
        assert works.calls == [at(8)]
        assert verdicts(rt, "often") == [("skipped", "missed", 95), ("succeeded", None, 1)]


def test_idle_time_between_instants_is_no_sleep(tmp_path: Path, works: ModuleType, until: Until) -> None:
    clock = FakeClock(START)
    with nb.Runtime(tmp_path / "store.db", clock=clock, lease="1m") as rt:
        rt.schedule(works.instant, "every 1h", name="hourly", missed="none")
        while clock.now() < at(1):
            before = clock.next_wait()
            assert before is not None
            clock.move_to(before)
            until(rt, lambda before=before: (clock.next_wait() or before) > before)
        until(rt, lambda: works.calls == [at(1)])


def test_a_clock_set_back_repeats_nothing_and_does_not_spin(tmp_path: Path, works: ModuleType) -> None:
    path = tmp_path / "back.db"
    with VirtualRuntime(at(0), path) as first:
        first.schedule(works.instant, nb.every("10m", start=at(0)), name="often")
        first.advance_blocking("2h")
    before = len(works.calls)
    with VirtualRuntime(at(1), path) as second:
        second.advance_blocking("55m")
        assert len(works.calls) == before
        assert second.get_schedule("often").next_at == at(2) + 10 * MINUTE
        second.advance_blocking("1h")
    assert works.calls == [at(0) + number * 10 * MINUTE for number in range(1, 18)]


# Pausing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "ran", "row"),
    [
        ("skip", [], ("skipped", "paused", 5)),
        ("latest", [6], ("skipped", "paused", 4)),
        ("all", [2, 3, 4, 5, 6], None),
    ],
)
def test_resuming_accounts_for_the_instants_gone_by(
    rt: VirtualRuntime, works: ModuleType, missed: str, ran: list[int], row: tuple[str, str, int] | None
) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.advance_blocking("90m")
    rt.pause("hourly")
    assert rt.get_schedule("hourly").paused == "by user"
    rt.advance_blocking("5h")
    assert len(ledger(rt, "hourly")) == 1
    rt.resume("hourly", missed=missed)
    assert rt.get_schedule("hourly").paused is None
    rt.advance_blocking("30m")
    assert works.calls == [at(hour) for hour in [1, *ran, 7]]
    assert row is None or verdicts(rt, "hourly")[1] == row
    assert accounted(rt, "hourly") == 7


def test_resuming_what_is_not_paused_changes_nothing(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.resume("hourly")
    rt.advance_blocking("1h")
    assert works.calls == [at(1)]


def test_two_pauses_without_an_instant_run_share_one_row(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    for _ in range(2):
        rt.pause("hourly")
        rt.advance_blocking("2h")
        rt.resume("hourly")
    assert verdicts(rt, "hourly") == [("skipped", "paused", 4)]
    assert ledger(rt, "hourly")[0].until == at(4)


@pytest.mark.parametrize("change", ["trigger", "reschedule", "unschedule"])
def test_what_was_due_under_a_trigger_that_is_given_up_is_accounted_for(
    tmp_path: Path, works: ModuleType, change: str
) -> None:
    path = tmp_path / "off.db"
    with VirtualRuntime(START, path) as rt:
        rt.schedule(works.instant, "every 1h", name="hourly")
        rt.advance_blocking("90m")
        rt.pause("hourly")
        rt.advance_blocking("3h")
        if change == "unschedule":
            rt.unschedule("hourly")
        elif change == "reschedule":
            rt.reschedule("hourly", "every 2h")
        else:
            rt.schedule(works.instant, "every 2h", name="hourly")
        assert verdicts(rt, "hourly") == [("succeeded", None, 1), ("skipped", "paused", 3)]
        row = ledger(rt, "hourly")[1]
        assert (row.scheduled_at, row.until) == (at(2), at(4))


# Verbs ------------------------------------------------------------------------------------------------


def test_triggering_runs_now_beside_the_instants(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.about, "every 1h", name="hourly")
    rt.advance_blocking("30m")
    run = rt.trigger("hourly")
    rt.advance_blocking("0s")
    assert (run.state, run.schedule, run.scheduled_at) == ("succeeded", "hourly", at(0.5))
    assert rt.get_schedule("hourly").next_at == at(1)


def test_rescheduling_starts_anew(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, "every 1h", name="hourly")
    rt.advance_blocking("90m")
    assert rt.reschedule("hourly", "every 10m").next_at == at(1.5) + 10 * MINUTE
    rt.advance_blocking("20m")
    assert works.calls == [at(1), at(1.5) + 10 * MINUTE, at(1.5) + 20 * MINUTE]


@pytest.mark.parametrize("cancel", [False, True])
def test_unscheduling_keeps_the_history_and_ends_the_running_run_only_when_asked(
    rt: VirtualRuntime, works: ModuleType, until: Until, cancel: bool
) -> None:
    begin(rt, works, until, "queue_all", 2)
    rt.unschedule("slow", cancel_running=cancel)
    works.gates["gate"].set() if not cancel else None
    rt.settle()
    assert rt.schedules() == []
    assert [run.state for run in ledger(rt, "slow")] == (["cancelled"] * 2 if cancel else ["succeeded"] * 2)


@pytest.mark.parametrize("verb", ["pause", "resume", "trigger", "unschedule"])
def test_an_unknown_name_is_an_error_with_near_matches(
    rt: VirtualRuntime, works: ModuleType, verb: str
) -> None:
    rt.schedule(works.ok, "every 1h", name="hourly")
    with pytest.raises(UnknownName, match="did you mean 'hourly'"):
        getattr(rt, verb)("hourli")


def test_one_schedule_that_cannot_be_read_keeps_no_other_from_its_turn(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.ok, "every 1h", name="broken")
    rt.schedule(works.instant, "every 1h", name="sound")
    rt.database.write(lambda db: db.execute("UPDATE schedules SET trigger = 'soon' WHERE name = 'broken'"))
    rt.clock.move_to(at(1))
    rt.settle()
    assert works.calls == [at(1)]
    assert rt.get_schedule("broken").paused.startswith("fault: ")


# What it costs ----------------------------------------------------------------------------------------


def test_a_thousand_idle_schedules_cost_no_turns(rt: VirtualRuntime, works: ModuleType) -> None:
    for number in range(1000):
        rt.schedule(works.ok, nb.at(at(24 * 365)), name=f"s{number}")
    rt.settle()
    turns = rt.scheduler.turns
    rt.advance_blocking("30d")
    assert rt.scheduler.turns - turns <= 31


def test_many_ticks_leave_nothing_behind(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.ok, "every 1s", name="fast")
    rt.advance_blocking("2m")
    works.calls.clear()
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    rt.advance_blocking("3m")
    assert len(works.calls) == 180
    assert len(os.listdir("/proc/self/fd")) <= files + 2
    assert threading.active_count() <= threads + 2
