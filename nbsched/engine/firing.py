"""What a schedule's row and the instant say is to be done: from the store's words to `plan`'s and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nbsched.core import plan
from nbsched.core.errors import UsageError
from nbsched.core.instants import floor_ms, from_ms, to_ms
from nbsched.core.ledger import due_within, next_after
from nbsched.core.model import Event
from nbsched.core.triggers import trigger_of
from nbsched.store.schedules import Accounting

_TICK = timedelta(milliseconds=1)


def aware(at: datetime) -> datetime:
    """The instant, refused without a zone."""
    if at.tzinfo is None:
        raise UsageError(f"the instant {at.isoformat()} has no zone: give an aware datetime")
    return at


def whole_ms(now: datetime) -> datetime:
    """The instant without what is smaller than a millisecond, as the store counts."""
    return from_ms(floor_ms(now))


def accounting(
    row: Mapping[str, Any], now: datetime, live_since: datetime, events: Sequence[Event], until_seq: int
) -> Accounting:
    """What becomes of everything due by now: instants since `live_since` run, earlier ones were missed."""
    older, occurrences = _due(row, now, events)
    decisions = plan.due(
        occurrences, live_since=live_since, missed=row["missed"],
        catchup=timedelta(milliseconds=row["catchup_ms"]), now=now,
    )  # fmt: skip
    return _told(row, [older, *decisions] if older else decisions, now, until_seq)


def resuming(
    row: Mapping[str, Any], now: datetime, policy: str, events: Sequence[Event], until_seq: int
) -> Accounting:
    """What becomes of the instants that went by while the schedule was paused; `policy` is skip, latest or all."""
    older, occurrences = _due(row, now, events)
    reason = "missed" if row["paused"] == "kernel gone" else "paused"
    decisions = plan.account(
        occurrences, policy="none" if policy == "skip" else policy, reason=reason,
        not_before=now - timedelta(milliseconds=row["catchup_ms"]),
    )  # fmt: skip
    if older:
        decisions = plan.merged(older, reason, decisions)
    return _told(row, decisions, now, until_seq, resumed=True)


def _due(
    row: Mapping[str, Any], now: datetime, events: Sequence[Event]
) -> tuple[plan.NotRun | None, list[plan.Occurrence]]:
    trigger, after = trigger_of(row["trigger"]), from_ms(row["after_ms"])
    start, end = from_ms(row["start_ms"]), from_ms(row["end_ms"])
    older, found = due_within(trigger, after, now, start, end)
    found += [
        plan.Occurrence(at=event.at, previous=event.at, seq=event.seq, event=dict(event.data))
        for event in events
        if trigger.matches(event.name, event.data) and (start or event.at) <= event.at <= (end or event.at)
    ]
    return older, sorted(found, key=lambda item: (item.at, item.seq))


def _told(
    row: Mapping[str, Any],
    decisions: Sequence[plan.Decision],
    now: datetime,
    until_seq: int,
    *,
    resumed: bool = False,
) -> Accounting:
    until_ms = max(row["after_ms"], to_ms(now))
    following = next_after(
        trigger_of(row["trigger"]), from_ms(until_ms), from_ms(row["start_ms"]), from_ms(row["end_ms"])
    )
    return Accounting(
        schedule=row["name"], after_ms=row["after_ms"], after_seq=row["after_seq"], decisions=decisions,
        until_ms=until_ms, until_seq=max(until_seq, row["after_seq"]), next_ms=to_ms(following), resumed=resumed,
    )  # fmt: skip
