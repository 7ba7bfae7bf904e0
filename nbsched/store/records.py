"""Runs, attempts and schedules as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from nbsched.core.definitions import work_of
from nbsched.core.errors import UnknownName
from nbsched.core.estimate import Estimate
from nbsched.core.instants import from_ms
from nbsched.core.model import Approval, AttemptRecord, Error, RunRecord, ScheduleRecord, Wait
from nbsched.core.states import State
from nbsched.core.usage import Usage
from nbsched.store.database import Db

_RUN = """
SELECT id, name, kind, state, reason, schedule, pipeline, step, idx, parent, retry_of, attempt, scheduled_ms, until_ms,
       count, created_ms, not_before_ms, started_ms, ended_ms, key, priority, policy, cancel, params, result, named,
       error, output, progress, late,
       CASE WHEN lane IN ('wait', 'poke') AND ended_ms IS NULL THEN work END AS waits_for
FROM runs
"""


def run_record(row: Any) -> RunRecord:
    """The record of a row that has the columns below."""
    progress = json.loads(row["progress"]) if row["progress"] else None
    return RunRecord(
        id=row["id"], name=row["name"], kind=row["kind"], state=State(row["state"]), reason=row["reason"],
        schedule=row["schedule"], pipeline=row["pipeline"], step=row["step"], index=row["idx"], parent=row["parent"],
        retry_of=row["retry_of"], attempt=row["attempt"], scheduled_at=from_ms(row["scheduled_ms"]),
        until=from_ms(row["until_ms"]), count=row["count"], created_at=from_ms(row["created_ms"]),
        not_before=from_ms(row["not_before_ms"]), started_at=from_ms(row["started_ms"]),
        ended_at=from_ms(row["ended_ms"]), key=row["key"], priority=row["priority"],
        retries=json.loads(row["policy"]).get("retries", 0) if row["policy"] != "{}" else 0,
        cancel_requested=row["cancel"] is not None, params=json.loads(row["params"]),
        result=json.loads(row["result"]) if row["result"] else None,
        values=json.loads(row["named"]) if row["named"] else {},
        error=Error.from_json(json.loads(row["error"])) if row["error"] else None, output=row["output"],
        progress=tuple(progress[:3]) if progress else None, late=bool(row["late"]),
        waits_for=_waits_for(row["waits_for"]), estimate=Estimate(*progress[3:]) if progress and progress[3:] else None,
    )  # fmt: skip


def _waits_for(text: str | None) -> Wait | Approval | None:
    work = work_of(text) if text else None
    return work if isinstance(work, (Wait, Approval)) else None


def run(db: Db, run_id: int) -> RunRecord:
    """The run; its params, result and values still as JSON (see `core.wire`). UnknownName when there is none."""
    row = db.execute(_RUN + "WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise UnknownName("run", run_id, remedy="`nbsched runs` lists them")
    return run_record(row)


def state(db: Db, run_id: int) -> State:
    row = db.execute("SELECT state FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise UnknownName("run", run_id, remedy="`nbsched runs` lists them")
    return State(row[0])


def ended_among(db: Db, ids: Sequence[int]) -> set[int]:
    """Those of the runs that have ended."""
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        f"SELECT id FROM runs WHERE id IN ({marks}) AND ended_ms IS NOT NULL",
        list(ids),
    )
    return {found for (found,) in rows}


def runs(
    db: Db, *, state: str | None = None, name: str | None = None, schedule: str | None = None,
    pipeline: str | None = None, parent: int | None = None, after: int | None = None, limit: int | None = 50,
) -> list[RunRecord]:  # fmt: skip
    """The runs that match, newest first; steps only with `parent`."""
    if parent is None and name is None:
        name = pipeline  # a pipeline's whole run bears its name
    asked = {"name": name, "schedule": schedule, "pipeline": pipeline, "parent": parent}
    given = {column: value for column, value in asked.items() if value is not None}
    clauses = [f"{column} = :{column}" for column in given]
    if parent is None:
        clauses.append("parent IS NULL" if given or state else "parent IS NULL AND step IS NULL")
    if state is not None:
        clauses.append(f"state = '{State(state)}'" if given else _OF_ALL[State(state)])
    if after is not None:
        clauses.append("id > :after")
    index = "INDEXED BY runs_running" if state == State.RUNNING and not given else ""
    rows = db.execute(
        f"{_RUN} {index} WHERE {' AND '.join(clauses)} ORDER BY id DESC LIMIT :limit",
        {**given, "after": after, "limit": -1 if limit is None else limit},
    )
    return [run_record(row) for row in rows]


_OF_ALL = {
    state: f"state = '{state}'"
    + (
        " AND ended_ms IS NOT NULL"
        if state.final
        else ""
        if state is State.RUNNING
        else " AND ended_ms IS NULL"
    )
    for state in State
}
"""In SQL: a state that is asked for by itself, for which there is an index."""


def some(db: Db, ids: Sequence[int]) -> list[RunRecord]:
    """The runs with these ids."""
    marks = ",".join("?" * len(ids))
    return [run_record(row) for row in db.execute(f"{_RUN} WHERE id IN ({marks})", list(ids))]


def steps(db: Db, parent: int) -> list[RunRecord]:
    """The runs of the steps, in the order of their definition."""
    return [run_record(row) for row in db.execute(_RUN + "WHERE parent = ? ORDER BY id", (parent,))]


def needs_of_steps(db: Db, parent: int) -> list[tuple[int, int]]:
    """The edges of the pipeline's run: (need, follower) by run id."""
    rows = db.execute(
        "SELECT n.need, n.run FROM needs n JOIN runs r ON r.id = n.run WHERE r.parent = ?", (parent,)
    )
    return [(need, follower) for need, follower in rows]


