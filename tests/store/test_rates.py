"""Runs of a name begin no more often than its rate allows, and never later than they have to."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbsched.core import plan
from nbsched.core.states import Verb
from nbsched.store import claiming, hosts, insert, line, retention, runs, stopping
from nbsched.store.database import Db
from nbsched.store.hosts import Host
from nbsched.store.outlook import outlook
from tests.store.conftest import open_db

COUNT, PERIOD = 3, 60_000


def join(db: Db, name: str) -> None:
    hosts.register(db, Host(
        id=name, kind="script", pid=1, birth="?", port=None, slots=1, resources={}, notebook=None, started_ms=0,
        seen_ms=0, until_ms=10**15,
    ))  # fmt: skip


def add(db: Db, now_ms: int, name: str = "f", **policy: Any) -> int:
    policy = {"rate": f"{COUNT}/m", **policy}
    work = {"kind": "function", "name": name, "ref": "m:f", "policy": policy}
    return insert.insert(db, insert.NewRun(work=work, scheduled_ms=now_ms, previous_ms=0), now_ms)


def claim(db: Db, now_ms: int, host: str = "a", slots: int = 100) -> list[dict[str, Any]]:
    room = claiming.Capacity(places=(), any_place=True, slots=slots, cells=0)
    claimed = claiming.claim(db, host, "b", now_ms, room)
    assert claimed is not None
    return claimed


def alarm(db: Db, now_ms: int) -> int | None:
    return outlook(db, now_ms, "a", (), True, ["none", "slot"]).alarm_ms


def queued(db: Db, now_ms: int) -> bool:
    return outlook(db, now_ms, "a", (), True, ["none", "slot"]).queued


class Limited(RuleBasedStateMachine):
    """Two hosts claim whenever there is something to claim or an alarm goes off, and at no other time."""

    @initialize()
    def begin(self) -> None:
        self.db, self.now_ms = open_db(), 1_000_000
        join(self.db, "a")
        join(self.db, "b")
        self.starts: list[int] = []
        self.begun: list[dict[str, Any]] = []

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()

    def look(self, host: str) -> list[int]:
        rows = claim(self.db, self.now_ms, host) if queued(self.db, self.now_ms) else []
        self.starts += [self.now_ms] * len(rows)
        self.begun += rows
        return [row["id"] for row in rows]

    def free_ms(self) -> int:
        """When one more may begin."""
        recent = [at for at in self.starts if at > self.now_ms - PERIOD]
        return self.now_ms if len(recent) < COUNT else recent[-COUNT] + PERIOD

    def waiting(self) -> list[int]:
        rows = self.db.execute(
            "SELECT id FROM runs WHERE state = 'queued' AND (not_before_ms IS NULL OR reason = 'rate') "
            "ORDER BY priority, seq, id"
        )
        return [run for (run,) in rows]

    @rule(number=st.integers(1, 8), priority=st.integers(0, 1), host=st.sampled_from("ab"))
    def add(self, number: int, priority: int, host: str) -> None:
        for _ in range(number):
            add(self.db, self.now_ms, priority=priority)
        self.look(host)

    @rule(ms=st.sampled_from([0, 1, 1_000, 20_000, PERIOD, 5 * PERIOD]), host=st.sampled_from("ab"))
    def pass_time(self, ms: int, host: str) -> None:
        until = self.now_ms + ms
        while (at := alarm(self.db, self.now_ms)) is not None and at <= until:
            self.now_ms = max(at, self.now_ms)
            waiting = self.waiting()
            begun = self.look(host)
            assert begun == waiting[: len(begun)]  # the first in line, whoever was woken
        self.now_ms = until

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), host=st.sampled_from("ab"))
    def cancel(self, data: st.DataObject, host: str) -> None:
        stopping.cancel(self.db, data.draw(st.sampled_from(self.waiting())), self.now_ms)
        self.look(host)

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), priority=st.integers(0, 1), host=st.sampled_from("ab"))
    def set_priority(self, data: st.DataObject, priority: int, host: str) -> None:
        line.set_priority(self.db, data.draw(st.sampled_from(self.waiting())), priority)
        self.look(host)

    @precondition(lambda self: self.begun)
    @rule(data=st.data(), host=st.sampled_from("ab"))
    def try_again(self, data: st.DataObject, host: str) -> None:
        row = self.begun.pop(data.draw(st.integers(0, len(self.begun) - 1)))
        holder = self.db.execute("SELECT host FROM runs WHERE id = ?", (row["id"],)).fetchone()[0]
        told = runs.Settlement(
            run=row["id"],
            fence=row["fence"],
            verdict=plan.Verdict(Verb.RETRY),
            outcome="failed",
            ended_ms=self.now_ms,
        )
        runs.settle(self.db, holder, [told], self.now_ms)
        self.look(host)

    @invariant()
    def never_more_than_may(self) -> None:
        if hasattr(self, "db"):
            for begin in self.starts:
                assert sum(begin <= at < begin + PERIOD for at in self.starts) <= COUNT

    @invariant()
    def nothing_waits_without_need(self) -> None:
        if hasattr(self, "db") and self.waiting():
            assert self.free_ms() > self.now_ms
            assert not queued(self.db, self.now_ms)  # nothing is left to look at until the alarm
            assert alarm(self.db, self.now_ms) == self.free_ms()


Limited.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLimited = Limited.TestCase


@pytest.fixture
def store(db: Db) -> Db:
    join(db, "a")
    join(db, "b")
    return db


def test_of_many_that_wait_only_those_are_woken_that_can_begin(store: Db) -> None:
    for _ in range(500):
        add(store, 0)
    now_ms, examined = 0, 0
    while (rest := store.execute("SELECT count(*) FROM runs WHERE state = 'queued'").fetchone()[0]) > 0:
        awake = store.execute(
            "SELECT count(*) FROM runs WHERE state = 'queued' AND not_before_ms <= ?", (now_ms,)
        ).fetchone()[0]
        examined += awake
        assert len(claim(store, now_ms)) == min(COUNT, rest)
        now_ms = alarm(store, now_ms) or now_ms
    assert examined == 500 - COUNT
    assert store.execute("SELECT count(*) FROM starts").fetchone()[0] <= 2 * COUNT


def test_each_that_comes_while_others_wait_has_its_own_turn_behind_them(store: Db) -> None:
    found = []
    for _ in range(3 * COUNT):
        run = add(store, 0)
        claim(store, 0)
        found.append(store.execute("SELECT not_before_ms FROM runs WHERE id = ?", (run,)).fetchone()[0])
    assert found == [None] * COUNT + [PERIOD] * COUNT + [2 * PERIOD] * COUNT


def test_names_have_rates_of_their_own(store: Db) -> None:
    for name in ("f", "g"):
        for _ in range(4):
            add(store, 0, name)
    assert [row["name"] for row in claim(store, 0)] == ["f"] * 3 + ["g"] * 3


def test_what_waits_for_room_does_not_use_up_the_rate(store: Db) -> None:
    for _ in range(3):
        add(store, 0, max_running=1)
    assert len(claim(store, 0)) == 1
    assert store.execute("SELECT count(*) FROM starts").fetchone()[0] == 1
    assert store.execute("SELECT count(*) FROM runs WHERE reason = 'rate'").fetchone()[0] == 0


def test_a_pipeline_has_a_rate_too(store: Db) -> None:
    step = {"name": "s", "work": {"kind": "function", "name": "s", "ref": "m:f"}, "needs": []}
    work = {"kind": "pipeline", "name": "p", "steps": [step], "policy": {"rate": "1/m"}}
    for _ in range(2):
        insert.insert(store, insert.NewRun(work=work, scheduled_ms=0, previous_ms=0), 0)
    assert [row["name"] for row in claim(store, 0)] == ["p", "s"]
    assert claim(store, PERIOD - 1) == []
    assert [row["name"] for row in claim(store, PERIOD)] == ["p", "s"]


def test_a_clock_that_is_set_back_keeps_nothing_waiting_for_long(store: Db) -> None:
    for at in range(COUNT):
        add(store, 10**9 + at)
    assert len(claim(store, 10**9)) == COUNT
    add(store, 0)
    assert len(claim(store, 0)) == 1
    assert [at for (at,) in store.execute("SELECT at_ms FROM starts")] == [0]


def test_starts_that_no_longer_count_are_pruned(store: Db) -> None:
    add(store, 0)
    claim(store, 0)
    retention.prune(store, retention.DAY_MS + 1, dry_run=False)
    assert store.execute("SELECT count(*) FROM starts").fetchone()[0] == 0


# Ageing -----------------------------------------------------------------------------------------------


def begin_one(db: Db, now_ms: int, ageing_ms: int | None) -> int:
    room = claiming.Capacity(places=(), any_place=True, slots=1, cells=0, ageing_ms=ageing_ms)
    claimed = claiming.claim(db, "a", "b", now_ms, room)
    assert claimed is not None
    (row,) = claimed
    return int(row["id"])


@pytest.mark.parametrize(("ageing_ms", "after"), [(None, None), (1_000, 11), (100, 2)])
def test_what_waits_long_enough_begins_however_much_comes_before_it(
    store: Db, ageing_ms: int | None, after: int | None
) -> None:
    low = add(store, 0, "low", rate=None, priority=10)
    begun = []
    for second in range(30):
        add(store, second * 1_000, "high", rate=None, priority=0)
        begun.append(begin_one(store, second * 1_000, ageing_ms))
    assert (begun.index(low) if low in begun else None) == after


def test_with_ageing_equals_still_begin_in_the_order_of_asking(store: Db) -> None:
    found = [
        add(store, at, rate=None, priority=priority) for at, priority in ((0, 1), (0, 0), (5, 1), (5, 0))
    ]
    line.set_priority(store, found[0], 1)
    order = [begin_one(store, 10, 1_000) for _ in found]
    assert order == [found[1], found[3], found[2], found[0]]


def test_with_ageing_the_line_is_still_read_from_its_index(store: Db) -> None:
    store.execute(claiming._REFUSED)
    for sql in (claiming._LINE, claiming._EQUALS):
        values = ("slot", None, 0, *([0] * (sql.count("?") - 3)))
        steps = [row["detail"] for row in store.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert steps[0].startswith("SEARCH runs USING INDEX runs_line (lane=? AND place=?")
        assert not any("TEMP B-TREE" in step for step in steps)
    assert all(before < after for before, after in pairwise(claiming._priorities(store, "slot", None)))
