"""One attempt from its claim to its settlement: prepared, carried out within its time, and judged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

import anyio

from nbsched.core import plan
from nbsched.core.definitions import work_of
from nbsched.core.durations import duration
from nbsched.core.errors import NbschedError
from nbsched.core.instants import floor_ms
from nbsched.core.model import Error, Outcome, Wait
from nbsched.core.policy import Policy
from nbsched.core.states import Verb
from nbsched.core.waiting import too_long
from nbsched.engine import caching
from nbsched.engine.preparing import Row, Surroundings, place_of, prepare
from nbsched.engine.reporting import RunReport
from nbsched.executors.contract import Assignment, Executor
from nbsched.executors.secrets import without_secrets
from nbsched.executors.values import store_values
from nbsched.store import runs
from nbsched.store.cache import Memory
from nbsched.store.recovery import NOWHERE


@lru_cache(maxsize=4096)
def policy_of(text: str) -> Policy:
    return Policy.of(json.loads(text))


@dataclass(slots=True, eq=False)
class Held:
    """A run that this host is carrying out."""

    row: Row
    cancel: str | None = None
    at_once: bool = False
    on_stop: Callable[[], object] | None = None
    """Called, on the loop, when the attempt is asked to stop."""

    def stop(self, how: str, *, at_once: bool = False) -> None:
        """The attempt is asked to stop: `cancel`, `kill`, `timeout`, or `lost` for others to carry on."""
        self.cancel = self.cancel or how
        self.at_once = self.at_once or at_once or how == "kill"
        if self.on_stop is not None:
            self.on_stop()


_KERNEL_GONE = Outcome(
    kind="failed", reason="lost", fatal=True, error_types=("KernelGone",),
    error=Error("KernelGone", "the kernel whose cell this is has ended: run it again in its notebook"),
)  # fmt: skip


async def carry(held: Held, around: Surroundings) -> runs.Settlement:
    """The attempt is over and nothing of it runs any more; how it is to be settled."""
    row, policy = held.row, policy_of(held.row["policy"])
    report = report_of(row, around)
    recalled = None
    try:
        assignment = prepare(row, policy, report, around)
        if policy.cache or policy.inputs:
            recalled = await caching.recall(row, work_of(row["work"]), policy, around)
            if recalled is not None and recalled.hit is not None:
                return taken_over(row, recalled.hit, around.clock.now())
    except Exception as error:
        outcome = failed_to_prepare(error)
    else:
        gone = row["kind"] == "cell" and row["place"] == NOWHERE
        outcome = _KERNEL_GONE if gone else await _supervise(held, assignment, policy, around)
    settlement = judge(row, policy, outcome, report, around.clock.now())
    if recalled is None or settlement.verdict.verb is not Verb.SUCCEED:
        return settlement
    return replace(
        settlement, memory=await caching.memory_of(recalled, assignment.work, policy, report.redaction)
    )


def taken_over(row: Row, found: Row, now: datetime) -> runs.Settlement:
    """The settlement of a run whose result is known already."""
    return runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=plan.Verdict(Verb.SUCCEED, plan.CACHED), outcome=plan.CACHED,
        result=found["result"], named=found["named"], output=found["output"], ended_ms=floor_ms(now),
        memory=Memory(origin=found["origin"]),
    )  # fmt: skip


def failed_to_prepare(error: Exception) -> Outcome:
    """What is wrong with the work itself does not get better by trying again."""
    return Outcome(kind="failed", error=_error(error), error_types=_types(error), fatal=True, reason="fatal")


def given_up(row: Row, error: Exception, now: datetime) -> runs.Settlement:
    """The settlement of an attempt that failed by a fault of nbsched's own."""
    verdict = plan.Verdict(Verb.FAIL, "internal", failed=True)
    return runs.Settlement(
        run=row["id"],
        fence=row["fence"],
        verdict=verdict,
        outcome="failed",
        error=json.dumps(_error(error).to_json()),
        ended_ms=floor_ms(now),
    )


def dropped(held: Held, around: Surroundings) -> runs.Settlement:
    """The settlement of an attempt that was asked to stop before it began."""
    row = held.row
    return judge(row, policy_of(row["policy"]), stopped(held), report_of(row, around), around.clock.now())


def report_of(row: Row, around: Surroundings) -> RunReport:
    folder = Path(
        f"{around.folder}/{row['id']}/{row['attempt']}"
    )  # parsed once: joining takes three times as long
    return RunReport(around.database, row, folder, around.tell, around.clock, around.later)


