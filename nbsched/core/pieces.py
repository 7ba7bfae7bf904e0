"""JSON in small pieces: one long call of the encoder would keep every other thread of the process waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

DEPTH = 3
"""So deep mappings are taken apart."""


def pieces(value: Any, depth: int = DEPTH) -> Iterator[str]:
    """The value's JSON, to be joined: mappings by name, lists by element; names are texts or numbers."""
    if isinstance(value, dict) and value and depth:
        before = "{"
        for name, one in value.items():
            yield f"{before}{_dumped(str(name))}:"
            yield from pieces(one, depth - 1)
            before = ","
        yield "}"
    elif isinstance(value, (list, tuple)) and value:
        before = "["
        for one in value:
            yield before + _dumped(one)
            before = ","
        yield "]"
    else:
        yield _dumped(value)


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
