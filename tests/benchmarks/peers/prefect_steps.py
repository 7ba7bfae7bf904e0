"""Prefect's side: for each line `SHAPE NUMBER` the seconds that so many tasks took, on a server of its own."""

from __future__ import annotations

import sys
import time

from prefect import flow, task


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


SHAPES = {"chain": chain, "fan-out": fan_out}
chain(1)
print("ready", flush=True)
for line in sys.stdin:
    shape, number = line.split()
    began = time.perf_counter()
    SHAPES[shape](int(number))
    print(time.perf_counter() - began, flush=True)
