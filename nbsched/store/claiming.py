"""Who is next in line: runs are claimed in order of priority, as far as there is room."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from nbsched.store.database import Db
from nbsched.store.insert import BOUNDS
from nbsched.store.runs import begin_pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a host has room for."""

    places: tuple[str, ...]
    any_place: bool
    slots: float
    cells: int
    resources: Mapping[str, float] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)
    """Function references and how many of their runs one slot takes at a time."""


def claim(db: Db, host: str, birth: str, now_ms: int, room: Capacity) -> list[dict[str, Any]] | None:
    """The first runs in line that there is room for are running, and this host's; None if it is no host any more.

    Pipelines take no room, and nothing of their own is to be carried out: their steps have begun.
    """
    if db.execute("SELECT 1 FROM hosts WHERE id = ?", (host,)).fetchone() is None:
        return None
    begun: list[dict[str, Any]] = []
    while pipelines := list(_in_line(db, "none", now_ms, room)):
        begun += pipelines
        _start(db, pipelines, host, birth, now_ms)
        for row in pipelines:
            begin_pipeline(db, row["id"], now_ms)
    chosen = [row for row, _ in zip(_in_line(db, "unfold", now_ms, room), range(MOST_UNFOLDED), strict=False)]
    chosen += _choose(db, now_ms, room)
    _start(db, chosen, host, birth, now_ms)
    return begun + chosen


MOST_UNFOLDED = 64
"""So many runs are seen at a time for what is in them."""
_LINE = """
SELECT id, name, kind, lane, schedule, pipeline, step, parent, root, scope, key, place, fence, attempt, failures,
       losses, scheduled_ms, previous_ms, started_ms, work, params, policy, condition, event, idx, retry_of
FROM runs WHERE state = 'queued' AND lane = ? AND (not_before_ms IS NULL OR not_before_ms <= ?)
ORDER BY priority, seq, id
"""


def _in_line(db: Db, lane: str, now_ms: int, room: Capacity) -> Iterator[dict[str, Any]]:
    """The runs of the lane that this host may take, the first in line first."""
    places, resources, counts = frozenset(room.places), dict(room.resources), _Counts(db)
    found = db.execute(_LINE, (lane, now_ms))
    names = [column[0] for column in found.description]
    for values in found:
        row = dict(zip(names, values, strict=True))  # a sqlite3.Row looks its names up one after the other
        here = room.any_place if row["place"] is None else row["place"] in places
        free = lane in _FREE or row["policy"] == "{}"
        if here and (free or _may(row, _policy(row["policy"]), resources, counts)):
            yield row


_FREE = frozenset({"none", "unfold"})
"""Lanes of runs that only hold others: limits are for what is carried out."""


def _may(
    row: Mapping[str, Any], policy: Mapping[str, Any], resources: dict[str, float], counts: _Counts
) -> bool:
    """Whether the run may begin as far as its policy goes; what it takes is then taken."""
    wanted: Mapping[str, float] = policy.get("resources", {})
    if any(resources.get(name, 0) < amount for name, amount in wanted.items()):
        return False
    if not counts.allow(row, policy):
        return False
    for name, amount in wanted.items():
        resources[name] -= amount
    return True


def _choose(db: Db, now_ms: int, room: Capacity) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = []
    for _, row in zip(range(room.cells), _in_line(db, "cell", now_ms, room), strict=False):
        chosen.append(row)
    slots = room.slots
    if slots <= 0:
        return chosen
    for row in _in_line(db, "slot", now_ms, room):
        chosen.append(row)
        slots -= 1 / _at_a_time(row, room.short)
        if slots <= 0:
            break
    return chosen


@lru_cache(maxsize=1024)
def _policy(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _at_a_time(row: Mapping[str, Any], short: Mapping[str, int]) -> int:
    """How many such runs one slot takes at a time."""
    return short.get(_reference(row["work"]), 1) if short and row["kind"] == "function" else 1


@lru_cache(maxsize=1024)
def _reference(work: str) -> str:
    return str(json.loads(work)["ref"])


class _Counts:
    """How many run already, of a name or within another run, this claim's own included."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._running: dict[Any, int] = {}

    def allow(self, row: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
        limits = dict(policy.get(BOUNDS, {}))
        if policy.get("max_running"):
            limits[row["name"], "name"] = policy["max_running"]
        if any(self._count(limit) >= most for limit, most in limits.items()):
            return False
        for limit in limits:
            self._running[limit] += 1
        return True

    def _count(self, limit: Any) -> int:
        if limit not in self._running:
            self._running[limit] = self._of_name(limit[0]) if isinstance(limit, tuple) else self._bound[limit]
        return self._running[limit]

    def _of_name(self, name: str) -> int:
        sql = "SELECT count(*) FROM runs WHERE state = 'running' AND name = ? AND kind <> 'map'"
        found: int = self._db.execute(sql, (name,)).fetchone()[0]
        return found

    @cached_property
    def _bound(self) -> Counter[str]:
        rows = self._db.execute(
            f"SELECT policy FROM runs WHERE state = 'running' AND lane IN ('slot', 'cell') AND policy LIKE '%{BOUNDS}%'"
        )
        return Counter(bound for (policy,) in rows for bound in _policy(policy).get(BOUNDS, ()))


def _start(db: Db, rows: Sequence[dict[str, Any]], host: str, birth: str, now_ms: int) -> None:
    for row in rows:
        row["fence"] += 1
        row["attempt"] += 1
    ids = json.dumps([row["id"] for row in rows])
    db.execute(
        "UPDATE runs SET state = 'running', host = ?, fence = fence + 1, attempt = attempt + 1, reason = NULL, "
        f"not_before_ms = NULL, started_ms = coalesce(started_ms, ?) WHERE id IN ({_GIVEN})",
        (host, now_ms, ids),
    )
    db.execute(
        "INSERT INTO attempts (run, number, host, birth, started_ms) SELECT id, attempt, ?, ?, ? FROM runs "
        f"WHERE id IN ({_GIVEN}) AND lane NOT IN ('none', 'unfold')",
        (host, birth, now_ms, ids),
    )
    db.execute(
        "INSERT INTO events (name, at_ms, run, attempt) SELECT 'run.started', ?, runs.id, attempt "
        "FROM json_each(?) AS given CROSS JOIN runs ON runs.id = given.value",
        (now_ms, ids),
    )


_GIVEN = "SELECT value FROM json_each(?)"
