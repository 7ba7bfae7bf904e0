"""Several items of a mapped function in one run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbsched.executors.lookup import find


def each(ref: str, same: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Any:
    """The list of what the function returns for each of the items; of an async function to be awaited."""
    function = find(ref)
    if inspect.iscoroutinefunction(function):
        return _each_awaited(function, same, items)
    return [function(**same, **item) for item in items]


async def _each_awaited(
    function: Callable[..., Any], same: Mapping[str, Any], items: Sequence[Mapping[str, Any]]
) -> list[Any]:
    return [await function(**same, **item) for item in items]
