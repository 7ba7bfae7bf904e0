"""A run that turns out to hold others: a mapped step's items, the steps of a pipeline inside a pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.store.database import Db
from nbsched.store.insert import ANEW, Frame, Reuse, insert_items, insert_steps
from nbsched.store.reusing import items_left, reusable, steps_left


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is in a run, once what it is given is known; JSON as text."""

    work: Mapping[str, Any]
    """The pipeline, or what each item is given to."""
    params: str | None = None
    """A pipeline's parameters."""
    items: Sequence[str] | None = None
    """What each item is given, of a mapped step."""
    width: int | None = None
    """So many items at a time."""


def unfold(db: Db, run: int, parts: Parts, now_ms: int) -> None:
    """The runs in this run are there, pending; what an earlier one left that it retries is taken over."""
    row = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    if parts.items is None:
        _unfold_pipeline(db, row, parts.work, now_ms)
    else:
        anew = ANEW in json.loads(row["policy"])
        reused = _items_reused(db, None if anew else row["retry_of"], parts.items)
        insert_items(
            db,
            _frame(row, row["pipeline"], row["scope"]),
            row["name"],
            parts.work,
            parts.items,
            reused,
            now_ms,
        )
    db.execute(
        "UPDATE runs SET lane = 'none', params = coalesce(?, params), width = ? WHERE id = ?",
        (parts.params, parts.width, run),
    )


def _unfold_pipeline(db: Db, row: Mapping[str, Any], work: Mapping[str, Any], now_ms: int) -> None:
    left = steps_left(db, row["retry_of"]) if row["retry_of"] else []
    insert_steps(db, _frame(row, row["name"], row["id"]), work, *reusable(left), now_ms)


def _frame(row: Mapping[str, Any], pipeline: str | None, scope: int | None) -> Frame:
    return Frame(
        parent=row["id"], root=row["root"] or row["id"], scope=scope, pipeline=pipeline, schedule=row["schedule"],
        scheduled_ms=row["scheduled_ms"], previous_ms=row["previous_ms"], place=row["place"], priority=row["priority"],
        policy=json.loads(row["policy"]),
    )  # fmt: skip


def _items_reused(db: Db, earlier: int | None, items: Sequence[str]) -> dict[int, Reuse]:
    """What succeeded of the run that is retried, where it was given the same."""
    left = items_left(db, earlier) if earlier else {}
    return {
        index: left[index][1]
        for index, item in enumerate(items)
        if index in left and json.loads(item).items() <= left[index][0].items()
    }
