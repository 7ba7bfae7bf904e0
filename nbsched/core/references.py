"""References: what a parameter can be before its run is known (another step's value, the scheduled date)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

FACTS = ("scheduled_at", "scheduled_date", "interval_start", "interval_end", "run_id", "run_key")

Kind = Literal["step", "param", "fact", "event"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is looked up when the run starts.

    `step`: path (step,) for its result or (step, name) for a named value; `param`: (name,);
    `fact`: one of FACTS; `event`: the fields from the event's data inwards.
    """

    kind: Kind
    path: tuple[str, ...]

    def __getitem__(self, field: str) -> Reference:
        return Reference(self.kind, (*self.path, field))


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference in the value, in the order it is written."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from references_in(part)


def resolve(value: Any, lookup: Callable[[Reference], Any]) -> Any:
    """The value with every reference replaced by what `lookup` gives for it."""
    if isinstance(value, Reference):
        return lookup(value)
    if isinstance(value, Mapping):
        return {key: resolve(part, lookup) for key, part in value.items()}
    if isinstance(value, list):
        return [resolve(part, lookup) for part in value]
    if isinstance(value, tuple):
        return tuple(resolve(part, lookup) for part in value)
    return value
