"""Dask: what is its own of sending work to its workers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from nbsched.away import dask_roster
from nbsched.away.courier import Bundled, Failed, Hear
from nbsched.away.dask_cluster import OwnCluster, found
from nbsched.away.dask_futures import Futures
from nbsched.away.dask_worker import CARRY, hear
from nbsched.away.facts import WorkerFacts
from nbsched.away.parcel import Header, Parcel

OPEN_S = 8.0
"""A scheduler that has not answered by then cannot be reached."""
TELL_S = 30.0
"""A worker that has not taken a message by then hears nothing of it."""


class DaskEngine:
    """The cluster at `address`; None: that of this process or of Dask's settings, or one of `workers` processes."""

    name, private, repeats = "Dask", True, True

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address, self._workers, self.where = address, workers, address or ""
        self._cluster: OwnCluster | None = None
        self._client: Any = None
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def open(self, sender: str, hear: Hear, failed: Failed) -> None:
        from distributed import Client

        self._close_client()
        self._client = Client(**self._target(), set_as_default=False, timeout=OPEN_S)
        self._futures = Futures(self._client, hear, failed)
        self.where = self._client.scheduler.address + (" (started here)" if self._cluster else "")
        self._client.subscribe_topic(f"nbsched-{sender}", lambda event: hear(event[1]))

    def _target(self) -> dict[str, Any]:
        """How the cluster is reached."""
        target = {"address": self._address} if self._address else found()
        if target:
            return target
        if self._cluster is None or not self._cluster.lives:
            self._cluster = OwnCluster(self._workers)
        return {"address": self._cluster.address}

    def send(self, bundles: Sequence[Bundled]) -> None:
        if self._futures.broken:
            raise ConnectionError("the connection to the scheduler was lost")
        for bundle in bundles:
            first, policy = bundle[0], bundle[0].policy
            self._futures.add(bundle, self._client.submit(
                eval, CARRY, {"parcels": [parcel.data for parcel in bundle]}, key=f"{first.name}-{first.id}",
                pure=False, priority=-policy.priority, resources=dict(policy.resources) or None,
            ))  # fmt: skip

    def withdraw(self, id: str, *, begun: bool) -> None:
        self._futures.withdraw(id)

    def tell(self, worker: str, message: str) -> None:
        if (client := self._client) is not None:
            client.loop.add_callback(self._tell, worker, message)

    async def _tell(self, worker: str, message: str) -> None:
        async with self._lines[worker]:
            with suppress(Exception):  # it is gone, or we are: leases see to both
                call = self._client.run(hear, message, workers=[worker], on_error="ignore", asynchronous=True)
                await asyncio.wait_for(call, TELL_S)

    def workers(self, header: Header) -> list[WorkerFacts]:
        return dask_roster.asked(self._client, header)

    def obstacle(self, parcels: Sequence[Parcel]) -> str | None:
        return dask_roster.obstacle(self._client, parcels[0])

    def _close_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def close(self) -> None:
        self._close_client()
        if self._cluster:
            self._cluster.close()
