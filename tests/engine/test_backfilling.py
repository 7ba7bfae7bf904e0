"""One run for each past instant of a schedule, each once, so many at a time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import nbsched as nb
from nbsched.core.errors import UnknownName, UsageError
from nbsched.core.instants import to_ms
from nbsched.engine.backfilling import Backfill
from nbsched.executors.lookup import load_file
from nbsched.testing import VirtualRuntime

START = datetime(2026, 1, 5, tzinfo=UTC)
DAILY = nb.cron("0 2 * * *", tz="UTC")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def at(day: int, hour: int = 2) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def filled(rt: nb.Runtime, *args: Any, **options: Any) -> Backfill:
    found = rt.backfill(*args, **options)
    assert isinstance(found, Backfill)
    return found


def test_each_instant_of_the_span_is_run_once_with_its_own_dates(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("daily") as p:
        nb.task(works.ok).options(name="dates")({
            "date": nb.scheduled_date, "at": nb.scheduled_at, "span": nb.interval, "key": nb.run_key
        })  # fmt: skip
    rt.schedule(p, DAILY)
    found = filled(rt, "daily", NEW_YEAR, at(4))
    rt.settle()
    assert [run.scheduled_at for run in found] == [at(1), at(2), at(3)]
    assert [run.state for run in found] == ["succeeded"] * 3
    assert found[1].steps["dates"].result == {
        "date": date(2026, 1, 2), "at": at(2), "span": [at(1), at(2)], "key": "daily@2026-01-02T02:00:00+00:00/dates",
    }  # fmt: skip
    assert found[0].steps["dates"].result["span"] == [datetime(2025, 12, 31, 2, tzinfo=UTC), at(1)]


def test_the_same_call_again_gives_the_same_runs(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    first = filled(rt, "daily", NEW_YEAR, at(4))
    assert filled(rt, "daily", NEW_YEAR, at(4)) == first
    rt.settle()
    again = filled(rt, "daily", NEW_YEAR, at(5), max_parallel=3)
    rt.settle()
    assert again[:3] == first
    assert works.calls == [at(1), at(2), at(3), at(4)]


def test_a_dry_run_gives_the_instants_that_would_be_run(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    filled(rt, "daily", at(2), at(3))
    assert rt.backfill("daily", NEW_YEAR, at(5), dry_run=True) == [at(1), at(3), at(4)]
    assert len(rt.runs()) == 1


def test_what_the_schedule_has_run_itself_is_given_back(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    rt.advance_blocking("2d")
    own = rt.runs(schedule="daily")
    found = filled(rt, "daily", at(4, 0), at(7))
    rt.settle()
    assert found[1:] == own[::-1][: len(found) - 1]
    assert sorted(works.calls) == [at(4), at(5), at(6)]


def test_what_was_missed_skipped_or_paused_is_run_and_the_ledger_stays_as_it_is(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.instant, DAILY, name="daily", missed="none")
    rt.pause("daily")
    rt.advance_blocking("3d")
    rt.resume("daily")
    rt.settle()
    (row,) = rt.runs(schedule="daily")
    assert (row.state, row.reason, row.count) == ("skipped", "paused", 3)
    filled(rt, "daily", at(5, 0), at(8, 0))
    rt.settle()
    assert works.calls == [at(5), at(6), at(7)]
    assert (row.state, row.reason, row.count) == ("skipped", "paused", 3)
    rt.pause("daily")
    rt.advance_blocking("1d")
    rt.resume("daily")
    rt.settle()
    assert row.count == 4


def test_an_instant_filled_while_the_schedule_was_paused_is_not_run_again_by_it(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.instant, DAILY, name="daily", catchup="9d")
    rt.pause("daily")
    rt.advance_blocking("3d")
    filled(rt, "daily", at(6, 0), at(7, 0))
    rt.settle()
    rt.resume("daily", missed="all")
    rt.advance_blocking("1d")
    assert sorted(works.calls) == [at(5), at(6), at(7), at(8)]


def test_failed_runs_stay_until_they_are_asked_for_again(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("daily") as p:
        nb.task(works.instant).options(name="one")() >> nb.shell('test -e "$GATE"', name="two",
                                                        env={"GATE": str(rt.folder / "gate")})  # fmt: skip
    rt.schedule(p, DAILY)
    first = filled(rt, "daily", NEW_YEAR, at(3))
    rt.settle()
    assert [run.state for run in first] == ["failed", "failed"]
    assert filled(rt, "daily", NEW_YEAR, at(3)) == first
    assert rt.backfill("daily", NEW_YEAR, at(3), dry_run=True) == []
    assert rt.backfill("daily", NEW_YEAR, at(3), dry_run=True, rerun_failed=True) == [at(1), at(2)]
    rt.folder.mkdir(exist_ok=True)
    (rt.folder / "gate").touch()
    second = filled(rt, "daily", NEW_YEAR, at(4), rerun_failed=True)
    rt.settle()
    assert [run.retry_of for run in second] == [first[0].id, first[1].id, None]
    assert [run.state for run in second] == ["succeeded"] * 3
    assert second[0].steps["one"].reason == "reused"
    assert filled(rt, "daily", NEW_YEAR, at(4), rerun_failed=True) == second
    assert works.calls == [at(1), at(2), at(3)]


def test_only_so_many_go_on_at_once_oldest_first(
    real: nb.Runtime, works: ModuleType, until: Callable[..., None]
) -> None:
    with nb.pipeline("daily") as p:
        nb.task(works.held).options(name="held")("gate")
    real.schedule(p, nb.cron("0 2 * * *", tz="UTC"))
    found = filled(real, "daily", "2026-01-01", "2026-01-07", max_parallel=2)
    until(real, lambda: len(works.calls) == 2)
    assert [run.state for run in found] == ["running"] * 2 + ["pending"] * 4
    wider = filled(real, "daily", "2026-01-01", "2026-01-08", max_parallel=3)
    until(real, lambda: len(works.calls) == 3)
    assert [run.state for run in wider] == ["running"] * 3 + ["pending"] * 4
    works.gates["gate"].set()
    wider.wait(20, check=True)
    began = [run.started_at for run in wider]
    assert began == sorted(began)
    assert len(works.calls) == 7


def test_a_cancelled_backfill_starts_nothing_more(
    real: nb.Runtime, works: ModuleType, until: Callable[..., None]
) -> None:
    real.schedule(works.held, DAILY, name="daily", params={"name": "gate"})
    found = filled(real, "daily", "2026-01-01", "2026-01-05", max_parallel=2)
    until(real, lambda: len(works.calls) == 2)
    found.cancel()
    found.wait(20)
    assert [run.state for run in found] == ["cancelled"] * 4
    assert len(works.calls) == 2
    found.cancel()
    works.gates["gate"].set()
    again = filled(real, "daily", "2026-01-01", "2026-01-05", rerun_failed=True).wait(20)
    assert [run.state for run in again] == ["succeeded"] * 4


def test_a_cancelled_one_makes_room_for_the_next(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily", retries=1)
    rt.pause("daily")
    found = filled(rt, "daily", NEW_YEAR, at(4))
    for run in found[::2]:
        if not run.state.final:
            run.cancel()
    rt.settle()
    assert all(run.state.final for run in found)


def test_the_schedule_s_own_instants_go_first_and_are_not_taken_for_an_overlap(
    tmp_path: Path, works: ModuleType
) -> None:
    with VirtualRuntime(START, tmp_path / "store.db", slots=1) as rt:
        rt.schedule(works.later, DAILY, name="daily")
        found = filled(rt, "daily", NEW_YEAR, at(5, 0), max_parallel=4)
        rt.advance_blocking("2h5m")
        own = rt.get_schedule("daily").last_run
        assert own is not None
        assert (own.scheduled_at, own.priority) == (at(5), 0)
        assert [run.priority for run in found] == [10] * 4
        rt.advance_blocking("1h")
        assert own.state == "succeeded"


def test_a_live_run_and_its_followers_do_not_wait_for_a_backfill(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.later, nb.every("5m", start=START), name="often", overlap="skip")
    filled(rt, "often", START - timedelta(hours=1), START, max_parallel=1)
    rt.advance_blocking("30m")
    ran = [run.scheduled_at for run in rt.runs(schedule="often", limit=None)
           if run.scheduled_at >= START and run.state == "succeeded" and run.priority == 0]  # fmt: skip
    assert sorted(ran) == [START + timedelta(minutes=5), START + timedelta(minutes=20)]


def test_periods_are_counted_backwards_from_where_they_begin(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.every("1h"), name="hourly", start=START + timedelta(days=9), limit=1)
    rt.schedule(works.instant, "any(every 1d from 2027-01-01T05:00Z; on data.ready)", name="both")
    hours = rt.backfill("hourly", START - timedelta(hours=2), START, dry_run=True)
    assert hours == [START - timedelta(hours=2), START - timedelta(hours=1)]
    assert rt.backfill("both", NEW_YEAR, at(3, 0), dry_run=True) == [at(1, 5), at(2, 5)]
    found = filled(rt, "hourly", START - timedelta(hours=2), START)
    rt.settle()
    assert nb.interval.path == ("interval",)
    assert [run.state for run in found] == ["succeeded"] * 2


def test_dates_are_days_of_the_schedule_s_zone(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.cron("30 0 * * *", tz="Asia/Tokyo"), name="tokyo")
    tokyo = ZoneInfo("Asia/Tokyo")
    expected = [datetime(2026, 1, day, 0, 30, tzinfo=tokyo) for day in (2, 3)]
    for start, end in ((date(2026, 1, 2), date(2026, 1, 4)), ("2026-01-02", "2026-01-04T00:00+09:00")):
        assert rt.backfill("tokyo", start, end, dry_run=True) == expected


def test_what_has_not_come_is_left_to_the_schedule(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    assert rt.backfill("daily", at(4), at(20), dry_run=True) == [at(4)]


def test_a_run_of_the_past_does_not_expire_in_its_line(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily", expires="1h")
    found = filled(rt, "daily", NEW_YEAR, at(3))
    rt.settle()
    assert [run.state for run in found] == ["succeeded"] * 2


def test_each_waits_for_the_one_before_where_the_schedule_says_so(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    work = nb.shell('test -e "$GATE"', name="s", env={"GATE": str(rt.folder / "gate")})
    rt.schedule(work, DAILY, name="daily", depends_on_previous=True, deadline="1h", expires="1h")
    found = filled(rt, "daily", NEW_YEAR, at(4), max_parallel=2)
    rt.settle()
    assert [run.state for run in found] == ["failed", "pending", "pending"]
    rt.folder.mkdir(exist_ok=True)
    (rt.folder / "gate").touch()
    found = filled(rt, "daily", NEW_YEAR, at(4), rerun_failed=True)
    rt.settle()
    assert [run.state for run in found] == ["succeeded"] * 3
    assert not [event for event in rt.events(limit=None) if event.name == "run.late"]


def test_an_expired_instant_can_be_filled(tmp_path: Path, works: ModuleType) -> None:
    with VirtualRuntime(START, tmp_path / "store.db", slots=1) as rt:
        rt.schedule(works.instant, DAILY, name="daily", expires="1h", jitter="2d")
        rt.advance_blocking("2d")
        expired = {run.scheduled_at for run in rt.runs(schedule="daily") if run.reason == "expired"}
        assert expired
        found = filled(rt, "daily", START, at(7, 0))
        rt.settle()
        assert all(run.state == "succeeded" for run in found if run.scheduled_at in expired)
        assert expired <= set(works.calls)


@pytest.mark.parametrize(
    ("args", "options", "part"),
    [
        (("dayly", "2026-01-01", "2026-01-02"), {}, "did you mean 'daily'"),
        (("event", "2026-01-01", "2026-01-02"), {}, "has no instants to fill"),
        (("daily", "2026-01-02", "2026-01-01"), {}, "before the start"),
        (("daily", "2026-02-02", "2026-03-01"), {}, "has not come yet"),
        (("daily", datetime(2026, 1, 1), "2026-01-02"), {}, "start: .* has no zone"),
        (("daily", "2026-01-01", "yesterday"), {}, "end: 'yesterday' is not an instant"),
        (("daily", None, "2026-01-02"), {}, "start: None"),
        (("often", "2025-01-01", "2026-01-02"), {}, "more than 100,000 instants"),
        (("daily", "2026-01-01", "2026-01-02"), {"max_parallel": 0}, "max_parallel 0"),
    ],
)
def test_a_mistake_is_one_sentence_and_starts_nothing(
    rt: VirtualRuntime, works: ModuleType, args: tuple[Any, ...], options: dict[str, Any], part: str
) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    rt.schedule(works.instant, "every 1s", name="often")
    rt.schedule(works.instant, "on data.ready", name="event")
    rt.pause("often")
    with pytest.raises(UsageError, match=part):
        rt.backfill(*args, **options)
    assert rt.runs() == []


def test_the_grid_shows_instants_by_steps(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("daily") as p:
        nb.task(works.ok).options(name="one")() >> nb.task(works.bad).options(name="two")()
    rt.schedule(p, nb.cron("0 2 * * *", tz="Europe/Berlin"), name="<daily>")
    found = filled(rt, "<daily>", NEW_YEAR, at(3, 0))
    rt.settle()
    head, columns, first, _ = repr(found).splitlines()
    assert head == "<daily>: 2 instants, 2 failed"
    assert columns.split() == ["instant", "run", "one", "two"]
    assert first.split() == ["Thu", "2026-01-01", "02:00:00", "+01:00", "1", "✕", "failed", "✓", "✕"]
    assert len(found.grid.rows) == 2
    assert "<daily>" not in found._repr_html_()
    assert "&lt;daily&gt;" in found._repr_html_()
    assert found.states == {"failed": 2}


def test_a_long_backfill_is_shown_in_part(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, nb.every("1m", start=START), name="often")
    rt.pause("often")
    found = filled(rt, "often", START - timedelta(hours=1), START)
    assert repr(found).endswith("and 30 more: .grid has them all")
    assert len(found.grid.rows) == 60
    rt.settle()


def test_an_empty_span_is_an_empty_backfill(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.instant, DAILY, name="daily")
    found = filled(rt, "daily", at(3, 3), at(3, 4))
    assert (found, repr(found)) == ([], "daily: 0 instants\nno instants")
    found.wait().cancel()


def test_unscheduling_with_what_runs_ends_a_backfill_too(rt: VirtualRuntime, works: ModuleType) -> None:
    rt.schedule(works.later, DAILY, name="daily")
    found = filled(rt, "daily", NEW_YEAR, at(4))
    rt.settle()
    rt.unschedule("daily", cancel_running=True)
    rt.settle()
    assert [run.state for run in found] == ["cancelled"] * 3
    with pytest.raises(UnknownName):
        rt.backfill("daily", NEW_YEAR, at(4))
    assert "3 cancelled" in repr(found)


def test_ten_thousand_instants_are_written_and_shown_quickly(tmp_path: Path, works: ModuleType) -> None:
    with VirtualRuntime(START, tmp_path / "store.db", slots=1) as rt:
        rt.schedule(works.later, nb.every("1m", start=START), name="often")
        rt.pause("often")
        began = time.perf_counter()
        found = filled(rt, "often", START - timedelta(minutes=10_000), START)
        assert len(found) == 10_000
        assert filled(rt, "often", START - timedelta(minutes=10_000), START) == found
        assert "10000 instants" in repr(found)
        found.cancel()
        assert time.perf_counter() - began < 30
        assert found.states == {"cancelled": 10_000}


CRASH = """
import os, sys
from datetime import UTC, datetime
import nbsched as nb
from nbsched.engine import backfilling
from nbsched.store import backfilling as store
from nbsched.executors.lookup import load_file

