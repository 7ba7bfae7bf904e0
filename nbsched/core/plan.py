"""Every decision about runs, as a pure function of values and an instant."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nbsched.core.errors import ValueNotStorable
from nbsched.core.model import Outcome
from nbsched.core.policy import Policy, exception_name
from nbsched.core.states import State, Verb

MOST_LOSSES = 5
"""So often may a run be taken from a dead host before it is given up: it may be what kills them."""

CLOSED = "closed"
"""Why an attempt was lost whose host closed in good order: nothing that the run could have done."""

CACHED = "cached"
"""Why a run succeeded without being carried out: its result was known already."""

NOT_STORABLE = exception_name(ValueNotStorable)
"""What is never retried, wherever the work ran: the same code would give the same value."""

MOST_CAUGHT_UP = 1000
"""So many missed instants are run at most; the rest are accounted for as missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One due instant; `seq` and `event` are those of the event when an event made it due."""

    at: datetime
    previous: datetime
    seq: int = 0
    event: Mapping[str, Any] | None = None
    in_turn: bool = False
    """One of several that are caught up with: it runs after those before it, whatever the overlap policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRun:
    """Consecutive due instants that start nothing, and why."""

    since: datetime
    until: datetime
    count: int
    reason: str
    previous: datetime
    seq: int = 0


Decision = Occurrence | NotRun


def account(due: Sequence[Occurrence], *, policy: str, reason: str, not_before: datetime) -> list[Decision]:
    """What becomes of instants that fell while nothing ran: each is run, or part of one row that says why not.

    `policy` is latest, all, earliest or none; instants before `not_before` are never run.
    """
    recent = [item for item in due if item.at >= not_before]
    chosen = {
        "latest": recent[-1:],
        "earliest": recent[:1],
        "all": recent[-MOST_CAUGHT_UP:],
        "none": [],
    }[policy]
    run = {(item.at, item.seq) for item in chosen}
    decisions: list[Decision] = []
    for item in due:
        if (item.at, item.seq) in run:
            decisions.append(replace(item, in_turn=policy == "all"))
        elif decisions and isinstance(decisions[-1], NotRun):
            decisions[-1] = replace(decisions[-1], until=item.at, count=decisions[-1].count + 1, seq=item.seq)
        else:
            decisions.append(
                NotRun(
                    since=item.at, until=item.at, count=1, reason=reason, previous=item.previous, seq=item.seq
                )
            )
    return decisions


def due(
    occurrences: Sequence[Occurrence], *, live_since: datetime, missed: str, catchup: timedelta, now: datetime
) -> list[Decision]:
    """What becomes of every instant due by now: those since `live_since` run, the earlier ones were missed."""
    gone = [item for item in occurrences if item.at < live_since]
    live = [item for item in occurrences if item.at >= live_since]
    return [*account(gone, policy=missed, reason="missed", not_before=now - catchup), *live]


