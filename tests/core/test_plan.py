from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement, pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from nbsched.core import plan
from nbsched.core.model import Outcome
from nbsched.core.plan import NotRun, Occurrence
from nbsched.core.policy import RULES, Backoff, Policy
from nbsched.core.states import State, Verb

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    return START + hours * HOUR


def occurrences(number: int) -> list[Occurrence]:
    return [Occurrence(at=at(hour), previous=at(hour - 1)) for hour in range(1, number + 1)]


def told(decisions: Any) -> list[Any]:
    """Hours that run, and (from, until, count) of those that do not."""
    return [
        (item.at - START) // HOUR if isinstance(item, Occurrence)
        else ((item.since - START) // HOUR, (item.until - START) // HOUR, item.count)
        for item in decisions
    ]  # fmt: skip


def test_a_look_that_finds_nothing_is_no_attempt() -> None:
    outcome = Outcome(kind="not_yet", delay=HOUR)
    found = plan.verdict(outcome, Policy(rerun=False), failures=0, losses=99, now=START, chance=0)
    assert found == plan.Verdict(Verb.RETRY, None, START + HOUR, quiet=True)


@pytest.mark.parametrize(
    ("policy", "within", "expected"),
    [
        ("latest", 99, [(1, 4, 4), 5]),
        ("earliest", 99, [1, (2, 5, 4)]),
        ("all", 99, [1, 2, 3, 4, 5]),
        ("none", 99, [(1, 5, 5)]),
        ("latest", 0.5, [(1, 5, 5)]),
        ("earliest", 3, [(1, 2, 2), 3, (4, 5, 2)]),
        ("all", 3, [(1, 2, 2), 3, 4, 5]),
    ],
)
def test_missed_instants_run_as_the_policy_says(policy: str, within: float, expected: list[Any]) -> None:
    decided = plan.account(occurrences(5), policy=policy, reason="missed", not_before=at(6 - within))
    assert told(decided) == expected
    assert {item.reason for item in decided if isinstance(item, NotRun)} <= {"missed"}


@given(
    number=st.integers(0, 30),
    policy=st.sampled_from(["latest", "earliest", "all", "none"]),
    within=st.integers(0, 30),
    live=st.integers(0, 30),
)
def test_every_due_instant_is_decided_once_and_in_order(
    number: int, policy: str, within: int, live: int
) -> None:
    due = occurrences(number)
    decided = plan.due(due, live_since=at(live), missed=policy, catchup=within * HOUR, now=at(31))
    assert sum(1 if isinstance(item, Occurrence) else item.count for item in decided) == number
    starts = [item.at if isinstance(item, Occurrence) else item.since for item in decided]
    assert starts == sorted(starts)
    assert not any(isinstance(a, NotRun) and isinstance(b, NotRun) for a, b in pairwise(decided))
    ran = {item.at for item in decided if isinstance(item, Occurrence)}
    assert {item.at for item in due if item.at >= at(live)} <= ran


def test_older_instants_join_those_that_follow_for_the_same_reason() -> None:
    older = NotRun(since=at(-9), until=at(0), count=10, reason="missed", previous=at(-10))
    skipped = plan.account(occurrences(3), policy="latest", reason="missed", not_before=at(0))
    assert told(plan.merged(older, "missed", skipped)) == [(-9, 2, 12), 3]
    assert told(plan.merged(older, "missed", occurrences(2))) == [(-9, 0, 10), 1, 2]
    assert told(plan.merged(older, "missed", [])) == [(-9, 0, 10)]


# Overlap ----------------------------------------------------------------------------------------------

RUNNING, PENDING, QUEUED = (1, State.RUNNING), (2, State.PENDING), (1, State.QUEUED)


@pytest.mark.parametrize(
    ("policy", "active", "expected"),
    [
        *((policy, [], plan.Overlap()) for policy in
          ("skip", "queue_one", "queue_all", "cancel_other", "kill_other", "allow")),
        ("allow", [RUNNING, PENDING], plan.Overlap()),
        ("skip", [RUNNING], plan.Overlap(skip=True)),
        ("skip", [QUEUED], plan.Overlap(skip=True)),
        ("queue_one", [RUNNING], plan.Overlap(wait_for=1)),
        ("queue_one", [QUEUED], plan.Overlap(wait_for=1)),
        ("queue_one", [RUNNING, PENDING], plan.Overlap(skip=True)),
        ("queue_all", [RUNNING, PENDING], plan.Overlap(wait_for=2)),
        ("cancel_other", [RUNNING, PENDING], plan.Overlap(wait_for=2, cancel=(1, 2))),
        ("kill_other", [RUNNING], plan.Overlap(wait_for=1, cancel=(1,), kill=True)),
    ],
)  # fmt: skip
def test_an_instant_that_overlaps(policy: str, active: Any, expected: plan.Overlap) -> None:
    assert plan.overlap(policy, active) == expected


@pytest.mark.parametrize("policy", ["skip", "queue_one", "queue_all", "cancel_other", "kill_other"])
def test_what_is_caught_up_with_runs_in_turn_whatever_the_overlap(policy: str) -> None:
    assert plan.overlap(policy, [RUNNING, PENDING], in_turn=True) == plan.Overlap(wait_for=2)


# Verdicts ---------------------------------------------------------------------------------------------


def verdict(
    kind: Any, policy: Policy | None = None, *, failures: int = 0, losses: int = 0, **facts: Any
) -> plan.Verdict:
    outcome = Outcome(kind=kind, **facts)
    return plan.verdict(outcome, policy or Policy(), failures=failures, losses=losses, now=START, chance=0)


PATIENT = Policy(retries=2, backoff=Backoff(wait="1m", factor=3, max_wait="5m", jitter=0))


def test_what_is_no_failure_ends_the_run_as_it_ended() -> None:
    assert verdict("succeeded") == plan.Verdict(Verb.SUCCEED)
    assert verdict("skipped", reason="why") == plan.Verdict(Verb.SKIP, "why")
    assert verdict("cancelled") == plan.Verdict(Verb.CANCEL)
    assert verdict("interrupted", PATIENT) == plan.Verdict(Verb.FAIL, "interrupted", failed=True)


def test_failures_are_retried_after_longer_and_longer_waits() -> None:
    waits = [verdict("failed", PATIENT, failures=failures) for failures in range(3)]
    assert [found.verb for found in waits] == [Verb.RETRY, Verb.RETRY, Verb.FAIL]
    assert [found.not_before for found in waits] == [
        START + timedelta(minutes=1),
        START + timedelta(minutes=3),
        None,
    ]
    assert verdict("timeout", PATIENT).reason == "timeout"
    assert verdict("timeout").reason == "timeout"


@pytest.mark.parametrize(
    ("policy", "facts", "verb", "reason"),
    [
        ({}, {"fatal": True}, Verb.FAIL, "fatal"),
        ({}, {"fatal": True, "reason": "lost"}, Verb.FAIL, "lost"),
        ({"fatal": ("OSError",)}, {}, Verb.FAIL, "fatal"),
        ({"retry_on": ("OSError",)}, {}, Verb.RETRY, None),
        ({"retry_on": ("LookupError",)}, {}, Verb.FAIL, None),
        ({"retry_on": ("OSError",), "fatal": ("ConnectionError",)}, {}, Verb.FAIL, "fatal"),
    ],
)
def test_some_failures_are_worth_no_other_try(
    policy: Any, facts: Any, verb: Verb, reason: str | None
) -> None:
    types = ("ConnectionError", "OSError", "Exception")
    found = verdict("failed", Policy(retries=1, **policy), error_types=types, **facts)
    assert (found.verb, found.reason) == (verb, reason)


def test_a_lost_attempt_runs_again_unless_it_must_not_or_kills_its_hosts() -> None:
    assert verdict("lost") == plan.Verdict(Verb.RETRY, "lost", lost=True)
    assert verdict("lost", Policy(rerun=False)).verb is Verb.FAIL
    assert verdict("lost", losses=plan.MOST_LOSSES).verb is Verb.FAIL
    assert verdict("lost", losses=plan.MOST_LOSSES).reason == "lost"


def test_a_host_that_closed_in_good_order_is_no_loss() -> None:
    found = verdict("lost", losses=plan.MOST_LOSSES, reason=plan.CLOSED)
    assert found == plan.Verdict(Verb.RETRY, "lost")
    assert verdict("lost", Policy(rerun=False), reason=plan.CLOSED).verb is Verb.FAIL


def test_a_wish_to_be_tried_later_needs_no_retries() -> None:
    found = verdict("retry_later", delay=HOUR)
    assert (found.verb, found.not_before, found.failed) == (Verb.RETRY, at(1), False)


@given(st.integers(1, 100), st.floats(-1, 1))
def test_a_backoff_stays_within_its_bounds(attempt: int, chance: float) -> None:
    backoff = Backoff(wait="1s", factor=2, max_wait="10m", jitter=0.5)
    assert timedelta(seconds=0.5) <= backoff.delay(attempt, chance) <= timedelta(minutes=10)


# Joins ------------------------------------------------------------------------------------------------

KINDS = (plan.SUCCEEDED, plan.FAILED, plan.CANCELLED, plan.SKIPPED, plan.UPSTREAM)


def meant(rule: str, ends: tuple[str, ...]) -> bool:
    """What the rule's name says, of needs that have all ended."""
    good = [end == plan.SUCCEEDED for end in ends]
    bad = [end in plan.BAD for end in ends]
    skipped = [end == plan.SKIPPED for end in ends]
    return {
        "all_success": all(good), "all_done": True, "all_failed": all(bad), "one_success": any(good),
        "one_failed": any(bad), "one_done": any(good) or any(bad), "none_failed": not any(bad),
        "none_failed_min_one_success": not any(bad) and any(good), "none_skipped": not any(skipped),
        "all_skipped": all(skipped), "always": True,
    }[rule]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_means_what_its_name_says(rule: str) -> None:
    for number in (1, 2, 3):
        for ends in combinations_with_replacement(KINDS, number):
            answer = plan.join(rule, Counter(ends), 0)
            assert answer != plan.WAIT
            assert (answer == plan.ADMIT) == meant(rule, ends), (rule, ends, answer)


@pytest.mark.parametrize("rule", RULES)
def test_an_early_answer_is_the_one_there_would_be_in_the_end(rule: str) -> None:
    for ends in combinations_with_replacement(KINDS, 2):
        early = plan.join(rule, Counter(ends[:1]), 1)
        late = plan.join(rule, Counter(ends), 0)
        if early != plan.WAIT:
            assert early == late, (rule, ends)


@pytest.mark.parametrize("rule", RULES)
def test_a_step_without_needs_begins_at_once(rule: str) -> None:
    assert plan.join(rule, {}, 0) == plan.ADMIT


def test_why_a_step_was_skipped() -> None:
    assert plan.join("all_success", {plan.FAILED: 1}, 3) == plan.UPSTREAM
    assert plan.join("all_success", {plan.UPSTREAM: 1}, 0) == plan.UPSTREAM
    assert plan.join("all_success", {plan.SKIPPED: 1}, 0) == "upstream_skipped"
    assert plan.join("all_failed", {plan.SUCCEEDED: 1}, 1) == "rule"


@pytest.mark.parametrize(
    ("children", "cancelled", "expected"),
    [
        ([], False, (Verb.SUCCEED, None)),
        ([("succeeded", False), ("skipped", False)], False, (Verb.SUCCEED, None)),
        ([("succeeded", False), ("failed", False)], False, (Verb.FAIL, None)),
        ([("succeeded", False), ("failed", True)], False, (Verb.SUCCEED, None)),
        ([("skipped", False), ("skipped", False)], False, (Verb.SKIP, "all_skipped")),
        ([("succeeded", False), ("cancelled", False)], False, (Verb.CANCEL, None)),
        ([("failed", False), ("cancelled", False)], False, (Verb.FAIL, None)),
        ([("succeeded", False)], True, (Verb.CANCEL, None)),
    ],
)
def test_a_pipeline_ends_as_its_steps_did(children: Any, cancelled: bool, expected: Any) -> None:
    assert (
        plan.rollup([(State(state), None, teardown) for state, teardown in children], cancelled=cancelled)
        == expected
    )


# Small things -----------------------------------------------------------------------------------------


@given(st.integers(0, 10**13), st.integers(0, 10**7), st.text(max_size=5))
def test_jitter_is_later_by_less_than_it_may_and_always_the_same(
    at_ms: int, jitter_ms: int, name: str
) -> None:
    found = plan.jittered_ms(at_ms, jitter_ms, name)
    assert at_ms <= found <= at_ms + jitter_ms
    assert plan.jittered_ms(at_ms, jitter_ms, name) == found
    assert plan.jittered_ms(at_ms, None, name) == at_ms
