"""A mapped step's items in numbers: how many there are by state, and that in words."""

from __future__ import annotations

from collections.abc import Mapping

from nbsched.core.states import FINAL, State

_FATES: Mapping[State, str] = {
    State.SUCCEEDED: "ok", State.FAILED: "failed", State.CANCELLED: "cancelled", State.SKIPPED: "skipped",
}  # fmt: skip


def ended(items: Mapping[str, int]) -> tuple[int, int]:
    """How many of the items have ended, and how many there are."""
    return sum(items.get(state, 0) for state in FINAL), sum(items.values())


def how_many(state: State, items: Mapping[str, int]) -> str:
    """`132 of 300 · 2 failed` while the mapped step goes on, `300 items` once it has ended."""
    done, total = ended(items)
    if state is State.SUCCEEDED or (state.final and total):
        return f"{total or 'no'} item{'' if total == 1 else 's'}"
    failed = items.get(State.FAILED, 0)
    return f"{done} of {total}{f' · {failed} failed' if failed else ''}" if total else ""


def fates(items: Mapping[str, int]) -> str:
    """`298 ok · 2 failed`; nothing when nothing else than success has come of the items."""
    if set(items) <= {State.SUCCEEDED}:
        return ""
    return " · ".join(f"{items[state]} {fate}" for state, fate in _FATES.items() if items.get(state))