def merged(older: NotRun, reason: str, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions with the older instants in front, in one row with what follows for the same reason."""
    head = replace(older, reason=reason)
    if decisions and isinstance(decisions[0], NotRun) and decisions[0].reason == reason:
        first = decisions[0]
        head = replace(head, until=first.until, count=head.count + first.count, seq=first.seq)
        return [head, *decisions[1:]]
    return [head, *decisions]


def spread(text: str) -> float:
    """A number in [0, 1) that is always the same for the same text: jitter that survives a restart."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) / (1 << 56)


def jittered_ms(at_ms: int, jitter_ms: int | None, schedule: str) -> int:
    """The instant moved later by up to the jitter, in milliseconds."""
    return at_ms + int((jitter_ms or 0) * spread(f"{schedule} {at_ms}"))


@dataclass(frozen=True, slots=True)
class Overlap:
    """What an instant does that falls while the schedule's earlier runs are active."""

    skip: bool = False
    wait_for: int | None = None
    cancel: tuple[int, ...] = ()
    kill: bool = False


def overlap(policy: str, active: Sequence[tuple[int, State]], *, in_turn: bool = False) -> Overlap:
    """Skip, wait for the last active run, or end the active ones and wait; `active` is oldest first."""
    if not active or policy == "allow":
        return Overlap()
    last = active[-1][0]
    if in_turn:
        return Overlap(wait_for=last)
    if policy in ("cancel_other", "kill_other"):
        return Overlap(wait_for=last, cancel=tuple(run for run, _ in active), kill=policy == "kill_other")
    if policy == "queue_all":
        return Overlap(wait_for=last)
    if policy == "queue_one" and not any(state is State.PENDING for _, state in active[1:]):
        return Overlap(wait_for=last)
    return Overlap(skip=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt's outcome means for its run."""

    verb: Verb
    reason: str | None = None
    not_before: datetime | None = None
    failed: bool = False
    lost: bool = False
    quiet: bool = False
    """Nothing has happened: the attempt counts for nothing and leaves no trace."""

    @property
    def handed_over(self) -> bool:
        """Its host closed in good order: another carries on, and nothing went wrong."""
        return self.verb is Verb.RETRY and self.reason == "lost" and not self.lost


def verdict(
    outcome: Outcome, policy: Policy, *, failures: int, losses: int, now: datetime, chance: float
) -> Verdict:
    """The verb that follows from the outcome; `failures` and `losses` count the attempts before this one.

    `chance` in [-1, 1] chooses within the backoff's jitter.
    """
    match outcome.kind:
        case "succeeded":
            return Verdict(Verb.SUCCEED, outcome.reason)
        case "skipped":
            return Verdict(Verb.SKIP, outcome.reason)
        case "cancelled":
            return Verdict(Verb.CANCEL, outcome.reason)
        case "interrupted":
            return Verdict(Verb.FAIL, "interrupted", failed=True)
        case "not_yet":
            return Verdict(Verb.RETRY, None, now + (outcome.delay or timedelta()), quiet=True)
        case "retry_later":
            return Verdict(Verb.RETRY, outcome.reason, now + (outcome.delay or timedelta()))
        case "lost":
            closed = outcome.reason == CLOSED
            again = policy.rerun and (closed or losses < MOST_LOSSES)
            return Verdict(Verb.RETRY if again else Verb.FAIL, "lost", lost=not closed)
    return _failed(outcome, policy, failures, now, chance)


def _failed(outcome: Outcome, policy: Policy, failures: int, now: datetime, chance: float) -> Verdict:
    types = frozenset(outcome.error_types)
    if outcome.fatal:
        return Verdict(Verb.FAIL, outcome.reason or "fatal", failed=True)
    if types & {NOT_STORABLE, *policy.fatal}:
        return Verdict(Verb.FAIL, "fatal", failed=True)
    reason = "timeout" if outcome.kind == "timeout" else outcome.reason
    wanted = not policy.retry_on or bool(types & frozenset(policy.retry_on))
    if wanted and failures < policy.retries:
        wait = policy.backoff.delay(failures + 1, chance)
        return Verdict(Verb.RETRY, reason, now + wait, failed=True)
    return Verdict(Verb.FAIL, reason, failed=True)


SUCCEEDED, FAILED, CANCELLED, SKIPPED, UPSTREAM = (
    "succeeded",
    "failed",
    "cancelled",
    "skipped",
    "upstream_failed",
)
BAD = frozenset({FAILED, CANCELLED, UPSTREAM})


def ended_as(state: State, reason: str | None) -> str:
    """How a need ended, as its followers see it: skipped because of a failure counts as one."""
    return UPSTREAM if state is State.SKIPPED and reason == UPSTREAM else state.value


def lets_the_next_begin(state: State, reason: str | None) -> bool:
    """Whether what depends on the run before it may begin when that one stands like this."""
    return ended_as(state, reason) in (SUCCEEDED, SKIPPED)


ADMIT = "admit"
WAIT = "wait"


def join(rule: str, ended: Mapping[str, int], waiting: int) -> str:
    """ADMIT, WAIT, or the reason to skip a step; `ended` counts its needs by how they ended.

    `waiting` is the number of needs that have not ended.
    """
    good, skipped = ended.get(SUCCEEDED, 0), ended.get(SKIPPED, 0)
    bad = sum(ended.get(kind, 0) for kind in BAD)
    if rule == "always" or good + bad + skipped + waiting == 0:
        return ADMIT
    if rule in _AT_ONCE:
        return _join_at_once(rule, good, bad, skipped, waiting)
    if spoiled := _SPOILED[rule](good, bad, skipped):
        return spoiled
    return WAIT if waiting else _JOINED[rule](good, bad, skipped)


_AT_ONCE = frozenset({"one_success", "one_failed", "one_done"})


def _join_at_once(rule: str, good: int, bad: int, skipped: int, waiting: int) -> str:
    met = {"one_success": good, "one_failed": bad, "one_done": good + bad}[rule]
    if met:
        return ADMIT
    if waiting:
        return WAIT
    return UPSTREAM if bad else "upstream_skipped" if skipped else "rule"


def _never_spoiled(good: int, bad: int, skipped: int) -> str:
    return ""


def _spoiled_by_failure(good: int, bad: int, skipped: int) -> str:
    """Of a skip one has to wait whether a failure follows, or the reason would hang on which came first."""
    return UPSTREAM if bad else ""


def _admitted(good: int, bad: int, skipped: int) -> str:
    return ADMIT


_SPOILED: Mapping[str, Callable[[int, int, int], str]] = {
    "all_success": _spoiled_by_failure,
    "all_done": _never_spoiled,
    "all_failed": lambda good, bad, skipped: "rule" if good or skipped else "",
    "none_failed": _spoiled_by_failure,
    "none_failed_min_one_success": _spoiled_by_failure,
    "none_skipped": lambda good, bad, skipped: "upstream_skipped" if skipped else "",
    "all_skipped": lambda good, bad, skipped: "rule" if good or bad else "",
}
_JOINED: Mapping[str, Callable[[int, int, int], str]] = dict.fromkeys(_SPOILED, _admitted) | {
    "all_success": lambda good, bad, skipped: "upstream_skipped" if skipped else ADMIT,
    "none_failed_min_one_success": lambda good, bad, skipped: ADMIT if good else "upstream_skipped",
}


def rollup(children: Iterable[tuple[State, str | None, bool]], *, cancelled: bool) -> tuple[Verb, str | None]:
    """How a pipeline ends whose steps have all ended; a teardown's state does not count."""
    states = [state for state, _, teardown in children if not teardown]
    if cancelled:
        return Verb.CANCEL, None
    if State.FAILED in states:
        return Verb.FAIL, None
    if State.CANCELLED in states:
        return Verb.CANCEL, None
    if states and all(state is State.SKIPPED for state in states):
        return Verb.SKIP, "all_skipped"
    return Verb.SUCCEED, None


BATCH = timedelta(milliseconds=20)
BUNDLE = timedelta(milliseconds=50)
MOST_IN_A_BATCH = 256


def batch_size(typical: timedelta) -> int:
    """How many runs of a function that takes `typical` one slot takes at a time: twenty milliseconds' worth."""
    return _together(typical, BATCH, least=20)


def bundle_size(typical: timedelta) -> int:
    """How many runs of a function that takes `typical` travel to a worker together: fifty milliseconds' worth."""
    return _together(typical, BUNDLE, least=5)


def _together(typical: timedelta, span: timedelta, least: int) -> int:
    found = span // max(typical, timedelta(microseconds=10))
    return 1 if found < least else min(MOST_IN_A_BATCH, found)
