"""How far a run is: told of at most so often, but the last always, and with how long it still needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from nbsched.core.errors import StoreError
from nbsched.core.estimate import MOST_HISTORY, Estimate, Usual
from nbsched.core.instants import floor_ms
from nbsched.core.usage import Usage
from nbsched.engine.clock import Clock, ticks
from nbsched.store import attempts, history
from nbsched.store.database import Database

Say = Callable[[str, Mapping[str, Any]], None]
Later = Callable[[float, Callable[[], None]], None]
"""Makes a call on the loop after so many seconds; from any thread."""

BETWEEN_S = 0.25
"""From one progress in the store to the next."""
_IN_CELLS = ("notebook", "cell")


class Progress:
    """Of one attempt; callable from any thread, and nothing in it waits."""

    def __init__(
        self, database: Database, row: Mapping[str, Any], say: Say, clock: Clock, later: Later
    ) -> None:
        self._database, self._row, self._say, self._clock, self._later = database, row, say, clock, later
        self._lock = threading.Lock()
        self._latest = self._stored = (0, 0, "")
        self._used: list[Usage] = []
        self._kept = 0
        """Of so many cells what they used is in the store."""
        self._usual: Usual | None = None
        self._next = self._began_ms = 0.0
        self._waiting = self._over = False

    def tell(self, done: int, total: int, label: str, usage: Usage | None) -> None:
        """It is so far now; each cell that has ended is told of at once."""
        with self._lock:
            self._latest = (done, total, label)
            if usage is not None:
                self._used.append(usage)
            due = 0 < total <= done or ticks() >= self._next
            if due:
                self._keep()
            elif not self._waiting:
                self._waiting = True
                self._later(BETWEEN_S, self._catch_up)
            if due or usage is not None:
                self._say_so(usage)

    def end(self) -> None:
        """Nothing more is told, and what all cells used is in the store."""
        with self._lock:
            self._over = True
            if len(self._used) > self._kept:
                self._database.submit_quietly(
                    attempts.tell, self._row["id"], self._row["fence"], cells=json.dumps(self._used)
                )

    def _catch_up(self) -> None:
        """What came too soon after another is told of, unless it has been since."""
        with self._lock:
            self._waiting = False
            if not self._over and self._stored != self._latest:
                self._keep()
                self._say_so(None)

    def _keep(self) -> None:
        self._next, self._stored = ticks() + BETWEEN_S, self._latest
        estimate = self._estimate()
        told = [*self._latest, *([estimate.ends_ms, estimate.rest_ms] if estimate else ())]
        cells = json.dumps(self._used) if len(self._used) > self._kept else None
        self._kept = len(self._used)
        self._database.submit_lightly(
            attempts.tell, self._row["id"], self._row["fence"], progress=json.dumps(told), cells=cells
        )

    def _say_so(self, usage: Usage | None) -> None:
        done, total, label = self._latest
        estimate = self._estimate()
        left = estimate.left_ms(self._now_ms()) if estimate else None
        known = {} if left is None else {"left_s": round(left / 1000, 1)}
        self._say("run.progress", {"done": done, "total": total, "label": label, **(usage or {}), **known})

    def _estimate(self) -> Estimate | None:
        """What still needs how long; the past is read once, in the thread of the work."""
        now_ms = self._now_ms()
        if self._usual is None:
            self._began_ms, self._usual = now_ms, self._known()
        return self._usual.estimate(self._latest[0], int(self._began_ms), now_ms)

    def _known(self) -> Usual:
        if self._row["kind"] in _IN_CELLS:
            with suppress(StoreError):  # the work goes on without
                return Usual(self._database.read(history.past, self._row, MOST_HISTORY), self._latest[1])
        return Usual((), 0)

    def _now_ms(self) -> int:
        return floor_ms(self._clock.now())
