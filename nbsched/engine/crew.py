"""The runs that this host carries out, from their claim to their settlement, and what they take of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import anyio
from anyio.abc import TaskGroup

from nbsched.engine.batching import Batch, Line, Settle, reference_of
from nbsched.engine.carrying import Held, carry, dropped, given_up, policy_of
from nbsched.engine.nudges import committed
from nbsched.engine.preparing import Surroundings
from nbsched.engine.unfolding import unfold
from nbsched.executors.short import Short
from nbsched.store import runs

_log = logging.getLogger("nbsched")

MOST_CELLS = 1
"""Cells run in the kernel one at a time."""
MOST_POKES = 8
"""So many sensors are looked at at once."""
MOST_AWAY = 1000
"""So many runs of one host are under way at other engines' workers at once; what is behind them waits in the store."""


@dataclass(slots=True)
class Room:
    """What more the host has room for."""

    slots: float
    cells: int
    resources: dict[str, float]
    pokes: int = 0
    away: int = 0

    def change(self, row: Mapping[str, Any], sign: int) -> None:
        """What the run takes is given back, or with -1 taken."""
        if row["lane"] == "unfold":
            return
        if row["lane"] == "poke":
            self.pokes += sign
            return
        if row["lane"] == "away":
            self.away += sign
            return
        if row["lane"] == "cell":
            self.cells += sign
        else:
            self.slots += sign
        for name, amount in policy_of(row["policy"]).resources.items():
            self.resources[name] += sign * amount

    @property
    def lanes(self) -> list[str]:
        """Those in which something may be claimed: what only holds other runs takes no room."""
        room = {"slot": self.slots, "cell": self.cells, "poke": self.pokes, "away": self.away}
        return ["none", "unfold", *(lane for lane, left in room.items() if left > 0)]


class Crew:
    """Takes runs, has them carried out, and settles them; on the loop only.

    `settle` writes; `settled` is told when that is done, `freed` that there may be more to do.
    """

    def __init__(
        self, around: Surroundings, room: Room, settle: Settle,
        settled: Callable[[], None], freed: Callable[[], None],
    ) -> None:  # fmt: skip
        self.room = room
        self.short = Short()
        self._around, self._write, self._settled, self._freed = around, settle, settled, freed
        self._held: dict[int, Held] = {}
        self._lent: set[int] = set()
        self._line = Line(around, self.short, settle, self._drop)
        self._closing = False

    def __len__(self) -> int:
        """How many runs are held."""
        return len(self._held)

    def begin(self, group: TaskGroup) -> None:
        """Runs can be taken; `group` ends when none is left."""
        self._group, self._stopping = group, anyio.Event()

    def take(self, rows: Sequence[dict[str, Any]]) -> None:
        """The claimed runs are being carried out, or stand in line."""
        for row in rows:
            held = self._held[row["id"]] = Held(row)
            ref = None if self._around.apart else reference_of(row)
            if ref is None:
                self.room.change(row, -1)
                self._group.start_soon(self._carry, held)
            else:
                self._line.put(ref, held)
        self._begin_batches()

    def lend(self, run: int) -> None:
        """The slot of the run is free, while it does nothing but wait."""
        if run in self._held and run not in self._lent and self._held[run].row["lane"] != "away":
            self._lent.add(run)
            self.room.slots += 1
            self._begin_batches()
            self._freed()

    def take_back(self, run: int) -> None:
        """The run has its slot again, if it was lent; there may be one run too many for a while."""
        if run in self._lent:
            self._lent.remove(run)
            self.room.slots -= 1

    def stop(self, asked: Mapping[int, str]) -> None:
        """The runs are asked to stop, as `Held.stop` says."""
        for run, how in asked.items():
            if run in self._held:
                self._held[run].stop(how)

    def stop_all(self, *, at_once: bool = False) -> None:
        """Every run is asked to stop, for others to carry on."""
        for held in list(self._held.values()):
            held.stop("lost", at_once=at_once)

    def close(self, *, at_once: bool) -> None:
        """Nothing is begun any more, and everything is asked to stop."""
        self._closing = True
        self._stopping.set()
        self.stop_all(at_once=at_once)

    def end(self) -> None:
        """All that was held has been settled; no thread is left."""
        self._line.close()

    def _begin_batches(self) -> None:
        while self.room.slots > 0 and (batch := self._line.begin_next()) is not None:
            self.room.slots -= 1
            self._group.start_soon(self._carry_batch, batch)

    def _drop(self, held: Held) -> None:
        """The run was asked to stop before it began."""
        self._group.start_soon(self._settle, [held], [dropped(held, self._around)])

    async def _carry(self, held: Held) -> None:
        try:
            holds = held.row["lane"] == "unfold"
            settlement = await (unfold if holds else carry)(held, self._around)
        except Exception as error:
            _log.exception("run %s could not be carried out", held.row["id"])
            settlement = given_up(held.row, error, self._around.clock.now())
        finally:
            self.room.change(held.row, +1)
            self._begin_batches()
        await self._settle([held], [settlement])

    async def _carry_batch(self, batch: Batch) -> None:
        try:
            await batch.until_over()
        finally:
            was_full = self.room.slots <= 0
            self.room.slots += 1
        self._line.put_back(batch)
        self._begin_batches()
        if was_full:
            self._freed()  # what waits for it need not wait for the settlement
        await self._settle(batch.ended, batch.settlements, batch.written)

    async def _settle(
        self,
        batch: Sequence[Held],
        settlements: Sequence[runs.Settlement],
        written: Future[Any] | None = None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._until_written(settlements, written)
        self._settled()
        for held in batch:
            self.take_back(held.row["id"])
            if self._held.get(held.row["id"]) is held:
                del self._held[held.row["id"]]
        self._freed()

    async def _until_written(
        self, settlements: Sequence[runs.Settlement], written: Future[Any] | None
    ) -> None:
        """The settlements are on the disk, however long that takes while we live."""
        while True:
            try:
                await committed(written or self._write(settlements))
                return
            except Exception as error:
                written = None
                if self._closing:
                    _log.error("%s; another host finds out what became of it", error)
                    return
                _log.error("%s; trying again in a second", error)
                await self._around.clock.wait(self._stopping, self._around.clock.now() + timedelta(seconds=1))
