"""What a route is: what can be asked, what has to be given, what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbsched.engine.calls import Calls

Schema = Mapping[str, Any]
"""JSON Schema."""


def fields(*needed: str, **known: Schema) -> Schema:
    """A JSON object of these fields and no others."""
    return {"type": "object", "properties": known, "required": list(needed), "additionalProperties": False}


class Given(dict[str, Any]):
    """What was given, by name: the parts of the path, the query and the body; `root` is the server's folder."""

    root: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing to ask: `answer` is called in a worker thread and gives what is sent as JSON."""

    method: Literal["GET", "POST", "DELETE"] = "GET"
    path: str
    """Below the API's address; `{name}` stands for a part of it."""
    summary: str
    answer: Callable[[Calls, Given], Any]
    gives: Any = Any
    """The answer's type."""
    query: Schema = field(default_factory=fields)
    body: Schema = field(default_factory=fields)
    status: int = 200
