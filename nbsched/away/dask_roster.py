"""Who works for a Dask cluster, and what they have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nbsched.away.facts import About, WorkerFacts, about, trouble
from nbsched.away.parcel import Header, Parcel

ANSWER_S = 8.0
"""A worker that has not answered by then says nothing of itself."""


def asked(client: Any, header: Header) -> list[WorkerFacts]:
    """Each worker, asked at the same time as the others what it has of what the header needs."""
    found: list[WorkerFacts] = client.sync(_asked, client, _infos(client), header)
    return found


def obstacle(client: Any, parcel: Parcel) -> str | None:
    """Why no worker takes the parcel, with the remedy; None if one can."""
    workers, wanted = _infos(client).values(), parcel.policy.resources.items()
    if any(all(worker["resources"].get(name, 0) >= least for name, least in wanted) for worker in workers):
        return None
    start = f"start one with `dask worker {client.scheduler.address}"
    if not workers:
        return f"waits for a Dask worker: the cluster has none; {start}`"
    asked = " ".join(f"{name}={least:g}" for name, least in wanted)
    return f'waits for a Dask worker that offers {asked}: {start} --resources "{asked}"`'


def _infos(client: Any) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = client.scheduler_info(n_workers=-1)["workers"]
    return found


async def _asked(client: Any, infos: Mapping[str, Mapping[str, Any]], header: Header) -> list[WorkerFacts]:
    said = await asyncio.gather(*(_said(client, address, header) for address in infos))
    return [
        WorkerFacts(name=address, offers=_offers(info), about=about, trouble=trouble)
        for (address, info), (about, trouble) in zip(infos.items(), said, strict=True)
    ]


async def _said(client: Any, address: str, header: Header) -> tuple[About | None, str]:
    call = client.run(about, header, address, workers=[address], on_error="return", asynchronous=True)
    try:
        answer = (await asyncio.wait_for(call, ANSWER_S))[address]
    except Exception as error:
        answer = error
    return (None, trouble(answer)) if isinstance(answer, BaseException) else (answer, "")


def _offers(info: Mapping[str, Any]) -> str:
    threads = f"{info['nthreads']} thread{'s' if info['nthreads'] != 1 else ''}"
    return " ".join([threads, *(f"{name}={most:g}" for name, most in info["resources"].items())])
