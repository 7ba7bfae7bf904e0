"""Functions that exported pipelines find by their file."""

from __future__ import annotations

from typing import Any

import nbsched as nb


def plain(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


def positional(first: Any, second: Any = 2, /, third: Any = 3) -> Any:
    return first, second, third


@nb.task(retries=2, where="process")
def evaluate(value: Any = None, day: Any = None) -> dict[str, Any]:
    return {"value": value, "day": day}


async def later(value: Any) -> Any:
    return value
