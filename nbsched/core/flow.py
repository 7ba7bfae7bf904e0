"""Calls that shape the flow: tasks over several lists, and steps between which a value chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsched.core.conditions import Operand
from nbsched.core.errors import DefinitionError
from nbsched.core.references import Value
from nbsched.core.steps import BUILDING, StepHandle, handles
from nbsched.core.work import FunctionTask, task


def zip_map(task: Any, *lists: Any, **options: Any) -> Any:
    """The task over lists side by side: the first items of all, then the second ones."""
    return _task(task, "zip_map").map(*lists, **options)


def product_map(task: Any, *lists: Any, **options: Any) -> Any:
    """The task over every combination of the lists' items, the last list's items changing fastest."""
    return _task(task, "product_map").map(*lists, product=True, **options)


def _task(task: Any, call: str) -> Any:
    if not hasattr(task, "map"):
        raise DefinitionError(f"nb.{call} maps a task, not {task!r}: decorate the function with @nb.task")
    return task


def branch(choose: Any, paths: Mapping[Any, Any], default: Any = ()) -> StepHandle | Value:
    """Of the steps by key those run whose key the value of `choose` equals, or else the `default` ones.

    The others are skipped, reason `condition`. A task or function is called without arguments to choose.
    """
    if BUILDING.get() is None:
        raise DefinitionError("a branch is made of a pipeline's steps: write it inside a pipeline's block")
    chosen = choose if isinstance(choose, (StepHandle, Value)) else _choosing(choose)
    if not isinstance(paths, Mapping) or not paths:
        raise DefinitionError(
            f"a branch on {chosen!r} needs its steps by key: {{'big': train, 'small': skip}}"
        )
    others: Any = None
    for key, steps in paths.items():
        _only_if(chosen == key, steps)
        others = chosen != key if others is None else others & (chosen != key)
    _only_if(others, default)
    return chosen


def _choosing(choose: Any) -> StepHandle:
    if not callable(choose):
        raise DefinitionError(f"a branch is chosen by a step, a value or a task, not by {choose!r}: give one")
    made: StepHandle = (choose if isinstance(choose, FunctionTask) else task(choose))()
    return made


def _only_if(condition: Operand, steps: Any) -> None:
    for step in handles(steps):
        step.only_if(condition)
