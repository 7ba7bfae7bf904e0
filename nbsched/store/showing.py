"""What a panel reads: many runs without what may be large, and which of them have changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from nbsched.core.model import RunRecord
from nbsched.core.panel import Line
from nbsched.core.rows import PanelRow, panel_row
from nbsched.core.states import State
from nbsched.store.database import Db
from nbsched.store.records import run_record

_ROW = """
SELECT id, name, kind, state, reason, schedule, pipeline, step, idx, parent, retry_of, attempt, scheduled_ms, until_ms,
       count, created_ms, not_before_ms, started_ms, ended_ms, key, priority, policy, cancel, '{}' AS params,
       NULL AS result, NULL AS named, error, output, progress, late,
       CASE WHEN lane IN ('wait', 'poke') AND ended_ms IS NULL THEN work END AS waits_for
FROM runs
"""
"""As `records` reads a run, without parameters, result and values."""

_ITEM = _ROW.replace("'{}' AS params", "CASE WHEN length(params) < 400 THEN params ELSE '{}' END AS params")
"""As `records` reads an item, with what it was given unless that is large."""
MOST_COUNTED = 100
"""Of so many mapped steps among the runs asked for the items are counted."""
MOST_ITEMS = 100
_FIRST = (
    ("state = 'failed'", "idx", 50),
    ("ended_ms IS NULL AND state = 'running'", "idx", 50),
    ("ended_ms IS NULL AND state <> 'running'", "id", 10),
    ("ended_ms IS NOT NULL AND state <> 'failed'", "ended_ms DESC, id DESC", MOST_ITEMS),
)
"""Which items are seen first, in which order and how many at most."""

Progress = Mapping[int, tuple[str | None, str | None]]
"""What each running run has told last, and how it was asked to stop."""


def newest(db: Db, limit: int) -> list[RunRecord]:
    """The newest runs, what runs now and as many of what has not ended, newest first, without steps."""
    rows = db.execute(
        f"{_ROW} WHERE id IN (SELECT id FROM runs WHERE parent IS NULL AND state = 'running' "
        "UNION SELECT id FROM (SELECT id FROM runs WHERE parent IS NULL AND ended_ms IS NULL ORDER BY id LIMIT ?1) "
        "UNION SELECT id FROM (SELECT id FROM runs WHERE parent IS NULL AND step IS NULL ORDER BY id DESC LIMIT ?1)) "
        "ORDER BY id DESC",
        (limit,),
    )
    return [run_record(row) for row in rows]


def some(db: Db, ids: Collection[int]) -> list[RunRecord]:
    """The runs with these ids that there are."""
    return [run_record(row) for row in db.execute(f"{_ROW} WHERE id IN ({_marks(ids)})", list(ids))]


def states(db: Db, ids: Collection[int], limit: int) -> list[tuple[int, str]]:
    """Of so many of these runs at most their ids and states: the failed ones before the others, then the newest."""
    rows = db.execute(
        "SELECT r.id, r.state FROM json_each(?) AS given CROSS JOIN runs r ON r.id = given.value "
        "ORDER BY r.state <> 'failed', r.id DESC LIMIT ?",
        (json.dumps(list(ids)), limit),
    )
    return [(run, state) for run, state in rows]


def steps(db: Db, parents: Collection[int]) -> list[RunRecord]:
    """The runs of the steps of these runs, in the order of their definition."""
    rows = db.execute(f"{_ROW} WHERE parent IN ({_marks(parents)}) ORDER BY id", list(parents))
    return [run_record(row) for row in rows]


def before(db: Db, run: RunRecord, limit: int) -> list[RunRecord]:
    """The runs of the same pipeline before this one, oldest first.

    Of a step the step's in the runs before of the pipeline it is in, of an item the items before it.
    """
    if run.parent is None:
        among: list[int] = []
        where, values = "parent IS NULL AND name = ?", [run.name]
    else:
        among = [run.parent] if run.index is not None else _before_around(db, run.parent, limit)
        where, values = f"parent IN ({_marks(among)}) AND step = ?", [run.step or ""]
    rows = db.execute(
        f"{_ROW} WHERE {where} AND kind = 'pipeline' AND id < ? ORDER BY id DESC LIMIT ?",
        (*among, *values, run.id, limit),
    )
    return [run_record(row) for row in rows][::-1]


def _before_around(db: Db, run: int, limit: int) -> list[int]:
    return [one.id for one in before(db, some(db, [run])[0], limit)]


def path(db: Db, run: RunRecord) -> list[RunRecord]:
    """What the run is in, the outermost first."""
    if run.parent is None:
        return []
    around = some(db, [run.parent])[0]
    return [*path(db, around), around]


def lines(db: Db, run: int) -> list[Line]:
    """The run, its steps, and behind each pipeline among them that one's; mapped steps are one line."""
    found = list(_down(db, some(db, [run])[0], 0))
    return list(zip((depth for depth, _ in found), rows(db, [one for _, one in found]), strict=True))


