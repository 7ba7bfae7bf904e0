"""Which work the workers of another engine can carry out, and which only this host can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Map, Pipeline, Work
from nbsched.core.policy import INHERITED

LOCAL = "local"
_PORTABLE = frozenset({"notebook", "function", "shell"})


def is_portable(kind: str, where: str | None) -> bool:
    """Workers can carry out work of the kind; of a cell it matters where it runs."""
    return kind in _PORTABLE or (kind == "cell" and where == "process")


def goes_away(kind: str, where: str | None, policy: Mapping[str, Any]) -> bool:
    """Work of these options, among them those of what it is in, is sent to workers."""
    return policy.get("executor", LOCAL) != LOCAL and is_portable(kind, where)


def leaves(work: Work, policy: Mapping[str, Any]) -> Iterator[tuple[Work, Mapping[str, Any]]]:
    """What is carried out when work of these options runs, each with all its options."""
    if isinstance(work, Pipeline):
        for step in work.steps:
            yield from leaves(step.work, _inside(policy, step.work))
    elif isinstance(work, Map):
        yield from leaves(work.work, _inside(policy, work.work))
    else:
        yield work, policy


def _inside(around: Mapping[str, Any], work: Work) -> dict[str, Any]:
    return {**{name: value for name, value in around.items() if name in INHERITED}, **work.policy}


def refuse_out_of_reach(work: Work, policy: Mapping[str, Any]) -> None:
    """DefinitionError names a cell of a kernel that other engine's workers were to carry out."""
    for part, options in leaves(work, policy):
        executor = options.get("executor", LOCAL)
        if isinstance(part, Cell) and part.where != "process" and executor != LOCAL:
            raise DefinitionError(
                f"the cell {part.name!r} runs in its notebook's kernel, where the workers of {executor} cannot reach "
                "it: give it where='process' or executor='local'"
            )
