"""Functions known to be short are carried out a handful at a time, in one thread and one settlement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import anyio

from nbsched.core import plan
from nbsched.core.model import Function, Outcome
from nbsched.engine.carrying import (
    Held,
    Surroundings,
    failed_to_prepare,
    judge,
    policy_of,
    prepare,
    report_of,
    work_of,
)
from nbsched.engine.clock import ticks
from nbsched.executors.function import FunctionExecutor
from nbsched.store import runs

WEIGHT = 0.2
"""Of the newest measurement in the running mean of a function's time."""


class Short:
    """How long each function takes here, and how many of its runs one slot takes at a time by that."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self._typical: dict[str, float] = {}

    def ref_of(self, row: Mapping[str, Any]) -> str | None:
        """The function's reference, if it is one whose runs are taken together."""
        if row["kind"] != "function" or not self.sizes:
            return None
        work, policy = work_of(row["work"]), policy_of(row["policy"])
        plain = (
            isinstance(work, Function) and work.where == "thread" and policy.timeout is None and policy.rerun
        )
        return work.ref if plain and isinstance(work, Function) and self.sizes.get(work.ref, 1) > 1 else None

    def batches(self, group: Sequence[Held]) -> Iterator[Sequence[Held]]:
        """The runs of one function in handfuls of its size."""
        work = work_of(group[0].row["work"])
        size = self.sizes.get(work.ref, 1) if isinstance(work, Function) else 1
        for at in range(0, len(group), size):
            yield group[at : at + size]

    @contextmanager
    def timing(self, row: Mapping[str, Any]) -> Iterator[None]:
        """What is done inside is one run of the row's function."""
        before = ticks()
        yield
        work = work_of(row["work"])
        if isinstance(work, Function) and work.where == "thread":
            self.learn(work.ref, ticks() - before)

    def learn(self, ref: str, seconds: float) -> None:
        """One run of the function took so long."""
        known = self._typical.get(ref)
        typical = seconds if known is None or seconds > 10 * known else known + WEIGHT * (seconds - known)
        self._typical[ref] = typical
        size = plan.batch_size(timedelta(seconds=typical))
        if size > 1:
            self.sizes[ref] = size
        else:
            self.sizes.pop(ref, None)


async def carry_together(batch: Sequence[Held], around: Surroundings, short: Short) -> list[runs.Settlement]:
    """Every attempt of the batch is over; how each is to be settled."""
    return await anyio.to_thread.run_sync(_carry_in_order, batch, around, short)


def _carry_in_order(batch: Sequence[Held], around: Surroundings, short: Short) -> list[runs.Settlement]:
    assignments, outcomes, reports = [], {}, {}
    for held in batch:
        row = held.row
        folder = around.folder / str(row["id"]) / str(row["attempt"])
        report = reports[row["id"]] = report_of(row, folder, around)
        try:
            assignments.append(prepare(row, policy_of(row["policy"]), folder, report, around))
        except Exception as error:
            outcomes[row["id"]] = failed_to_prepare(error)
    executor = around.executor_of(assignments[0].work) if assignments else None
    if isinstance(executor, FunctionExecutor):
        outcomes.update(_call(executor, assignments, batch, short))
    return [_judge(held, outcomes[held.row["id"]], reports[held.row["id"]], around) for held in batch]


def _call(
    executor: FunctionExecutor, assignments: Sequence[Any], batch: Sequence[Held], short: Short
) -> dict[int, Outcome]:
    before = ticks()
    outcomes = executor.run_batch(assignments)
    work = work_of(batch[0].row["work"])
    if isinstance(work, Function):
        short.learn(work.ref, (ticks() - before) / len(assignments))
    return {given.context.run_id: outcome for given, outcome in zip(assignments, outcomes, strict=True)}


def _judge(held: Held, outcome: Outcome, report: Any, around: Surroundings) -> runs.Settlement:
    row = held.row
    folder = around.folder / str(row["id"]) / str(row["attempt"])
    return judge(row, policy_of(row["policy"]), outcome, folder, report, around.clock.now())