def attempts(db: Db, run_id: int) -> list[AttemptRecord]:
    """Every try of the run, in order."""
    rows = db.execute("SELECT * FROM attempts WHERE run = ? ORDER BY number", (run_id,))
    return [
        AttemptRecord(
            number=row["number"], host=row["host"], pid=row["pid"], started_at=from_ms(row["started_ms"]),
            ended_at=from_ms(row["ended_ms"]), outcome=row["outcome"],
            error=Error.from_json(json.loads(row["error"])) if row["error"] else None, output=row["output"],
        )
        for row in rows
    ]  # fmt: skip


def cells(db: Db, run_id: int) -> list[Usage]:
    """What the cells of the run's last attempt used, those that have ended, in order."""
    row = db.execute("SELECT cells FROM usage WHERE run = ?", (run_id,)).fetchone()
    return json.loads(row[0]) if row else []


def by_key(db: Db, key: str) -> int | None:
    """The run that was started with the key."""
    row = db.execute("SELECT id FROM runs WHERE key = ? AND parent IS NULL", (key,)).fetchone()
    return row[0] if row else None


_SCHEDULE = """
SELECT s.*, (SELECT id FROM runs r WHERE r.schedule = s.name AND r.parent IS NULL AND r.count = 1 AND r.bound IS NULL
             AND (r.state <> 'skipped' OR r.attempt > 0) ORDER BY id DESC LIMIT 1) AS last_run
FROM schedules s
"""


def schedules(db: Db, limit: int | None = None) -> list[ScheduleRecord]:
    """The schedules, the next to fire first."""
    rows = db.execute(f"{_SCHEDULE} {_NEXT_FIRST} LIMIT ?", (-1 if limit is None else limit,))
    return [_schedule(row) for row in rows]


_SCHEDULE_AND_WORK = _SCHEDULE.replace(
    "SELECT s.*,", "SELECT s.*, json_extract(s.work, '$.name') AS called,", 1
)
_NEXT_FIRST = "ORDER BY s.next_ms IS NULL, s.next_ms, s.name"


def schedule_names(db: Db, limit: int | None = None) -> list[str]:
    """The names of the schedules, the next to fire first."""
    rows = db.execute(
        f"SELECT s.name FROM schedules s {_NEXT_FIRST} LIMIT ?", (-1 if limit is None else limit,)
    )
    return [name for (name,) in rows]


