"""What of an ended run another one can take over."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.core.graph import descendants
from nbsched.core.states import State
from nbsched.store.database import Db
from nbsched.store.insert import BOUNDS, CONTAINERS, Reuse

ORIGIN = "CASE WHEN reason IN ('reused', 'cached') THEN retry_of ELSE id END"
"""In SQL: the run that a run's values are of, in whose folder their files lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A step of an ended run: as it was defined, and what it left if it succeeded."""

    run: int
    step: Mapping[str, Any]
    reuse: Reuse | None

    @property
    def container(self) -> bool:
        return self.step["work"]["kind"] in CONTAINERS


def steps_left(db: Db, parent: int) -> list[Left]:
    """The steps of the pipeline's run, in the order of their definition."""
    rows = db.execute(
        f"SELECT *, {ORIGIN} AS origin FROM runs WHERE parent = ? ORDER BY id", (parent,)
    ).fetchall()
    names = {row["id"]: row["step"] for row in rows}
    needs: dict[int, list[str]] = {row["id"]: [] for row in rows}
    for run, need in db.execute(
        "SELECT n.run, n.need FROM needs n JOIN runs r ON r.id = n.run WHERE r.parent = ? ORDER BY n.need",
        (parent,),
    ):
        needs[run].append(names[need])
    return [Left(run=row["id"], step=_step(row, needs[row["id"]]), reuse=_reuse(row)) for row in rows]


def items_left(db: Db, parent: int) -> dict[int, tuple[Mapping[str, Any], Reuse]]:
    """The items of the mapped step's run that succeeded, by their place: what they were given and what they left."""
    rows = db.execute(
        f"SELECT *, {ORIGIN} AS origin FROM runs WHERE parent = ? AND state = 'succeeded'", (parent,)
    )
    return {row["idx"]: (json.loads(row["params"]), reuse) for row in rows if (reuse := _reuse(row))}


def reusable(steps: Sequence[Left], again: Collection[str] = ()) -> tuple[dict[str, Reuse], dict[str, int]]:
    """What is taken over by step, and the runs whose parts are, of steps that have to be done again themselves.

    Done again is what did not succeed, what `again` names, all that needs any of these, and the setup of any.
    """
    needs = {left.step["name"]: left.step["needs"] for left in steps}
    undone = [left.step["name"] for left in steps if left.reuse is None]
    behind = descendants(needs, {*undone, *again})
    reused = {
        left.step["name"]: left.reuse
        for left in steps
        if left.reuse and left.step["name"] not in behind and not _prepares(left, needs, behind)
    }
    parts = {
        left.step["name"]: left.run
        for left in steps
        if left.container and left.step["name"] in undone and reused.keys() >= set(left.step["needs"])
    }
    return reused, {name: run for name, run in parts.items() if name not in again}


def _prepares(left: Left, needs: Mapping[str, Sequence[str]], again: Collection[str]) -> bool:
    return bool(left.step["setup"]) and not descendants(needs, [left.step["name"]]).isdisjoint(again)


def _step(row: Mapping[str, Any], needs: list[str]) -> dict[str, Any]:
    policy = {name: value for name, value in json.loads(row["policy"]).items() if name != BOUNDS}
    return {
        "name": row["step"], "work": {"name": row["name"], "policy": policy, **json.loads(row["work"])},
        "needs": needs, "when": row["condition"], "setup": bool(row["setup"]), "teardown": bool(row["teardown"]),
    }  # fmt: skip


def _reuse(row: Mapping[str, Any]) -> Reuse | None:
    if row["state"] != State.SUCCEEDED:
        return None
    return Reuse(run=row["origin"], result=row["result"], named=row["named"], output=row["output"])
