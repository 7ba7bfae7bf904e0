"""Where a run may stand, and the one table that says what may happen to it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a run stands; compares equal to its text."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        return self in FINAL


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.SKIPPED})
ACTIVE = frozenset(State) - FINAL


class Verb(StrEnum):
    """What can happen to a run: one word for store method, event, log line and tooltip."""

    FIRE = "fire"
    ADMIT = "admit"
    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    FAIL = "fail"
    SKIP = "skip"
    CANCEL = "cancel"


EVENTS: Mapping[State, str] = {
    State.PENDING: "run.pending",
    State.QUEUED: "run.queued",
    State.RUNNING: "run.started",
    State.SUCCEEDED: "run.succeeded",
    State.FAILED: "run.failed",
    State.CANCELLED: "run.cancelled",
    State.SKIPPED: "run.skipped",
}
RETRYING = "run.retrying"

TRANSITIONS: Mapping[tuple[State | None, Verb], frozenset[State]] = {
    (None, Verb.FIRE): frozenset({State.PENDING, State.QUEUED, State.SKIPPED}),
    (State.PENDING, Verb.ADMIT): frozenset({State.QUEUED}),
    (State.PENDING, Verb.SUCCEED): frozenset({State.SUCCEEDED}),
    (State.PENDING, Verb.FAIL): frozenset({State.FAILED}),
    (State.PENDING, Verb.SKIP): frozenset({State.SKIPPED}),
    (State.PENDING, Verb.CANCEL): frozenset({State.CANCELLED}),
    (State.QUEUED, Verb.CLAIM): frozenset({State.RUNNING}),
    (State.QUEUED, Verb.FAIL): frozenset({State.FAILED}),
    (State.QUEUED, Verb.SKIP): frozenset({State.SKIPPED}),
    (State.QUEUED, Verb.CANCEL): frozenset({State.CANCELLED}),
    (State.RUNNING, Verb.SUCCEED): frozenset({State.SUCCEEDED}),
    (State.RUNNING, Verb.RETRY): frozenset({State.QUEUED}),
    (State.RUNNING, Verb.FAIL): frozenset({State.FAILED}),
    (State.RUNNING, Verb.SKIP): frozenset({State.SKIPPED}),
    (State.RUNNING, Verb.CANCEL): frozenset({State.CANCELLED}),
}

ENDINGS: Mapping[Verb, State] = {
    verb: state
    for (before, verb), states in TRANSITIONS.items()
    for state in states
    if before is not None and state.final
}
"""Where the verbs lead that end a run."""


def states_before(after: State) -> tuple[State, ...]:
    """The states from which some verb leads to this one."""
    return tuple(before for (before, _), states in TRANSITIONS.items() if before and after in states)