def schedules_of(db: Db, notebook: str) -> list[ScheduleRecord]:
    """The schedules that were made in the notebook, the next to fire first."""
    return [
        _schedule(row) for row in db.execute(f"{_SCHEDULE} WHERE s.notebook = ? {_NEXT_FIRST}", (notebook,))
    ]


def schedules_of_file(db: Db, path: str) -> list[tuple[str, ScheduleRecord]]:
    """The schedules that run this notebook, the next to fire first, each behind the name of its runs."""
    rows = db.execute(
        f"{_SCHEDULE_AND_WORK} WHERE json_extract(s.work, '$.kind') = 'notebook' "
        f"AND json_extract(s.work, '$.path') = ? {_NEXT_FIRST}",
        (path,),
    )
    return [(row["called"], _schedule(row)) for row in rows]


def last_of_file(db: Db, path: str, names: Iterable[str], state: State | None = None) -> RunRecord | None:
    """The last run by itself of this notebook under one of the names, in the state if one is given."""
    rows = db.execute(
        f"{_RUN} WHERE parent IS NULL AND name IN (SELECT value FROM json_each(?)) AND kind = 'notebook' "
        "AND state = coalesce(?, state) AND json_extract(work, '$.path') = ? ORDER BY id DESC LIMIT 1",
        (json.dumps(list(names)), state, path),
    )
    return next(map(run_record, rows), None)


def schedule(db: Db, name: str) -> ScheduleRecord:
    """The schedule; UnknownName when there is none."""
    row = db.execute(_SCHEDULE + "WHERE s.name = ?", (name,)).fetchone()
    if row is None:
        raise UnknownName("schedule", name, [found for (found,) in db.execute("SELECT name FROM schedules")])
    return _schedule(row)


def _schedule(row: Any) -> ScheduleRecord:
    return ScheduleRecord(
        name=row["name"], trigger=row["trigger"], tz=row["tz"], next_at=from_ms(row["next_ms"]), paused=row["paused"],
        overlap=row["overlap"], missed=row["missed"], catchup=timedelta(milliseconds=row["catchup_ms"]),
        jitter=None if row["jitter_ms"] is None else timedelta(milliseconds=row["jitter_ms"]),
        start=from_ms(row["start_ms"]), end=from_ms(row["end_ms"]), limit=row["max_fires"], fired=row["fired"],
        last_run=row["last_run"], created_at=from_ms(row["created_ms"]), notebook=row["notebook"],
    )  # fmt: skip


def counts(db: Db) -> dict[str, int]:
    """How many top-level runs there are in each active state, and how many failed, by state."""
    rows = db.execute(
        "SELECT state, count(*) FROM runs WHERE parent IS NULL AND ended_ms IS NULL GROUP BY state"
    )
    return dict(rows.fetchall())


def going_on(db: Db) -> list[tuple[str, int]]:
    """The schedules' own runs that run now: schedule and when they began, in milliseconds."""
    rows = db.execute(
        "SELECT schedule, started_ms FROM runs WHERE state = 'running' AND schedule IS NOT NULL AND parent IS NULL "
        "AND bound IS NULL"
    )
    return [(schedule, started_ms) for schedule, started_ms in rows]


def typical_durations(db: Db) -> dict[str, int]:
    """The mean time in milliseconds of each schedule's last ten succeeded runs, by schedule."""
    rows = db.execute(
        "SELECT schedule, CAST(avg(ended_ms - started_ms) AS INTEGER) FROM (SELECT schedule, ended_ms, started_ms, "
        "row_number() OVER (PARTITION BY schedule ORDER BY id DESC) AS n FROM runs WHERE parent IS NULL "
        "AND schedule IS NOT NULL AND state = 'succeeded' AND started_ms IS NOT NULL "
        "AND reason IS NOT 'cached') WHERE n <= 10 GROUP BY schedule"
    )
    return dict(rows.fetchall())
