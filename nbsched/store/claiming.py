"""Who is next in line: runs are claimed in order of priority, as far as there is room."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from sqlite3 import Cursor
from typing import Any

from nbsched.core import limits
from nbsched.store import lateness
from nbsched.store.database import Db
from nbsched.store.hosts import taken_from
from nbsched.store.insert import BOUNDS
from nbsched.store.rates import Rates
from nbsched.store.runs import begin_pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a host has room for."""

    places: tuple[str, ...]
    any_place: bool
    slots: float
    cells: int
    pokes: int = 0
    """How many sensors may be looked at; they take no slot."""
    away: int = 0
    """How many more may be under way at other engines' workers; they take neither slots nor resources."""
    resources: Mapping[str, float] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)
    """Function references and how many of their runs one slot takes at a time."""
    ageing_ms: int | None = None
    """A run gains one priority each so long it has been there; None: never."""


def claim(db: Db, host: str, birth: str, now_ms: int, room: Capacity) -> list[dict[str, Any]] | None:
    """The first runs in line that there is room for are running, and this host's; None if it is no host any more.

    Pipelines take no room, and nothing of their own is to be carried out: their steps have begun.
    """
    if db.execute("SELECT 1 FROM hosts WHERE id = ?", (host,)).fetchone() is None:
        return None
    db.execute(_REFUSED)
    db.execute("DELETE FROM temp.refused")
    begun: list[dict[str, Any]] = []
    left, there = _Left(db, now_ms, room), _there(db, room)
    while pipelines := list(_in_line(db, "none", there, left)):
        begun += pipelines
        _start(db, pipelines, host, birth, now_ms)
        for row in pipelines:
            begin_pipeline(db, row["id"], now_ms)
        there = _there(db, room)
    chosen = _first(MOST_UNFOLDED, _in_line(db, "unfold", there, left))
    chosen += _choose(db, there, left)
    _start(db, chosen, host, birth, now_ms)
    left.rates.write()
    return begun + chosen


MOST_UNFOLDED = 64
"""So many runs are seen at a time for what is in them."""
_QUEUED = """
SELECT id, name, kind, lane, schedule, pipeline, step, parent, root, scope, key, place, fence, attempt, failures,
       losses, scheduled_ms, previous_ms, started_ms, work, params, policy, condition, event, idx, retry_of,
       priority, seq, created_ms
FROM runs WHERE state = 'queued' AND lane = ? AND place IS ? AND (not_before_ms IS NULL OR not_before_ms <= ?)
AND NOT EXISTS (SELECT 1 FROM temp.refused f
                WHERE f.parent = ifnull(runs.parent, 0) AND f.lane = runs.lane AND f.policy = runs.policy)
"""
_LINE = f"{_QUEUED} ORDER BY priority, seq, id"
_EQUALS = f"{_QUEUED} AND priority = ? ORDER BY seq, id"
_REFUSED = """
CREATE TEMP TABLE IF NOT EXISTS refused (
  parent INTEGER, lane TEXT, policy TEXT, PRIMARY KEY (parent, lane, policy)
) WITHOUT ROWID
"""
"""What this claim has no room for: SQLite passes over more of the same, or a long line would be read row by row."""


_LANES = json.dumps(["none", "unfold", "cell", "poke", "slot", "away"])
_THERE = """
SELECT lanes.value, mine.value FROM json_each(?) AS lanes CROSS JOIN json_each(?) AS mine
WHERE EXISTS (SELECT 1 FROM runs WHERE state = 'queued' AND lane = lanes.value AND place IS mine.value)
"""
There = Mapping[str, Sequence[str | None]]
"""The lanes that hold runs which a host may take, and the places of these."""


def _there(db: Db, room: Capacity) -> There:
    found: dict[str, list[str | None]] = {}
    for lane, place in db.execute(_THERE, (_LANES, taken_from(room.places, room.any_place))):
        found.setdefault(lane, []).append(place)
    return found


def _line(
    db: Db, lane: str, places: Sequence[str | None], now_ms: int, ageing_ms: int | None
) -> Iterator[dict[str, Any]]:
    """The lane's runs of these places, the first in line first; with ageing as `limits.rank` says.

    Those of each priority stand among each other as without. The index of the queue gives those of each place in
    order, and no more of them are read than are asked for.
    """
    if ageing_ms is None:
        return _together([_rows(db.execute(_LINE, (lane, place, now_ms))) for place in places])
    priorities = sorted({priority for place in places for priority in _priorities(db, lane, place)})
    equals = (
        _together([_rows(db.execute(_EQUALS, (lane, place, now_ms, one))) for place in places])
        for one in priorities
    )
    return heapq.merge(*equals, key=lambda row: limits.rank(row["priority"], row["created_ms"], ageing_ms))