works = load_file(sys.argv[1])
store.AT_ONCE = 3
with nb.Runtime(sys.argv[2], slots=1) as rt:
    rt.schedule(works.ok, nb.cron("0 2 * * *", tz="UTC"), name="daily")
    fill, left = store.fill, [2]
    def dies(*args, **options):
        found = fill(*args, **options)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), 9)
        return found
    store.fill = dies
    rt.backfill("daily", "2026-01-01", "2026-01-21", max_parallel=2)
"""


def test_a_backfill_cut_off_by_a_kill_is_carried_on_by_the_same_call(tmp_path: Path) -> None:
    file = Path(__file__).with_name("works.py")
    store = tmp_path / "store.db"
    died = subprocess.run(
        [sys.executable, "-c", CRASH, str(file), str(store)], capture_output=True, text=True, check=False
    )
    assert died.returncode == -9, died.stderr
    with nb.Runtime(store, slots=2) as rt:
        found = filled(rt, "daily", "2026-01-01", "2026-01-21", max_parallel=2).wait(40)
        assert [run.state for run in found] == ["succeeded"] * 20
        assert len(rt.runs(schedule="daily", limit=None)) == 20
        assert [run.scheduled_at.day for run in found] == list(range(1, 21))


works_file: ModuleType = load_file(Path(__file__).with_name("works.py"))
happenings = st.lists(
    st.tuples(st.sampled_from(["fill", "fill", "advance", "pause", "resume", "off"]), st.integers(0, 9),
              st.integers(0, 9), st.sampled_from(["skip", "latest", "all"])),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(told=happenings, missed=st.sampled_from(["latest", "all", "none"]))
def test_no_instant_is_run_twice_whatever_happens(told: list[tuple[str, int, int, str]], missed: str) -> None:
    works_file.calls.clear()
    with tempfile.TemporaryDirectory() as folder:
        now = START
        rt = VirtualRuntime(now, Path(folder) / "store.db", slots=2).start()
        try:
            rt.schedule(works_file.instant, DAILY, name="daily", missed=missed, catchup="9d")
            asked: set[datetime] = set()
            for what, first, second, how in told:
                now = rt.clock.now()
                if what == "fill":
                    start, end = (
                        now - timedelta(days=first),
                        now - timedelta(days=first) + timedelta(days=second),
                    )
                    found = filled(rt, "daily", start, end, max_parallel=first + 1)
                    asked |= {run.scheduled_at for run in found}
                    assert len({run.id for run in found}) == len(found)
                elif what == "advance":
                    rt.advance_blocking(timedelta(hours=12 * second))
                elif what == "off":
                    rt.close()
                    rt = VirtualRuntime(
                        now + timedelta(hours=9 * second), Path(folder) / "store.db", slots=2
                    ).start()
                else:
                    rt.pause("daily") if what == "pause" else rt.resume("daily", missed=how)
                rt.settle()
            assert len(works_file.calls) == len(set(works_file.calls))
            assert asked <= set(works_file.calls)
            rt.resume("daily")
            rt.advance_blocking("1d")
            check_ledger(rt, asked)
        finally:
            rt.close()


def check_ledger(rt: VirtualRuntime, filled_ones: set[datetime]) -> None:
    """The schedule's own rows account for each instant once; for one filled before it was decided none does."""
    rows = rt.database.read(
        lambda db: db.execute(
            "SELECT scheduled_ms, coalesce(until_ms, scheduled_ms), count FROM runs "
            "WHERE parent IS NULL AND bound IS NULL"
        ).fetchall()
    )
    days = [at(5) + timedelta(days=number) for number in range((rt.clock.now() - at(5)).days + 1)]
    covered = Counter(day for first, last, _ in rows for day in days if first <= to_ms(day) <= last)
    for day in days:
        assert covered[day] == 1 or (covered[day] == 0 and day in filled_ones), day


