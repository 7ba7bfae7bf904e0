"""Of the runs that bear a label only so many go on at once."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from nbsched.core import plan
from nbsched.core.errors import InvalidState
from nbsched.core.states import Verb
from nbsched.store import bounds, claiming, hosts, runs, stopping
from nbsched.store.hosts import Host
from nbsched.store.insert import NewRun, insert
from tests.store.conftest import open_db

ROOM = claiming.Capacity(places=(), any_place=True, slots=100, cells=0)
HOST = Host(id="h", kind="daemon", pid=1, birth="", port=None, slots=100, resources={}, notebook=None,
            started_ms=0, seen_ms=0, until_ms=10**12)  # fmt: skip


def new(label: str | None, most: int) -> NewRun:
    work = {"name": "f", "kind": "function", "ref": "f.py:f"}
    return NewRun(work=work, policy={"max_bound": most}, scheduled_ms=0, previous_ms=0, bound=label)


@settings(max_examples=60, deadline=None)
@given(
    most=st.integers(1, 4),
    told=st.lists(
        st.tuples(st.sampled_from(["claim", "succeed", "fail", "retry", "cancel"]), st.integers(0, 11)),
        max_size=40,
    ),
)
def test_no_more_than_its_bound_go_on_and_none_is_forgotten(most: int, told: list[tuple[str, int]]) -> None:
    db = open_db()
    hosts.register(db, HOST)
    free = insert(db, new(None, most), 0)
    ids = [insert(db, new("a", most), 0) for _ in range(12)]
    runs.admit_bound(db, "a", 0)
    for what, number in told:
        row = db.execute("SELECT * FROM runs WHERE id = ?", (ids[number],)).fetchone()
        if what == "claim":
            claiming.claim(db, "h", "", 0, ROOM)
        elif what == "cancel":
            try:
                stopping.cancel(db, row["id"], 0)
            except InvalidState:
                assert row["ended_ms"] is not None
        elif row["state"] == "running":
            verb = {"succeed": Verb.SUCCEED, "fail": Verb.FAIL, "retry": Verb.RETRY}[what]
            verdict = plan.Verdict(verb)
            told_of = runs.Settlement(
                run=row["id"], fence=row["fence"], verdict=verdict, outcome=what, ended_ms=0
            )
            runs.settle(db, "h", [told_of], 0)
        states = [state for (state,) in db.execute("SELECT state FROM runs WHERE bound = 'a' ORDER BY id")]
        going_on = sum(state in ("queued", "running") for state in states)
        waiting = states.count("pending")
        assert going_on == min(most, going_on + waiting)
        assert "pending" not in states or states.index("pending") > max(
            (at for at, state in enumerate(states) if state in ("queued", "running")), default=-1
        )
    assert db.execute("SELECT state FROM runs WHERE id = ?", (free,)).fetchone()[0] != "pending"
    db.close()


def test_a_wider_bound_holds_from_now_on() -> None:
    db = open_db()
    ids = [insert(db, new("a", 1), 0) for _ in range(5)]
    runs.admit_bound(db, "a", 0)
    bounds.widen(db, "a", 3)
    assert [row["id"] for row in bounds.first_in_line(db, "a", "id")] == ids[1:3]
    db.close()
