"""What the store need not keep any longer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbsched.core.durations import duration
from nbsched.store.database import Db
from nbsched.store.nesting import PARTS

DAY_MS = 86_400_000
MONTH_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Which runs, and how many events, have gone (or would)."""

    runs: Sequence[int]
    steps: Sequence[int]
    events: int


def prune(db: Db, now_ms: int, *, dry_run: bool) -> Gone:
    """Ended runs beyond their policy's `keep` are gone with their steps, and events that are a month old."""
    runs = sorted({*_too_many(db), *_too_old(db, now_ms)})
    oldest = now_ms - MONTH_MS
    events = db.execute("SELECT count(*) FROM events WHERE at_ms < ?", (oldest,)).fetchone()[0]
    steps = [
        step
        for run in runs
        for (step,) in db.execute(f"SELECT id FROM runs WHERE id IN {PARTS}", {"run": run})
    ]
    if not dry_run:
        db.executemany("DELETE FROM events WHERE run = ?", [(run,) for run in (*runs, *steps)])
        db.executemany("DELETE FROM runs WHERE id = ?", [(run,) for run in runs])
        db.execute("DELETE FROM events WHERE at_ms < ?", (oldest,))
        db.execute("DELETE FROM starts WHERE at_ms < ?", (now_ms - DAY_MS,))
    return Gone(runs=runs, steps=steps, events=events)


_ENDED = (
    "parent IS NULL AND ended_ms IS NOT NULL AND policy LIKE '%\"keep\":%' "
    "AND id NOT IN (SELECT o.root FROM runs s JOIN runs o ON o.id = s.retry_of "
    "WHERE s.retry_of IS NOT NULL AND s.parent IS NOT NULL AND o.root IS NOT NULL) "
    "AND NOT EXISTS (SELECT 1 FROM waits w JOIN runs later ON later.id = w.run "
    "WHERE w.kind = 'previous' AND later.schedule = runs.schedule)"
)
"""Those are kept whose steps' values another run has taken over, or that another may wait for."""


def _too_old(db: Db, now_ms: int) -> Iterator[int]:
    for run, ended_ms, policy in db.execute(f"SELECT id, ended_ms, policy FROM runs WHERE {_ENDED}"):
        keep = json.loads(policy).get("keep")
        if isinstance(keep, str) and ended_ms < now_ms - duration(keep).total_seconds() * 1000:
            yield run


def _too_many(db: Db) -> Iterator[int]:
    rows = db.execute(
        f"SELECT id, policy, row_number() OVER (PARTITION BY name ORDER BY id DESC) FROM runs WHERE {_ENDED}"
    )
    for run, policy, place in rows.fetchall():
        keep = json.loads(policy).get("keep")
        if isinstance(keep, int) and place > keep:
            yield run


def remove_folders(folder: Path, runs: Sequence[int]) -> None:
    """The files of the runs are gone."""
    for run in runs:
        shutil.rmtree(folder / str(run), ignore_errors=True)
