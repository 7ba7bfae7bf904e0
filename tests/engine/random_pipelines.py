"""Random pipelines: drawn as nodes of the reference model, written for nbsched, and looked at when they have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import hypothesis.strategies as st

import nbsched as nb
from nbsched.core.policy import RULES
from tests.engine.reference import End, Node, fits, whole

AT_ONCE = ("one_success", "one_failed", "one_done", "always")
"""Rules that need not wait for all."""
NEED_SOMETHING = ("one_success", "one_failed", "one_done", "none_failed_min_one_success")


@st.composite
def nodes(draw: st.DrawFn, most: int, moments: Sequence[str] = ()) -> list[Node]:
    names = [f"s{at}" for at in range(draw(st.integers(1, most)))]
    found = []
    for at, name in enumerate(names):
        needs = draw(st.lists(st.sampled_from(names[:at]), unique=True, max_size=4)) if at else []
        rules = [rule for rule in RULES if needs or rule not in NEED_SOMETHING]
        found.append(Node(
            name=name, needs=tuple(needs), rule=draw(st.sampled_from([None, None, *rules])),
            teardown=draw(st.sampled_from([False] * 5 + [True])),
            wanted=draw(st.sampled_from([True] * 7 + [False])),
            does=draw(st.sampled_from(["succeeds"] * 5 + ["skips", "gives up"])),
            failures=draw(st.sampled_from([0] * 4 + [1, 2])), retries=draw(st.integers(0, 2)),
            moment=draw(st.sampled_from([*[None] * 5, *moments])),
        ))  # fmt: skip
    return found


OPTIONS = st.fixed_dictionaries({
    "slots": st.integers(1, 4),
    "max_parallel": st.sampled_from([None, None, 1, 2]),
    "wait": st.sampled_from(["0s", "1m"]),
    "delays": st.lists(st.sampled_from([0, 0, 0.001, 0.003]), min_size=1, max_size=5),
    "of": st.sampled_from(["acts", "acts_async"]),
})  # fmt: skip


def pipeline(found: Sequence[Node], options: Mapping[str, Any], works: ModuleType) -> Any:
    act, delays = nb.task(getattr(works, options["of"])), options["delays"]
    with nb.pipeline("random", params={"no": False}, max_parallel=options["max_parallel"]) as p:
        for at, node in enumerate(found):
            given: dict[str, Any] = {} if node.rule is None else {"rule": node.rule}
            step = act.options(
                name=node.name, when=None if node.wanted else p.params["no"], teardown=node.teardown,
                retries=node.retries, backoff=nb.Backoff(wait=options["wait"], jitter=0), priority=at % 2, **given,
            )(node.does, node.failures, node.moment, delays[at % len(delays)])  # fmt: skip
            step << [p.steps[need] for need in node.needs]
    return p


def failures(run: nb.Run) -> int:
    """How often the run has failed so far, by what its store says."""
    return [attempt.outcome for attempt in run.attempts].count("failed")


def ends_of(run: nb.Run) -> dict[str, End]:
    """How its steps ended; attempts that were lost with their host do not count."""
    return {name: End(step.state.value, step.reason, _tries(step)) for name, step in run.steps.items()}


def _tries(step: nb.Run) -> int:
    return sum(attempt.outcome != "lost" for attempt in step.attempts)


def check(run: nb.Run, found: Sequence[Node]) -> None:
    """The run has ended as it may, each step once, and none began before what it waits for had ended."""
    got, cancelled = ends_of(run), run.record.cancel_requested
    for node in found:
        needs = [got[need] for need in node.needs]
        assert fits(node, got[node.name], needs, cancelled=cancelled), (node, needs, got[node.name])
    assert (run.state, run.reason) == whole(found, got, cancelled=cancelled)
    _check_order(run, found)


def _check_order(run: nb.Run, found: Sequence[Node]) -> None:
    steps = run.steps
    log = {name: _events(step) for name, step in steps.items()}
    for node in found:
        told = log[node.name]
        assert [name for _, name in told].count(f"run.{steps[node.name].state}") == 1, (node, told)
        began = next((seq for seq, name in told if name == "run.started"), None)
        if began is not None and node.rule not in AT_ONCE:
            assert all(log[need][-1][0] < began for need in node.needs), (node, told)


def _events(step: nb.Run) -> list[tuple[int, str]]:
    """What happened to the step, in the order of everything that happened."""
    return step._runtime.database.read(
        lambda db: db.execute(
            "SELECT seq, name FROM events WHERE run = ? ORDER BY seq", (step.id,)
        ).fetchall()
    )
