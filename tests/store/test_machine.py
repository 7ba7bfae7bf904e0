"""Whatever is done to runs in whatever order, each goes only where the one table says, and nothing is left behind."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from nbsched.core import plan
from nbsched.core.errors import InvalidState
from nbsched.core.instants import from_ms
from nbsched.core.model import Outcome
from nbsched.core.policy import RULES, Policy
from nbsched.core.states import EVENTS, FINAL, RETRYING, TRANSITIONS, State
from nbsched.store import alarms, claiming, hosts, insert, line, previous, recovery, retrying, runs, stopping
from nbsched.store.hosts import Host
from nbsched.store.retrying import Redo
from tests.store.conftest import open_db

EDGES = {(before, after) for (before, _), found in TRANSITIONS.items() for after in found}
STATE_OF = {name: state for state, name in EVENTS.items()} | {RETRYING: State.QUEUED}
OUTCOMES = ("succeeded", "failed", "skipped", "retry_later", "lost", "interrupted", "timeout", "cancelled")
WORK = {"kind": "function", "name": "f", "ref": "m:f"}


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    steps = []
    for at in range(draw(st.integers(1, 5))):
        needs = (
            draw(st.lists(st.sampled_from([f"s{before}" for before in range(at)]), unique=True)) if at else []
        )
        policy = {"rule": draw(st.sampled_from(RULES)), "retries": draw(st.integers(0, 1))}
        steps.append({
            "name": f"s{at}", "work": {**WORK, "name": f"s{at}", "policy": policy}, "needs": needs,
            "when": draw(st.sampled_from([None, None, "1 > 0", "1 < 0", "nobody > 1"])),
            "teardown": draw(st.booleans()),
        })  # fmt: skip
    policy = draw(st.sampled_from([{}, {"timeout": "5s"}, {"expires": "3s"}]))
    return {"kind": "pipeline", "name": "p", "steps": steps, "policy": policy}


class Machine(RuleBasedStateMachine):
    runs = Bundle("runs")

    @initialize()
    def begin(self) -> None:
        self.db, self.now_ms, self.seen, self.hosts = open_db(), 1_000_000, 0, 0
        self.states: dict[int, State] = {}
        self.occurrences = 0
        self.held: list[tuple[str, dict[str, Any]]] = []
        self.join()

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()

    @rule()
    def join(self) -> None:
        """Another host comes."""
        self.hosts += 1
        hosts.register(self.db, Host(
            id=f"h{self.hosts}", kind="script", pid=1, birth="?", port=None, slots=2, resources={}, notebook=None,
            started_ms=self.now_ms, seen_ms=self.now_ms, until_ms=self.now_ms + 10_000,
        ))  # fmt: skip

    @rule(target=runs, policy=st.sampled_from([
              {}, {"retries": 2}, {"expires": "3s"}, {"rerun": False}, {"rate": "2/m"}, {"deadline": "2s"},
              {"on_success": "x", "on_failure": "x"}]),
          behind=st.one_of(st.none(), runs), place=st.sampled_from([None, "host:h1"]))  # fmt: skip
    def fire(self, policy: dict[str, Any], behind: int | None, place: str | None) -> int:
        waits = behind if behind is not None and not self.states[behind].final else None
        return self.insert(insert.NewRun(
            work={**WORK, "policy": policy}, scheduled_ms=self.now_ms, previous_ms=self.now_ms, wait_for=waits,
            place=place,
        ))  # fmt: skip

    @rule(target=runs, schedule=st.sampled_from("ab"), policy=st.sampled_from([{}, {"expires": "3s"}]))
    def fire_in_turn(self, schedule: str, policy: dict[str, Any]) -> int:
        """An occurrence that waits for the one before, or has a step that does."""
        policy = {"depends_on_previous": True, **policy}
        work = {**WORK, "policy": policy}
        if schedule == "b":
            first = {"name": "s0", "work": {**WORK, "name": "s0"}, "needs": []}
            bound = {"name": "s1", "work": {**WORK, "name": "s1", "policy": policy}, "needs": ["s0"]}
            work = {"kind": "pipeline", "name": "p", "steps": [first, bound]}
        self.occurrences += 1
        return self.insert(insert.NewRun(
            work=work, schedule=schedule, occurrence=f"{schedule}@{self.occurrences}",
            scheduled_ms=self.occurrences, previous_ms=0,
        ))  # fmt: skip

    @rule(target=runs, work=pipelines())
    def fire_pipeline(self, work: dict[str, Any]) -> int:
        return self.insert(insert.NewRun(work=work, scheduled_ms=self.now_ms, previous_ms=self.now_ms))

    def insert(self, new: insert.NewRun) -> int:
        run = insert.insert(self.db, new, self.now_ms)
        self.check()
        return run

    @rule(host=st.integers(1, 4), slots=st.integers(1, 3))
    def claim(self, host: int, slots: int) -> None:
        name = f"h{host}"
        room = claiming.Capacity(places=(f"host:{name}", "gone"), any_place=True, slots=slots, cells=1)
        claimed = claiming.claim(self.db, name, "b", self.now_ms, room)
        assert (claimed is None) == (name not in {found.id for found in hosts.known(self.db)})
        rows = [row for row in claimed or [] if row["kind"] != "pipeline"]
        assert len(rows) <= slots
        self.held += [(name, row) for row in rows]

    @rule(data=st.data(), kind=st.sampled_from(OUTCOMES))
    def settle(self, data: st.DataObject, kind: Any) -> None:
        """Some attempt ends, perhaps one that was taken from its host, perhaps for the second time."""
        if not self.held:
            return
        self.settle_one(*data.draw(st.sampled_from(self.held)), kind)

    @rule()
    def begin_again_and_hear_of_the_first_attempt(self) -> None:
        """A host tells of an attempt late, when it holds the run for the next one."""
        for host, row in [held for held in self.held if self.states[held[1]["id"]] is State.RUNNING][:1]:
            self.settle_one(host, row, "retry_later")
            self.now_ms += 2000
            self.claim(int(host[1:]), 3)
            self.settle_one(host, row, "succeeded")

    def settle_one(self, host: str, row: dict[str, Any], kind: Any) -> None:
        policy = Policy.of(json.loads(row["policy"]))
        found = plan.verdict(
            Outcome(kind=kind, delay=timedelta(seconds=2)), policy, failures=row["failures"], losses=row["losses"],
            now=from_ms(self.now_ms), chance=0,
        )  # fmt: skip
        current = self.db.execute("SELECT state, host, fence FROM runs WHERE id = ?", (row["id"],)).fetchone()
        valid = tuple(current) == ("running", host, row["fence"])
        before = self.db.total_changes
        runs.settle(self.db, host, [runs.Settlement(
            run=row["id"], fence=row["fence"], verdict=found, outcome=kind, ended_ms=self.now_ms
        )], self.now_ms)  # fmt: skip
        assert valid or self.db.total_changes == before

    @rule(run=runs, how=st.sampled_from(["cancel", "kill"]))
    def cancel(self, run: int, how: str) -> None:
        self.or_refused(lambda: stopping.cancel(self.db, run, self.now_ms, how), self.states[run] in FINAL)

    @rule(run=runs, priority=st.integers(-1, 1))
    def set_priority(self, run: int, priority: int) -> None:
        self.or_refused(lambda: line.set_priority(self.db, run, priority), self.states[run] in FINAL)

    @rule(target=runs, run=runs, from_failed=st.booleans())
    def retry(self, run: int, from_failed: bool) -> Any:
        host = Host(id="h1", kind="script", pid=1, birth="?", port=None, slots=1, resources={}, notebook=None,
                    started_ms=0, seen_ms=0, until_ms=0)  # fmt: skip
        made = self.or_refused(
            lambda: retrying.retry(self.db, run, self.now_ms, Redo(from_failed=from_failed), host=host),
            self.states[run] not in FINAL,
        )
        self.check()
        return multiple() if made is None else made

    @rule(seconds=st.integers(0, 4))
    def wait(self, seconds: int) -> None:
        self.now_ms += seconds * 1000
        alarms.ring(self.db, [], self.now_ms)

    @rule(host=st.integers(1, 4))
    def give_up(self, host: int) -> None:
        recovery.give_up(self.db, f"h{host}", self.now_ms)

    def or_refused(self, call: Any, refused: bool) -> Any:
        before = self.db.total_changes
        try:
            made = call()
        except InvalidState:
            assert refused
            assert self.db.total_changes == before
            return None
        assert not refused
        return made

    @invariant()
    def check(self) -> None:
        if hasattr(self, "db"):
            self.follow_the_events()
            self.look_at_the_rows()

    def follow_the_events(self) -> None:
        rows = self.db.execute(
            "SELECT seq, name, run FROM events WHERE seq > ? AND run NOT NULL ORDER BY seq", (self.seen,)
        )
        for seq, name, run in rows.fetchall():
            if name == "run.late":
                assert not self.states[run].final
                continue
            before, after = self.states.get(run), STATE_OF[name]
            assert (before, after) in EDGES, f"run {run} went from {before} to {after}"
            assert name != RETRYING or before is State.RUNNING
            self.states[run], self.seen = after, seq

    def look_at_the_rows(self) -> None:
        rows = self.db.execute("SELECT * FROM runs").fetchall()
        assert {row["id"]: row["state"] for row in rows} == self.states
        living = {found.id for found in hosts.known(self.db)}
        for row in rows:
            assert (row["ended_ms"] is not None) == State(row["state"]).final
            if row["kind"] != "pipeline":
                assert (row["host"] is not None) == (row["state"] == "running")
                assert row["host"] is None or row["host"] in living
        active = {row["parent"] for row in rows if row["ended_ms"] is None}
        for row in rows:
            if row["kind"] == "pipeline" and row["state"] in ("running", *FINAL):
                assert State(row["state"]).final != (row["id"] in active), (
                    f"pipeline {row['id']} is {row['state']}"
                )
        waiting = self.db.execute(
            "SELECT n.run FROM needs n JOIN runs w ON w.id = n.run JOIN runs d ON d.id = n.need "
            "WHERE n.ended IS NULL AND d.ended_ms NOT NULL AND w.state = 'pending'"
        ).fetchall()
        assert waiting == []
        open_ = self.db.execute(
            "SELECT a.run FROM attempts a JOIN runs r ON r.id = a.run WHERE a.ended_ms IS NULL "
            "AND NOT (r.state = 'running' AND r.attempt = a.number)"
        ).fetchall()
        assert open_ == []
        self.look_at_what_waits()

    def look_at_what_waits(self) -> None:
        """Whoever waits for the run before has reason to, and whoever had a hook has a notice."""
        pending = self.db.execute(
            "SELECT * FROM runs WHERE state = 'pending' AND reason = 'previous'"
        ).fetchall()
        assert all(previous.blocks(self.db, row) for row in pending)
        waits = self.db.execute("SELECT run FROM waits").fetchall()
        assert {run for (run,) in waits} == {row["id"] for row in pending}
        late = self.db.execute("SELECT run FROM events WHERE name = 'run.late'").fetchall()
        assert len({run for (run,) in late}) == len(late)
        told = self.db.execute(
            "SELECT count(*) FROM runs WHERE policy LIKE '%on_success%' AND state IN ('succeeded', 'failed')"
        ).fetchone()
        assert tuple(told) == tuple(self.db.execute("SELECT count(*) FROM notices").fetchone())


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMachine = Machine.TestCase


@pytest.mark.slow
@pytest.mark.timeout(280)
class TestMachineForLong(Machine.TestCase):
    settings = settings(max_examples=1500, stateful_step_count=60, deadline=None)