def _together(lines: Sequence[Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Several lines as one."""
    if len(lines) == 1:
        return lines[0]
    return heapq.merge(*lines, key=lambda row: (row["priority"], row["seq"], row["id"]))


def _rows(found: Cursor) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in found.description]
    for values in found:
        yield dict(zip(names, values, strict=True))  # a sqlite3.Row looks its names up one after the other


def _priorities(db: Db, lane: str, place: str | None) -> Iterator[int]:
    """Those there are in the lane, each found by one look into the index."""
    least = "SELECT min(priority) FROM runs WHERE state = 'queued' AND lane = ? AND place IS ?"
    found = db.execute(least, (lane, place)).fetchone()[0]
    while found is not None:
        yield found
        found = db.execute(f"{least} AND priority > ?", (lane, place, found)).fetchone()[0]


class _Left:
    """What there is room for while a claim goes through one lane after the other."""

    def __init__(self, db: Db, now_ms: int, room: Capacity) -> None:
        self.now_ms, self.room = now_ms, room
        self.resources, self.counts, self.rates = dict(room.resources), _Counts(db), Rates(db, now_ms)


def _in_line(db: Db, lane: str, there: There, left: _Left) -> Iterator[dict[str, Any]]:
    """The runs of the lane that this host may take, the first in line first; all that are given are to begin."""
    if lane not in there:
        return
    for row in _line(db, lane, there[lane], left.now_ms, left.room.ageing_ms):
        if row["policy"] == "{}" or _may(row, _policy(row["policy"]), left):
            yield row
        elif not _BY_NAME & _policy(row["policy"]).keys():
            db.execute(
                "INSERT OR IGNORE INTO temp.refused VALUES (?, ?, ?)",
                (row["parent"] or 0, lane, row["policy"]),
            )


_BY_NAME = frozenset({"max_running", "rate"})
"""Options by which one run is refused and another with the same ones is not."""


_HOLDING = frozenset({"none", "unfold"})
"""Lanes of runs that only hold others: they take no room, and of limits only those of their own name are for them."""

_ELSEWHERE = _HOLDING | {"away"}
"""Lanes of runs that take none of the host's resources."""


def _may(row: Mapping[str, Any], policy: Mapping[str, Any], left: _Left) -> bool:
    """Whether the run may begin as far as its policy goes; what it takes is then taken."""
    if row["kind"] == "map" or row["lane"] == "poke":
        return True  # its limits are for its items; who looks holds nothing
    wanted: Mapping[str, float] = {} if row["lane"] in _ELSEWHERE else policy.get("resources", {})
    if any(left.resources.get(name, 0) < amount for name, amount in wanted.items()):
        return False
    if not left.counts.have_room(row, policy) or not left.rates.allow(row, policy.get("rate")):
        return False
    left.counts.take(row, policy)
    for name, amount in wanted.items():
        left.resources[name] -= amount
    return True


def _choose(db: Db, there: There, left: _Left) -> list[dict[str, Any]]:
    room = left.room
    chosen: list[dict[str, Any]] = []
    for lane, most in (("cell", room.cells), ("poke", room.pokes), ("away", room.away)):
        chosen += _first(most, _in_line(db, lane, there, left))
    slots = room.slots
    if slots <= 0:
        return chosen
    for row in _in_line(db, "slot", there, left):
        chosen.append(row)
        slots -= 1 / _at_a_time(row, room.short)
        if slots <= 0:
            break
    return chosen


def _first(most: int, rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the rows as there is room for; no more are asked for, as each that is given begins."""
    return [row for _, row in zip(range(most), rows, strict=False)]


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


def _limits(row: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[Any, int]:
    """How many may run at once, of the name and within the runs that it is in."""
    found = {} if row["lane"] in _HOLDING else dict(policy.get(BOUNDS, {}))
    if policy.get("max_running"):
        found[row["name"], "name"] = policy["max_running"]
    return found


class _Counts:
    """How many run already, of a name or within another run, this claim's own included."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._running: dict[Any, int] = {}

    def have_room(self, row: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
        return all(self._count(limit) < most for limit, most in _limits(row, policy).items())

    def take(self, row: Mapping[str, Any], policy: Mapping[str, Any]) -> None:
        """One more runs."""
        for limit in _limits(row, policy):
            self._running[limit] += 1

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
            "SELECT policy FROM runs WHERE state = 'running' AND lane IN ('slot', 'cell', 'away') "
            f"AND policy LIKE '%{BOUNDS}%'"
        )
        return Counter(bound for (policy,) in rows for bound in _policy(policy).get(BOUNDS, ()))


def _start(db: Db, rows: Sequence[dict[str, Any]], host: str, birth: str, now_ms: int) -> None:
    lateness.watch(db, rows, now_ms)
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
        "FROM json_each(?) AS given CROSS JOIN runs ON runs.id = given.value WHERE lane <> 'poke'",
        (now_ms, ids),
    )


_GIVEN = "SELECT value FROM json_each(?)"
