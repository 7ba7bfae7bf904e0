"""How pipelines must end, written from what the contract says and from nothing of the engine.

A disturbed run (cancelled, its host killed) may end in several ways: every step in one that fits how its needs
ended. Undisturbed, there is one for each step, so for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step: what it needs, and what it does when it runs."""

    name: str
    needs: tuple[str, ...] = ()
    rule: str | None = None
    teardown: bool = False
    wanted: bool = True
    """What its `when` comes to."""
    does: str = "succeeds"
    """`succeeds`, `skips` or `gives up`, once it has failed so often before:"""
    failures: int = 0
    retries: int = 0
    moment: str | None = None
    """What it does to its run the first time it is called: `cancels all`, `cancels itself` or `loses host`."""


@dataclass(frozen=True)
class End:
    """How a step ended; `tries` are its attempts that were not lost with their host."""

    state: str
    reason: str | None = None
    tries: int = 0


FAILURES = ("failed", "cancelled", "upstream_failed")


def met(rule: str, good: int, bad: int, skipped: int) -> bool:
    """What the rule asks of needs that have all ended."""
    needs = good + bad + skipped
    return needs == 0 or {
        "all_success": good == needs, "all_failed": bad == needs, "all_skipped": skipped == needs,
        "one_success": good > 0, "one_failed": bad > 0, "one_done": good + bad > 0,
        "none_failed": bad == 0, "none_skipped": skipped == 0,
        "none_failed_min_one_success": bad == 0 and good > 0, "all_done": True, "always": True,
    }[rule]  # fmt: skip


def why_not(rule: str, bad: int, skipped: int) -> str:
    """Why a step is skipped whose rule is not met: by a failure before a skip, unless the rule asked for those."""
    if rule in ("all_failed", "all_skipped"):
        return "rule"
    if bad and rule != "none_skipped":
        return "upstream_failed"
    return "upstream_skipped" if skipped else "rule"


def joined(node: Node, needs: Sequence[End]) -> End | None:
    """How the step ends without having run; None: it runs."""
    kinds = ["upstream_failed" if end.reason == "upstream_failed" else end.state for end in needs]
    bad, skipped = sum(kind in FAILURES for kind in kinds), kinds.count("skipped")
    rule = node.rule or ("all_done" if node.teardown else "all_success")
    if not met(rule, kinds.count("succeeded"), bad, skipped):
        return End("skipped", why_not(rule, bad, skipped))
    return None if node.wanted else End("skipped", "condition")


def carried_out(node: Node) -> End:
    """How the step ends when it has run: tried again after each failure as often as it may be."""
    if node.failures > node.retries:
        return End("failed", None, node.retries + 1)
    last = {
        "succeeds": ("succeeded", None),
        "skips": ("skipped", "not today"),
        "gives up": ("failed", "never"),
    }
    return End(*last[node.does], node.failures + 1)


def fits(node: Node, end: End, needs: Sequence[End], *, cancelled: bool) -> bool:
    """Whether the step may have ended so after these; `cancelled` says that its pipeline was."""
    if end.state == "cancelled":
        return cancelled or node.moment == "cancels itself"
    return end == (joined(node, needs) or carried_out(node))


def ends(nodes: Iterable[Node]) -> dict[str, End]:
    """How each step of an undisturbed run ends; each stands behind its needs."""
    found: dict[str, End] = {}
    for node in nodes:
        found[node.name] = joined(node, [found[need] for need in node.needs]) or carried_out(node)
    return found


def whole(nodes: Iterable[Node], found: Mapping[str, End], *, cancelled: bool) -> tuple[str, str | None]:
    """How the pipeline ends: as its steps did, but for teardowns, unless it was cancelled."""
    states = {found[node.name].state for node in nodes if not node.teardown}
    if cancelled:
        return "cancelled", None
    for state in ("failed", "cancelled"):
        if state in states:
            return state, None
    return ("skipped", "all_skipped") if states == {"skipped"} else ("succeeded", None)