def _error(error: BaseException) -> Error:
    return Error(type(error).__name__, str(error))


def _types(error: BaseException) -> tuple[str, ...]:
    return tuple(kind.__name__ for kind in type(error).__mro__)


async def _supervise(held: Held, assignment: Assignment, policy: Policy, around: Surroundings) -> Outcome:
    """The executor's outcome, or that time ran out or someone asked to stop; by then the work has stopped."""
    found: list[Outcome] = []
    changed = anyio.Event()
    held.on_stop = changed.set
    if held.cancel:
        changed.set()
    # A sensor's time began with its waiting; away, it begins with the work, and the worker keeps it.
    limit = None if held.row["lane"] in ("poke", "away") else policy.timeout
    deadline = None if limit is None else around.clock.now() + limit
    async with anyio.create_task_group() as group:
        group.start_soon(
            _execute,
            around.executor_of(assignment.work, place_of(held.row, policy)),
            assignment,
            found,
            changed,
        )
        in_time = await around.clock.wait(changed, deadline)
        if held.at_once:
            assignment.grace *= 0
        group.cancel_scope.cancel()
    if found:
        return found[0]
    return stopped(held) if in_time else _out_of_time("timeout", f"it took longer than {policy.timeout}")


def stopped(held: Held) -> Outcome:
    """The outcome of an attempt that was asked to stop, and has."""
    if held.row["lane"] == "poke" and held.cancel in ("timeout", "lost"):
        return _looked_too_long(held.row) if held.cancel == "timeout" else Outcome(kind="not_yet")
    if held.cancel == "timeout":
        return _out_of_time("cancelled", "its pipeline's time was over")
    return Outcome(kind="lost", reason=plan.CLOSED) if held.cancel == "lost" else Outcome(kind="cancelled")


def _looked_too_long(row: Row) -> Outcome:
    error = too_long(_sensor(row), policy_of(row["policy"]).timeout)
    return Outcome(kind="timeout", reason="timeout", error=error, error_types=(error.type,), fatal=True)


def _sensor(row: Row) -> Wait:
    work = work_of(row["work"])
    assert isinstance(work, Wait)
    return work


def _out_of_time(kind: Literal["cancelled", "timeout"], message: str) -> Outcome:
    error = Error("TimeoutError", message)
    return Outcome(kind=kind, reason="timeout", error=error, error_types=(error.type,))


async def _execute(
    executor: Executor, assignment: Assignment, found: list[Outcome], changed: anyio.Event
) -> None:
    try:
        found.append(await executor.execute(assignment))
    except Exception as error:
        found.append(Outcome(kind="failed", error=_error(error), error_types=_types(error)))
    finally:
        changed.set()


def judge(row: Row, policy: Policy, outcome: Outcome, report: RunReport, now: datetime) -> runs.Settlement:
    """The settlement of the attempt; a result that cannot be stored is a failure of the step that gave it."""
    result = named = None
    report.over()
    if report.redaction:
        report.end()
        outcome = without_secrets(outcome, report.redaction, report.folder.parent)
    if row["kind"] == "wait" and outcome.kind == "succeeded" and not outcome.result:
        outcome = Outcome(kind="not_yet", delay=duration(_sensor(row).poke))
    if outcome.kind == "succeeded":
        try:
            result, named = _stored(outcome, report.folder)
        except (NbschedError, OSError, ValueError) as error:
            outcome = Outcome(kind="failed", error=_error(error), error_types=_types(error), fatal=True)
    elif outcome.values:
        named = _stored_if_possible(outcome, report.folder)
    verdict = plan.verdict(
        outcome, policy, failures=row["failures"], losses=row["losses"], now=now, chance=random.uniform(-1, 1)
    )
    return runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=verdict, outcome=outcome.kind, result=result, named=named,
        error=json.dumps(outcome.error.to_json()) if outcome.error else None, output=report.output_path,
        ended_ms=floor_ms(now),
    )  # fmt: skip


def _stored(outcome: Outcome, folder: Path) -> tuple[str | None, str | None]:
    if outcome.result is None and not outcome.values:
        return None, None
    place = folder.parent
    stored = store_values({"result": outcome.result}, place)["result"]
    named = store_values(outcome.values, place) if outcome.values else None
    return (
        None if stored is None else json.dumps(stored, ensure_ascii=False),
        json.dumps(named, ensure_ascii=False) if named else None,
    )


def _stored_if_possible(outcome: Outcome, folder: Path) -> str | None:
    try:
        return _stored(replace(outcome, result=None), folder)[1]
    except (NbschedError, OSError, ValueError):
        return None
