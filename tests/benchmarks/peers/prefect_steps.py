"""Prefect's side: the seconds that so many tasks took, on a server of its own."""

from __future__ import annotations

from prefect import flow, task
from serve import serve, timed


@task
def nothing(before: object = None) -> None: ...


@flow
def chain(number: int) -> None:
    before = None
    for _ in range(number):
        before = nothing.submit(before)
    before.wait()


@flow
def fan_out(number: int) -> None:
    for made in [nothing.submit() for _ in range(number)]:
        made.wait()


chain(1)
serve({"chain": timed(chain), "fan-out": timed(fan_out)})
