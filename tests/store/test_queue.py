"""The line of waiting runs against a plain list that is kept in the same order."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbsched.core import plan
from nbsched.core.states import Verb
from nbsched.store import claiming, hosts, insert, line, recovery, runs, stopping
from nbsched.store.hosts import Host
from tests.store.conftest import open_db

PRIORITIES = st.integers(0, 1)


class Line(RuleBasedStateMachine):
    """`line` holds (priority, run) in the order in which they are to begin; the same runs are in the store."""

    @initialize()
    def begin(self) -> None:
        self.db, self.now_ms, self.number = open_db(), 1_000, 0
        self.line: list[tuple[int, int]] = []
        self.running: list[tuple[int, dict[str, Any]]] = []
        self.places: dict[int, int] = {}
        self.register()

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()

    def register(self) -> None:
        self.number += 1
        hosts.register(self.db, Host(
            id=self.host, kind="script", pid=1, birth="?", port=None, slots=1, resources={}, notebook=None,
            started_ms=0, seen_ms=0, until_ms=10**15,
        ))  # fmt: skip

    @property
    def host(self) -> str:
        return f"h{self.number}"

    def stand(self, priority: int, run: int, place: int | None = None) -> None:
        """Behind all of its priority, or where it stood before."""
        self.places[run] = place = max(self.places.values(), default=0) + 1 if place is None else place
        self.line = sorted([*self.line, (priority, run)], key=lambda item: (item[0], self.places[item[1]]))

    @rule(priority=PRIORITIES, expires=st.sampled_from([False, False, True]))
    def add(self, priority: int, expires: bool) -> None:
        work = {
            "kind": "function",
            "name": "f",
            "ref": "m:f",
            "policy": {"priority": priority, **({"expires": "1s"} if expires else {})},
        }
        run = insert.insert(
            self.db, insert.NewRun(work=work, scheduled_ms=self.now_ms, previous_ms=0), self.now_ms
        )
        self.stand(priority, run)

    @rule(number=st.integers(1, 2))
    def claim(self, number: int) -> None:
        room = claiming.Capacity(places=(), any_place=True, slots=number, cells=0)
        claimed = claiming.claim(self.db, self.host, "b", self.now_ms, room)
        assert claimed is not None
        assert [row["id"] for row in claimed] == [run for _, run in self.line[:number]]
        self.running += [(priority, row) for (priority, _), row in zip(self.line, claimed, strict=False)]
        self.line = self.line[number:]

    @precondition(lambda self: self.running)
    @rule(data=st.data(), verb=st.sampled_from([Verb.SUCCEED, Verb.FAIL, Verb.RETRY]))
    def complete(self, data: st.DataObject, verb: Verb) -> None:
        at = data.draw(st.integers(0, len(self.running) - 1))
        priority, row = self.running.pop(at)
        told = runs.Settlement(
            run=row["id"], fence=row["fence"], verdict=plan.Verdict(verb), outcome="x", ended_ms=self.now_ms
        )
        runs.settle(self.db, self.host, [told], self.now_ms)
        if verb is Verb.RETRY:
            self.stand(priority, row["id"], self.places[row["id"]])

    @precondition(lambda self: self.line)
    @rule(data=st.data(), priority=PRIORITIES)
    def set_priority(self, data: st.DataObject, priority: int) -> None:
        before, run = data.draw(st.sampled_from(self.line))
        assert line.set_priority(self.db, run, priority) == before
        self.line.remove((before, run))
        self.stand(priority, run)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), priority=PRIORITIES)
    def set_priority_of_a_running_run(self, data: st.DataObject, priority: int) -> None:
        at = data.draw(st.integers(0, len(self.running) - 1))
        before, row = self.running[at]
        assert line.set_priority(self.db, row["id"], priority) == before
        self.running[at] = (priority, row)
        self.places[row["id"]] = max(self.places.values()) + 1

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.line))
        stopping.cancel(self.db, item[1], self.now_ms)
        self.line.remove(item)

    @rule(ms=st.integers(0, 400))
    def expire(self, ms: int) -> None:
        self.now_ms += ms
        stopping.expire(self.db, self.now_ms)
        gone = {run for (run,) in self.db.execute("SELECT id FROM runs WHERE reason = 'expired'")}
        late = self.db.execute(
            "SELECT id FROM runs WHERE expires_ms <= ? AND attempt = 0 AND state = 'queued'", (self.now_ms,)
        )
        assert late.fetchall() == []
        self.line = [item for item in self.line if item[1] not in gone]

    @rule(priority=PRIORITIES, number=st.integers(2, 4))
    def add_some(self, priority: int, number: int) -> None:
        for _ in range(number):
            self.add(priority, False)

    @precondition(lambda self: len(self.running) > 2)
    @rule()
    def restart(self) -> None:
        """The host dies and another comes: what ran stands where it stood."""
        recovery.give_up(self.db, self.host, self.now_ms)
        self.register()
        for priority, row in self.running:
            losses = self.db.execute("SELECT losses FROM runs WHERE id = ?", (row["id"],)).fetchone()[0]
            if losses <= plan.MOST_LOSSES:
                self.stand(priority, row["id"], self.places[row["id"]])
        self.running = []

    @invariant()
    def same(self) -> None:
        if hasattr(self, "db"):
            rows = self.db.execute(
                "SELECT priority, id FROM runs WHERE state = 'queued' ORDER BY priority, seq, id"
            )
            assert [tuple(row) for row in rows] == self.line
            assert {row["id"] for _, row in self.running} == {
                run for (run,) in self.db.execute("SELECT id FROM runs WHERE state = 'running'")
            }


Line.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestLine = Line.TestCase
