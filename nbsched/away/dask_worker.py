"""Dask's workers: the station of a worker's process, and what is called there."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nbsched.away.station import Station
from nbsched.kernels.once import Once

CARRY = f"__import__({__name__!r}, fromlist=['carry']).carry(parcels)"
"""The task as text: a function that a worker cannot import would end that worker as soon as it comes."""


def _new_station() -> Station:
    """What it posts goes by the scheduler; it is told things by calls."""
    from distributed import get_worker

    worker = get_worker()
    return Station(
        lambda sender, text: worker.log_event(f"nbsched-{sender}", text), worker.address, worker.address
    )


_station = Once(_new_station)


def carry(parcels: Sequence[bytes]) -> list[str]:
    """On a worker: the messages in which the pieces of work end."""
    return _station().carry(parcels)


def hear(text: str) -> None:
    """On a worker: a sender has said something."""
    _station().hear(json.loads(text))
