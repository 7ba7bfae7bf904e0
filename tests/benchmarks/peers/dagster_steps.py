"""Dagster's side: the seconds that a job of so many ops took, its definition apart.

`dagster_steps.py memory` keeps nothing, `sqlite` keeps every event in SQLite, `processes` does so and runs each op in
a process of its own, as `dagster job execute` does.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import dagster as dg
from serve import serve


@dg.op(ins={"before": dg.In(dg.Nothing)})
def nothing() -> None: ...


def made(shape: str, number: int) -> dg.JobDefinition:
    @dg.job
    def steps() -> None:
        before = None
        for at in range(number):
            op = nothing.alias(f"s{at}")
            before = op() if before is None or shape == "fan-out" else op(before)

    return steps


def carried_out(how: str, shape: str, number: int) -> float:
    job = made(shape, number)
    began = time.perf_counter()
    if how == "memory":
        result = job.execute_in_process()
    elif how == "sqlite":
        result = job.execute_in_process(instance=dg.DagsterInstance.get())
    else:
        here = Path(__file__)
        again = dg.build_reconstructable_job(
            here.stem, "made", (shape, number), reconstructor_working_directory=str(here.parent)
        )
        with dg.execute_job(again, dg.DagsterInstance.get()) as result:
            assert result.success
    assert result.success
    return time.perf_counter() - began


if __name__ == "__main__":
    carried_out(sys.argv[1], "chain", 1)
    serve({shape: partial(carried_out, sys.argv[1], shape) for shape in ("chain", "fan-out")})
