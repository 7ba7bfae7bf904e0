"""Every instant that was due is accounted for exactly once, whatever happened."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

import nbsched as nb
from nbsched.core.triggers import instants, parse_trigger
from nbsched.engine.defining import MISSED, OVERLAPS
from nbsched.executors.lookup import load_file
from nbsched.testing import VirtualRuntime

START = datetime(2026, 3, 28, 12, tzinfo=UTC)
works: ModuleType = load_file(Path(__file__).with_name("works.py"))

TRIGGERS = (
    "every 7m from 2026-03-28T12:00+00:00",
    "*/10 * * * * tz Europe/Berlin",
    "30 2 * * * tz Europe/Berlin",
    "any(every 1h from 2026-03-28T12:20+00:00; */15 * * * * tz UTC)",
)
happenings = st.lists(
    st.tuples(
        st.sampled_from(
            ["advance", "advance", "off", "pause", "resume", "jump", "back", "redefine", "trigger"]
        ),
        st.integers(1, 300),
        st.sampled_from(["skip", "latest", "all"]),
    ),
    min_size=1,
    max_size=7,
)


class Story:
    """A host, its store and a schedule through whatever happens."""

    def __init__(self, folder: Path, trigger: str, options: dict[str, Any]) -> None:
        self.path, self.trigger, self.options, self.now = folder / "store.db", trigger, options, START
        self.open()
        self.define()

    def open(self) -> None:
        self.rt = VirtualRuntime(self.now, self.path, slots=2)
        self.rt.start()

    def define(self) -> None:
        self.rt.schedule(works.ok, self.trigger, name="s", **self.options)

    def advance(self, span: timedelta, missed: str) -> None:
        self.rt.advance_blocking(span)

    def off(self, span: timedelta, missed: str) -> None:
        """The host closes and another opens later."""
        self.now = self.rt.clock.now() + span
        self.rt.close()
        self.open()
        self.rt.settle()

    def pause(self, span: timedelta, missed: str) -> None:
        self.rt.pause("s")

    def resume(self, span: timedelta, missed: str) -> None:
        self.rt.resume("s", missed=missed)
        self.rt.settle()

    def jump(self, span: timedelta, missed: str) -> None:
        """The clock is set forward, or the machine slept."""
        self.rt.clock.move_to(self.rt.clock.now() + span)
        self.rt.settle()

    def back(self, span: timedelta, missed: str) -> None:
        """The clock is set back while no host is there."""
        self.now = max(START, self.rt.clock.now() - span)
        self.rt.close()
        self.open()
        self.rt.settle()

    def redefine(self, span: timedelta, missed: str) -> None:
        self.define()

    def trigger_by_hand(self, span: timedelta, missed: str) -> None:
        self.rt.trigger("s")
        self.rt.settle()

    def play(self, what: str, minutes: int, missed: str) -> None:
        getattr(self, {"trigger": "trigger_by_hand"}.get(what, what))(timedelta(minutes=minutes), missed)

    def rows(self) -> list[Any]:
        sql = "SELECT * FROM runs WHERE occurrence NOT NULL ORDER BY scheduled_ms, id"
        return self.rt.database.read(lambda db: [dict(row) for row in db.execute(sql)])

    def accounted_until(self) -> datetime:
        after_ms = self.rt.database.read(
            lambda db: db.execute("SELECT after_ms FROM schedules").fetchone()[0]
        )
        return datetime.fromtimestamp(after_ms / 1000, UTC)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def check(story: Story) -> None:
    rows, until = story.rows(), story.accounted_until()
    theory = list(instants(parse_trigger(story.trigger), START, until))
    accounted: list[datetime] = []
    for row in rows:
        last = at(row["until_ms"] if row["until_ms"] is not None else row["scheduled_ms"])
        covered = [instant for instant in theory if at(row["scheduled_ms"]) <= instant <= last]
        assert len(covered) == row["count"], (row["state"], row["reason"], row["count"], covered)
        assert row["count"] == 1 or (row["state"] == "skipped" and row["work"] == "{}")
        accounted += covered
    assert accounted == theory
    for one, next_ in pairwise(rows):
        assert one["work"] != "{}" or next_["work"] != "{}" or one["reason"] != next_["reason"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    trigger=st.sampled_from(TRIGGERS), overlap=st.sampled_from(OVERLAPS), missed=st.sampled_from(MISSED),
    catchup=st.sampled_from(["0s", "1h", "1d"]), jitter=st.sampled_from([None, "3m"]), told=happenings,
)  # fmt: skip
def test_the_rows_of_the_ledger_are_the_instants(
    trigger: str,
    overlap: str,
    missed: str,
    catchup: str,
    jitter: str | None,
    told: list[tuple[str, int, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = {"overlap": overlap, "missed": missed, "catchup": catchup, "jitter": jitter}
        story = Story(Path(folder), trigger, options)
        try:
            for happening in told:
                story.play(*happening)
            story.resume(timedelta(), "skip")
            story.advance(timedelta(hours=1), "")
            check(story)
        finally:
            story.rt.close()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_a_daily_job_runs_once_on_each_day_of_a_year(tmp_path: Path, zone: str) -> None:
    with VirtualRuntime(datetime(2025, 12, 31, 23, 59, tzinfo=UTC), tmp_path / "store.db") as rt:
        rt.schedule(works.instant, nb.cron("30 2 * * *", tz=zone), name="daily")
        works.calls.clear()
        rt.advance_blocking("365d")
        assert len(works.calls) == 365


def test_a_host_that_starts_in_the_second_pass_of_a_fold_starts_nothing(tmp_path: Path) -> None:
    in_second_pass = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time in Berlin
    with VirtualRuntime(in_second_pass, tmp_path / "store.db") as rt:
        rt.schedule(works.instant, nb.cron("30 2 * * *", tz="Europe/Berlin"), name="daily")
        works.calls.clear()
        rt.advance_blocking("20h")
        assert works.calls == []
