"""Why a run is as it is, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbsched.core.items import fates
from nbsched.core.model import Approval, Error, RunRecord, Wait
from nbsched.core.states import State
from nbsched.core.waiting import described

_REASONS: Mapping[str, str] = {
    "overlap": "not run: the run before was still going",
    "missed": "not run: nothing was there to run it",
    "paused": "not run: paused",
    "condition": "skipped: its condition was false",
    "upstream_failed": "skipped: a step before it failed",
    "upstream_skipped": "skipped: a step before it was skipped",
    "rule": "skipped: the steps before it did not end as its rule asks",
    "all_skipped": "skipped: all its steps were",
    "expired": "skipped: waited too long in the queue",
    "previous": "waits for the run before it",
    "rate": "waits: no more may start for now, by its rate:",
    "cached": "unchanged: taken from the cache",
    "reused": "taken from the run it retries",
    "timeout": "ran out of time",
    "lost": "lost: its process went away",
    "interrupted": "interrupted by a person",
}


def retries(state: State, attempt: int) -> bool:
    """Whether a run in that state after so many attempts waits for the next one."""
    return state is State.QUEUED and attempt > 0


def why(run: RunRecord, trigger: str | None, needs: Sequence[str], items: Mapping[str, int]) -> str:
    """Why the run is as it is: what started it, what it waits for, what has ended it, what became of its items."""
    if run.cancel_requested and not run.state.final:
        return "stopping: cancel was asked for"
    if run.state.final and (ends := fates(items)):
        return " · ".join(part for part in (_REASONS.get(run.reason or ""), ends) if part)
    if run.state is State.FAILED and run.error:
        return _what_went_wrong(run.error)
    if run.reason:
        return _REASONS.get(run.reason, str.__str__(run.reason))
    return _why_not_ended(run, trigger, needs)


def _what_went_wrong(error: Error) -> str:
    return f"{error} in cell {error.cell}" if error.cell is not None else str.__str__(error)


def _why_not_ended(run: RunRecord, trigger: str | None, needs: Sequence[str]) -> str:
    if run.waits_for is not None and run.started_at is not None and not retries(run.state, run.attempt):
        return _waits_for(run, run.waits_for)
    if retries(run.state, run.attempt):
        return f"retry {run.attempt} of {max(run.attempt, run.retries)}"
    if run.state is State.QUEUED:
        return "waits for a free slot"
    if run.state is State.PENDING:
        return _waits(needs)
    return trigger or ("" if run.parent is not None else "by hand")


def _waits_for(run: RunRecord, work: Wait | Approval) -> str:
    if not isinstance(work, Approval):
        return f"waits for {described(work)}"
    asked = f"waits for approval: {work.message}"
    if work.type == "bool":
        return asked
    kind = " | ".join(map(str, work.choices)) if work.choices else work.type
    return f"{asked} (nbsched resolve {run.id} VALUE: {kind})"


def _waits(needs: Sequence[str]) -> str:
    if not needs:
        return "waits"
    return f"after {' and '.join(needs)}" if len(needs) <= 2 else f"waits for {len(needs)} steps"
