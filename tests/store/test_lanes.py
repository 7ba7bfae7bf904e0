"""Where runs stand in line, and that no claim takes more than there is room for."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nbsched.core import plan
from nbsched.core.instants import from_ms
from nbsched.core.states import Verb
from nbsched.store import backfilling, claiming, hosts, insert, recovery, retrying, runs, schedules, stopping
from nbsched.store.database import Db
from nbsched.store.hosts import Host
from nbsched.store.outlook import needed, outlook
from nbsched.store.retrying import Redo
from nbsched.store.schedules import NewSchedule
from nbsched.store.unfolding import Parts
from tests.store.conftest import open_db

HOST = Host(id="h", kind="daemon", pid=1, birth="?", port=None, slots=1, resources={}, notebook=None, started_ms=0,
            seen_ms=0, until_ms=10**15)  # fmt: skip
AWAY = {"executor": "dask"}


@pytest.fixture
def store(db: Db) -> Db:
    hosts.register(db, HOST)
    return db


def work(kind: str = "function", name: str = "f", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, **({"ref": "m:f"} if kind == "function" else {}), **more}


def pipeline(*works: dict[str, Any], name: str = "p", **more: Any) -> dict[str, Any]:
    steps = [{"name": one["name"], "work": one, "needs": []} for one in works]
    return {"kind": "pipeline", "name": name, "steps": steps, **more}


def add(db: Db, of: dict[str, Any], **policy: Any) -> int:
    return insert.insert(db, insert.NewRun(work=of, policy=policy, scheduled_ms=0, previous_ms=0), 0)


def claim(db: Db, **room: Any) -> list[dict[str, Any]]:
    capacity = claiming.Capacity(
        **{"places": (), "any_place": True, "slots": 0, "cells": 0, "away": 0, **room}
    )
    claimed = claiming.claim(db, HOST.id, "b", 0, capacity)
    assert claimed is not None
    return claimed


def lanes(db: Db, parent: int | None = None) -> dict[str, str]:
    rows = db.execute("SELECT name, lane FROM runs WHERE parent IS ? ORDER BY id", (parent,))
    return {row["name"]: row["lane"] for row in rows}


def settle(db: Db, row: dict[str, Any], verb: Verb = Verb.SUCCEED) -> None:
    told = runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=plan.Verdict(verb), outcome="x", ended_ms=0
    )
    runs.settle(db, HOST.id, [told], 0)


def unfold(db: Db, row: dict[str, Any], parts: Parts) -> None:
    told = runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=plan.Verdict(Verb.CLAIM), outcome="unfolded", parts=parts,
        ended_ms=0,
    )  # fmt: skip
    runs.settle(db, HOST.id, [told], 0)


# What goes away ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of", "lane"), [
    (work(), "away"), (work("notebook", path="/a.ipynb"), "away"), (work("shell", command="ls"), "away"),
    (work("cell", source="1", where="process"), "away"), (work("cell", source="1"), "cell"),
    (work("cell", source="1", where="thread"), "slot"), (work("wait", ref="m:f"), "poke"),
    (work("approval", message="?"), "wait"),
])  # fmt: skip
def test_what_workers_can_carry_out_stands_in_a_lane_of_its_own(
    store: Db, of: dict[str, Any], lane: str
) -> None:
    add(store, {**of, "policy": {"timeout": "1h"}}, **AWAY)
    assert lanes(store) == {"f": lane}
    (step,) = lanes_of_steps(store, pipeline(of, name="q", policy=AWAY)).values()
    assert step == lane


def lanes_of_steps(db: Db, of: dict[str, Any]) -> dict[str, str]:
    return lanes(db, add(db, of))


def test_steps_stand_where_their_own_executor_says_else_their_pipeline_s(store: Db) -> None:
    home, own, plain = (
        work(name=name, policy=policy) for name, policy in (("home", {"executor": "local"}),
        ("own", {"executor": "celery"}), ("plain", {}))
    )  # fmt: skip
    assert lanes_of_steps(store, pipeline(home, own, plain)) == {
        "home": "slot",
        "own": "away",
        "plain": "slot",
    }
    assert lanes_of_steps(store, pipeline(home, own, plain, policy=AWAY)) == {
        "home": "slot",
        "own": "away",
        "plain": "away",
    }
    run = add(store, pipeline(home, plain, policy=AWAY), executor="local")
    assert lanes(store, run) == {"home": "slot", "plain": "slot"}


def test_items_and_the_steps_of_inner_pipelines_go_where_the_pipeline_around_them_says(store: Db) -> None:
    inner = pipeline(work(name="in"), work("cell", name="cell", source="1"), name="inner")
    each = {"kind": "map", "name": "each", "work": work(), "over": {"x": [1, 2]}}
    run = add(store, pipeline(inner, each, policy=AWAY))
    assert lanes(store, run) == {"inner": "unfold", "each": "unfold"}
    rows = {row["name"]: row for row in claim(store) if row["lane"] == "unfold"}
    unfold(store, rows["inner"], Parts(work=inner, params="{}"))
    unfold(store, rows["each"], Parts(work=each["work"], items=["{}", "{}"]))
    assert lanes(store, rows["inner"]["id"]) == {"in": "away", "cell": "cell"}
    found = store.execute("SELECT lane, idx FROM runs WHERE parent = ?", (rows["each"]["id"],))
    assert [tuple(row) for row in found] == [("away", 0), ("away", 1)]


def test_a_retry_and_a_new_attempt_go_where_the_first_went(store: Db) -> None:
    run = add(store, pipeline(work(name="a"), work(name="b", policy={"executor": "local"}), policy=AWAY))
    for verb in (Verb.RETRY, Verb.FAIL):
        rows = [row for row in claim(store, slots=9, away=9) if row["lane"] != "none"]
        assert {row["name"]: row["lane"] for row in rows} == {"a": "away", "b": "slot"}
        for row in rows:
            settle(store, row, verb)
    again = retrying.retry(store, run, 0, Redo(), host=HOST)
    assert lanes(store, again) == {"a": "away", "b": "slot"}


def test_a_backfill_goes_where_the_schedule_does(store: Db) -> None:
    new = NewSchedule(
        name="s", given="every 1s", trigger="every 1s", tz=None, work=json.dumps(work(policy=AWAY)), params="{}",
        overlap="skip", missed="latest", catchup_ms=0, jitter_ms=None, start_ms=None, end_ms=None, max_fires=None,
        after_ms=0, next_ms=1000, patterns="[]", place=None, notebook=None,
    )  # fmt: skip
    schedules.define(store, new, 0)
    wanted = [plan.Occurrence(at=from_ms(at), previous=from_ms(at - 1000)) for at in (1000, 2000)]
    found = backfilling.fill(store, "s", wanted, 5000, most=1, rerun_failed=False, host=HOST)
    rows = store.execute("SELECT id, lane, state FROM runs ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [(found[0], "away", "queued"), (found[1], "away", "pending")]


def test_work_that_only_one_process_can_find_is_sent_by_that_one(store: Db) -> None:
    add(store, work(ref="__main__:f", place="process:h"), **AWAY)
    assert claim(store, away=9, places=("process:other",)) == []
    assert len(claim(store, away=9, places=("process:h",))) == 1


# What there is room for -------------------------------------------------------------------------------


def test_what_goes_away_takes_neither_slots_nor_resources_and_counts_in_limits(store: Db) -> None:
    for _ in range(3):
        add(store, work(policy={**AWAY, "resources": {"gpu": 4}}))
    limited = [add(store, work(name="one", policy={**AWAY, "max_running": 1})) for _ in range(2)]
    rated = [add(store, work(name="few", policy={**AWAY, "rate": "1/h"})) for _ in range(2)]
    here = add(store, work(policy={"resources": {"gpu": 1}}))
    claimed = [row["id"] for row in claim(store, slots=1, away=9, resources={"gpu": 1})]
    assert sorted(claimed) == [1, 2, 3, limited[0], rated[0], here]


def test_what_lacks_a_resource_here_keeps_nothing_from_going_away(store: Db) -> None:
    parts = [work("cell", name="c", source="1"), work(name="f")]
    add(store, pipeline(*parts, policy={**AWAY, "resources": {"gpu": 1}}))
    claimed = claim(store, slots=1, cells=1, away=1)
    assert [row["name"] for row in claimed] == ["p", "f"]


def test_those_first_in_line_go_away_as_far_as_there_is_room(store: Db) -> None:
    for priority in (1, 0, 2):
        add(store, work(name=f"f{priority}"), **AWAY, priority=priority)
    assert [row["name"] for row in claim(store, slots=9, away=2)] == ["f0", "f1"]
    assert claim(store, slots=9) == []
    assert [row["name"] for row in claim(store, away=2)] == ["f2"]


def test_a_host_is_told_of_what_may_go_away_only_while_it_has_room_for_it(store: Db) -> None:
    add(store, work(), **AWAY)
    assert [outlook(store, 0, HOST.id, (), True, lanes).queued for lanes in (["slot"], ["slot", "away"])] == [
        False,
        True,
    ]
    claim(store, away=1)
    assert needed(store, HOST.id, 0)


WORKS = st.fixed_dictionaries({
    "place": st.sampled_from(["here", "kernel", "away"]), "step": st.booleans(), "priority": st.integers(0, 2),
    "gpu": st.integers(0, 2), "most": st.integers(1, 3),
})  # fmt: skip


def described(drawn: dict[str, Any], at: int) -> dict[str, Any]:
    """Work of its own is named after how many of it may run at once."""
    policy = {"priority": drawn["priority"], **(AWAY if drawn["place"] == "away" else {})}
    policy |= {"resources": {"gpu": drawn["gpu"]}} if drawn["gpu"] else {}
    kind = work("cell", source="1") if drawn["place"] == "kernel" else work()
    if drawn["step"]:
        return {**kind, "name": f"step{at}", "policy": policy}
    return {**kind, "name": str(drawn["most"]), "policy": {**policy, "max_running": drawn["most"]}}


@given(
    works=st.lists(WORKS, max_size=12), width=st.integers(1, 4), slots=st.integers(0, 4), cells=st.integers(0, 1),
    away=st.integers(0, 4), gpu=st.integers(0, 3),
)  # fmt: skip
def test_no_claim_takes_more_than_there_is_room_for(
    works: list[dict[str, Any]], width: int, slots: int, cells: int, away: int, gpu: int
) -> None:
    db = open_db()
    hosts.register(db, HOST)
    for at, drawn in enumerate(works):
        if not drawn["step"]:
            add(db, described(drawn, at))
    if steps := [described(drawn, at) for at, drawn in enumerate(works) if drawn["step"]]:
        add(db, pipeline(*steps, max_parallel=width))
    claimed = [row for row in claim(db, slots=slots, cells=cells, away=away, resources={"gpu": gpu})
               if row["lane"] != "none"]  # fmt: skip
    taken = Counter(row["lane"] for row in claimed)
    assert (taken["slot"] <= slots, taken["cell"] <= cells, taken["away"] <= away) == (True, True, True)
    here = [json.loads(row["policy"]).get("resources", {}) for row in claimed if row["lane"] != "away"]
    assert sum(resources.get("gpu", 0) for resources in here) <= gpu
    assert sum(row["parent"] is not None for row in claimed) <= width
    for name, count in Counter(row["name"] for row in claimed if row["parent"] is None).items():
        assert count <= int(name)
    for lane in taken:
        order = [(row["priority"], row["seq"]) for row in claimed if row["lane"] == lane]
        assert order == sorted(order)
    db.close()


# How it ends ------------------------------------------------------------------------------------------


def test_what_is_away_when_its_host_dies_is_begun_again_by_another(store: Db) -> None:
    run = add(store, work(), **AWAY)
    claim(store, away=1)
    store.execute("UPDATE attempts SET pid = 7, birth = 'b' WHERE run = ?", (run,))
    assert recovery.processes_of(store, HOST.id) == []  # that process is of another machine
    recovery.give_up(store, HOST.id, 0)
    hosts.register(store, HOST)
    (row,) = claim(store, away=1)
    assert (row["id"], row["attempt"], row["lane"], row["losses"]) == (run, 2, "away", 1)


def test_what_is_away_is_asked_to_stop_like_everything_else(store: Db) -> None:
    run = add(store, work(), **AWAY)
    (row,) = claim(store, away=1)
    stopping.cancel(store, run, 0)
    assert outlook(store, 0, HOST.id, (), True, ["away"]).cancelled
    settle(store, row, Verb.CANCEL)
    assert store.execute("SELECT state FROM runs").fetchone()[0] == "cancelled"
