"""What is under way with Dask over one connection, and how it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsched.away.courier import Bundled, Failed, Hear


class Futures:
    """`hear` is told the messages of those that end, many fetched at a time; `failed` of those that do not."""

    def __init__(self, client: Any, hear: Hear, failed: Failed) -> None:
        self._client, self._hear, self._failed = client, hear, failed
        self._under_way: dict[str, tuple[Any, int]] = {}
        """By parcel, and how many parcels travel in it."""
        self._done: list[tuple[Sequence[str], Any]] = []
        self._lost = False

    @property
    def broken(self) -> bool:
        """Whether the scheduler has forgotten what was under way: the connection is of no more use."""
        return self._lost or self._client.status != "running"

    def add(self, bundle: Bundled, future: Any) -> None:
        """The parcels are under way in it."""
        ids = [parcel.id for parcel in bundle]
        self._under_way.update(dict.fromkeys(ids, (future, len(ids))))
        future.add_done_callback(lambda done: self._note(ids, done))

    def withdraw(self, id: str) -> None:
        """The parcel comes back no more, and goes to no worker if it travels alone."""
        future, size = self._under_way.pop(id, (None, 0))
        if size == 1 and not future.done():
            future.cancel()

    def _note(self, ids: Sequence[str], future: Any) -> None:
        self._done.append((ids, future))
        if len(self._done) == 1:
            self._client.loop.add_callback(self._collect)

    async def _collect(self) -> None:
        done, self._done = self._done, []
        good = {ids[0]: future for ids, future in done if future.status == "finished"}
        try:
            messages = await self._client.gather(good, errors="skip", asynchronous=True)
        except OSError:  # the scheduler has gone
            messages = {}
        for ids, future in done:
            if messages.get(ids[0]) is None:
                await self._give_up(ids, future)
            else:
                for text in messages[ids[0]]:
                    self._hear(text)

    async def _give_up(self, ids: Sequence[str], future: Any) -> None:
        """Of those that were not withdrawn it is told."""
        error = await future.exception(asynchronous=True) if future.status == "error" else None
        for id in filter(self._under_way.get, ids):
            self._lost = self._lost or error is None
            self._failed(id, _unless_lost(error))


def _unless_lost(error: BaseException | None) -> BaseException | None:
    from distributed.scheduler import KilledWorker

    return None if isinstance(error, KilledWorker) else error