def _down(db: Db, run: RunRecord, depth: int) -> Iterator[tuple[int, RunRecord]]:
    yield depth, run
    for step in steps(db, [run.id]) if run.kind == "pipeline" else ():
        yield from _down(db, step, depth + 1)


def rows(db: Db, runs: Sequence[RunRecord]) -> list[PanelRow]:
    """Each of the runs as the line that people see."""
    written = triggers(db, {one.schedule for one in runs if one.schedule})
    needs = waited_for(db, [one.id for one in runs if one.state is State.PENDING])
    far = pipelines_progress(
        db, [one.id for one in runs if one.kind == "pipeline" and one.state is State.RUNNING]
    )
    counts = items_by_state(db, [one for one in runs if one.kind == "map"][:MOST_COUNTED])
    return [
        panel_row(
            replace(one, progress=far[one.id]) if one.id in far else one,
            trigger=written.get(one.schedule or ""), needs=needs.get(one.id, ()), items=counts.get(one.id),
        )
        for one in runs
    ]  # fmt: skip


def items_by_state(db: Db, maps: Sequence[RunRecord]) -> dict[int, dict[str, int]]:
    """How many items there are in each of the mapped steps, by state."""
    found: dict[int, dict[str, int]] = {one.origin: {} for one in maps}
    counted = db.execute(
        f"SELECT parent, state, count(*) FROM runs WHERE parent IN ({_marks(found)}) GROUP BY parent, state",
        list(found),
    )
    for run, state, count in counted:
        found[run][state] = count
    return {one.id: found[one.origin] for one in maps}


def first_items(db: Db, mapped: RunRecord) -> list[RunRecord]:
    """Some of the items in the mapped step: the failed, the running, the next in line, then the last that ended."""
    found: list[RunRecord] = []
    for which, order, most in _FIRST:
        rows = db.execute(
            f"{_ITEM} WHERE parent = ? AND {which} ORDER BY {order} LIMIT ?",
            (mapped.origin, min(most, MOST_ITEMS - len(found))),
        )
        found += [run_record(row) for row in rows]
    return found


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


def notebook(db: Db, run: RunRecord) -> str | None:
    """The file of a notebook's run."""
    if run.kind != "notebook":
        return None
    return str(
        db.execute("SELECT json_extract(work, '$.path') FROM runs WHERE id = ?", (run.id,)).fetchone()[0]
    )


def triggers(db: Db, names: Collection[str]) -> dict[str, str]:
    """Each of these schedules' trigger as it was written."""
    given = (json.dumps(list(names)),)
    return dict(db.execute(
        "SELECT name, given FROM schedules WHERE name IN (SELECT value FROM json_each(?))", given
    ).fetchall())  # fmt: skip


_CHANGED = """
WITH happened (run) AS (SELECT run FROM events WHERE seq > :seq AND run IS NOT NULL
                        UNION SELECT value FROM json_each(:told)),
     looked (run) AS (SELECT value FROM json_each(:looked)),
     touched (run) AS (SELECT run FROM happened UNION SELECT r.parent FROM happened h JOIN runs r ON r.id = h.run)
SELECT r.id FROM touched t JOIN runs r ON r.id = t.run LEFT JOIN runs p ON p.id = r.parent
WHERE r.parent IS NULL OR r.id IN looked OR (p.kind <> 'map' AND p.id IN looked)
"""


def changed(db: Db, seq: int, running: Progress, looked: Collection[int]) -> tuple[set[int], Progress]:
    """The runs to be told of, see `core.panel.Source`, that something has happened to since the event `seq`.

    Or in which it has, or that have told something new.
    """
    now = progress(db)
    told = [run for run, new in now.items() if running.get(run) != new]
    given = {"seq": seq, "told": json.dumps(told), "looked": json.dumps(list(looked))}
    return {run for (run,) in db.execute(_CHANGED, given)}, now


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
