"""What the benchmarks have carried out."""

from __future__ import annotations

import time

import nbsched as nb

late: list[float] = []
"""Seconds that each scheduled run began after its instant."""


def nothing() -> None: ...


def same(value: int) -> int:
    return value


def one() -> int:
    return 1


def note_lateness() -> None:
    note_lateness_of(nb.context().scheduled_at.timestamp())


def note_lateness_of(due: float) -> None:
    late.append(time.time() - due)


def rest(value: int, seconds: float = 0.1) -> int:
    time.sleep(seconds)
    return value
