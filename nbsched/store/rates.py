"""Who waits for its rate: runs of a name begin no more often than it allows, whatever host begins them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbsched.core.limits import Rate, rate_of
from nbsched.store.database import Db

RATE = "rate"
"""The reason of a queued run that waits for its rate; its `not_before_ms` is when its turn comes."""


@dataclass(slots=True)
class _Window:
    """What has begun of a name of late, this claim's own included; instants in milliseconds, sorted."""

    begun: list[int]
    promised: list[int]
    """The same, and when those will begin that this claim makes wait."""
    others_wait: bool
    """Some of the name waited before this claim."""


class Rates:
    """The rates as one claim sees them; `write` makes lasting what it has allowed and put off."""

    def __init__(self, db: Db, now_ms: int) -> None:
        self._db, self._now_ms = db, now_ms
        self._windows: dict[tuple[str, str], _Window] = {}
        self._begun: list[tuple[str, Rate]] = []
        self._put_off: dict[int, int] = {}

    def allow(self, row: Mapping[str, Any], text: str | None) -> bool:
        """Whether the run may begin now, which then counts; otherwise it waits until it may."""
        if text is None:
            return True
        rate, window = rate_of(text), self._window(row["name"], text)
        if rate.next_start(window.begun, self._now_ms) > self._now_ms:
            self._wait(row, rate, window)
            return False
        for (name, _), one in self._windows.items():
            if name == row["name"]:
                insort(one.begun, self._now_ms)
                insort(one.promised, self._now_ms)
        self._begun.append((row["name"], rate))
        return True

    def _wait(self, row: Mapping[str, Any], rate: Rate, window: _Window) -> None:
        """The run waits behind all that stand before it, each of which has its own instant."""
        if row["id"] in self._put_off:
            return
        before = self._before(row, rate) if window.others_wait else []
        promised = sorted([*window.promised, *before]) if before else window.promised
        at_ms = rate.next_start(promised, self._now_ms)
        insort(window.promised, at_ms)
        self._put_off[row["id"]] = at_ms

    def _window(self, name: str, text: str) -> _Window:
        if (name, text) not in self._windows:
            rate = rate_of(text)
            rows = self._db.execute(
                "SELECT at_ms FROM starts WHERE name = ? AND at_ms > ? AND at_ms < ? ORDER BY at_ms DESC LIMIT ?",
                (name, *self._span(rate), rate.count),
            )
            begun = [at_ms for (at_ms,) in rows][::-1]
            waiting = self._db.execute(f"SELECT 1 FROM runs WHERE {WAITING} LIMIT 1", (name, self._now_ms))
            self._windows[name, text] = _Window(begun, list(begun), waiting.fetchone() is not None)
        return self._windows[name, text]

    def _span(self, rate: Rate) -> tuple[int, int]:
        """What is further away does not count; starts to come are those of a clock that was set back."""
        return self._now_ms - rate.period_ms, self._now_ms + rate.period_ms

    def _before(self, row: Mapping[str, Any], rate: Rate) -> list[int]:
        """The last instants of those that wait already and stand before the run."""
        rows = self._db.execute(
            f"SELECT not_before_ms FROM runs WHERE {WAITING} AND (priority, seq, id) < (?, ?, ?) "
            "ORDER BY not_before_ms DESC LIMIT ?",
            (row["name"], self._now_ms, row["priority"], row["seq"], row["id"], rate.count),
        )
        return [at_ms for (at_ms,) in rows]

    def write(self) -> None:
        """What has begun counts for every host, what must wait does, and what no longer counts is gone."""
        if not self._windows:
            return
        self._db.executemany(
            "INSERT INTO starts (name, at_ms) VALUES (?, ?)",
            [(name, self._now_ms) for name, _ in self._begun],
        )
        self._db.executemany(
            "DELETE FROM starts WHERE name = ? AND (at_ms <= ? OR at_ms >= ?)",
            {(name, *self._span(rate)) for name, rate in self._begun},
        )
        self._db.executemany(
            "UPDATE runs SET not_before_ms = ?, reason = ? WHERE id = ?",
            [(at_ms, RATE, run) for run, at_ms in self._put_off.items()],
        )


WAITING = f"state = 'queued' AND reason = '{RATE}' AND name = ? AND not_before_ms > ?"
"""In SQL: runs of a name whose turn comes after an instant."""


def some_wait(db: Db) -> bool:
    """Some run waits for its rate."""
    found = db.execute(
        f"SELECT 1 FROM runs INDEXED BY runs_rated WHERE state = 'queued' AND reason = '{RATE}' LIMIT 1"
    )
    return found.fetchone() is not None


def move_up(db: Db, name: str, after_ms: int) -> None:
    """The runs of the name whose turn was to come after that instant find out anew when it comes."""
    db.execute(f"UPDATE runs SET not_before_ms = NULL WHERE {WAITING}", (name, after_ms))