def test_each_instant_of_a_span_is_told_with_what_accounts_for_it(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.instant, nb.cron("0 */6 * * *", tz="UTC"), name="often")
    rt.advance_blocking("13h")
    rt.pause("often")
    rt.advance_blocking("12h")
    rt.resume("often")
    rt.advance_blocking("6h")
    [filled_run] = filled(rt, "often", at(4, 18), at(5, 0))
    rt.settle()
    rows = rt.occurrences("often", at(4, 12), at(6, 19))
    paused = next(run.id for run in rt.runs(schedule="often", limit=None) if run.reason == "paused")
    assert [(row["at"][5:16], row["state"], row["reason"]) for row in rows] == [
        ("01-04T12:00", None, "not run"), ("01-04T18:00", "succeeded", None), ("01-05T00:00", None, "not run"),
        ("01-05T06:00", "succeeded", None), ("01-05T12:00", "succeeded", None),
        ("01-05T18:00", "skipped", "paused"), ("01-06T00:00", "skipped", "paused"),
        ("01-06T06:00", "succeeded", None), ("01-06T12:00", None, "not yet"), ("01-06T18:00", None, "not yet"),
    ]  # fmt: skip
    assert rows[1]["run"] == filled_run.id
    assert {row["run"] for row in rows if row["reason"] == "paused"} == {paused}
    assert {row["state"] for row in rt.occurrences("often", at(6, 0), at(6, 1))} == {"skipped"}


def test_occurrences_of_a_schedule_without_instants_are_refused(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    rt.schedule(works.ok, nb.on("data.ready"), name="told")
    with pytest.raises(UsageError, match="no instants"):
        rt.occurrences("told", NEW_YEAR, at(4))
    with pytest.raises(UsageError, match="swap them"):
        rt.occurrences("told", at(4), NEW_YEAR)
