"""What a panel reads: many runs without what may be large, and which of them have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nbsched.core.model import RunRecord
from nbsched.store.database import Db
from nbsched.store.records import run_record

_ROW = """
SELECT id, name, kind, state, reason, schedule, pipeline, step, idx, parent, retry_of, attempt, scheduled_ms, until_ms,
       count, created_ms, not_before_ms, started_ms, ended_ms, key, priority, policy, cancel, '{}' AS params,
       NULL AS result, NULL AS named, error, output, progress, late
FROM runs
"""
"""As `records` reads a run, without parameters, result and values."""

Progress = Mapping[int, tuple[str | None, str | None]]
"""What each running run has told last, and how it was asked to stop."""


def newest(db: Db, limit: int) -> list[RunRecord]:
    """The newest runs and all that have not ended, newest first, without steps."""
    rows = db.execute(
        f"{_ROW} WHERE id IN (SELECT id FROM runs WHERE parent IS NULL AND ended_ms IS NULL "
        "UNION SELECT id FROM (SELECT id FROM runs WHERE parent IS NULL ORDER BY id DESC LIMIT ?)) ORDER BY id DESC",
        (limit,),
    )
    return [run_record(row) for row in rows]


def some(db: Db, ids: Collection[int]) -> list[RunRecord]:
    """The runs with these ids that there are."""
    return [run_record(row) for row in db.execute(f"{_ROW} WHERE id IN ({_marks(ids)})", list(ids))]


def steps(db: Db, parents: Collection[int]) -> list[RunRecord]:
    """The runs of the steps of these runs, in the order of their definition."""
    rows = db.execute(f"{_ROW} WHERE parent IN ({_marks(parents)}) ORDER BY id", list(parents))
    return [run_record(row) for row in rows]


def before(db: Db, run: int, limit: int) -> list[RunRecord]:
    """The runs of the same pipeline before this one, oldest first."""
    rows = db.execute(
        f"{_ROW} WHERE parent IS NULL AND kind = 'pipeline' AND id < ?1 AND "
        "name = (SELECT name FROM runs WHERE id = ?1) ORDER BY id DESC LIMIT ?2",
        (run, limit),
    )
    return [run_record(row) for row in rows][::-1]


def waited_for(db: Db, ids: Collection[int]) -> dict[int, list[str]]:
    """The names of the steps that each of these runs still waits for."""
    found: dict[int, list[str]] = {}
    rows = db.execute(
        "SELECT n.run, r.name FROM needs n JOIN runs r ON r.id = n.need "
        f"WHERE n.ended IS NULL AND n.run IN ({_marks(ids)}) ORDER BY n.need",
        list(ids),
    )
    for run, name in rows:
        found.setdefault(run, []).append(name)
    return found


def triggers(db: Db) -> dict[str, str]:
    """Each schedule's trigger as it was written."""
    return dict(db.execute("SELECT name, given FROM schedules").fetchall())


def changed(db: Db, seq: int, running: Progress) -> tuple[set[int], Progress]:
    """The runs that something has happened to since the event `seq`, or that have told something new."""
    rows = db.execute(
        "SELECT DISTINCT e.run, r.parent FROM events e LEFT JOIN runs r ON r.id = e.run WHERE e.seq > ? "
        "AND e.run IS NOT NULL",
        (seq,),
    )
    ids = {run for found in rows for run in found if run is not None}
    now = progress(db)
    return ids | {run for run, told in now.items() if running.get(run) != told}, now


def pipelines_progress(db: Db, ids: Collection[int]) -> dict[int, tuple[int, int, str]]:
    """Of each of these pipelines' runs how many steps have ended, how many there are, and which run now."""
    rows = db.execute(
        "SELECT parent, sum(state NOT IN ('pending', 'queued', 'running')), count(*), "
        "group_concat(CASE state WHEN 'running' THEN step END, ', ') "
        f"FROM runs WHERE parent IN ({_marks(ids)}) GROUP BY parent",
        list(ids),
    )
    return {run: (done, total, now or "") for run, done, total, now in rows}


def progress(db: Db) -> Progress:
    """What each running run has told last."""
    rows = db.execute("SELECT id, progress, cancel FROM runs WHERE state = 'running'")
    return {run: (told, cancel) for run, told, cancel in rows}


def _marks(ids: Collection[int] | Sequence[int]) -> str:
    return ",".join("?" * len(ids))
