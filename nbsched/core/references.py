"""References: what a parameter can be before its run is known (another step's value, the scheduled date)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from nbsched.core.conditions import Condition, Operand, path_text
from nbsched.core.errors import DefinitionError

FACTS = ("scheduled_at", "scheduled_date", "interval", "interval_start", "interval_end", "run_id", "run_key")
ROOTS = {"step": "steps", "param": "params"}
"""How an expression spells a step or parameter whose bare name would not do: `steps['01-prepare']`."""

Kind = Literal["step", "param", "fact", "event", "item"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that is looked up when the run starts.

    `step`: path (step,) for its result or (step, name) for a named value; `param`: (name,);
    `fact`: one of FACTS; `event`: the fields from the event's data inwards; `item`: (name,) of what is mapped.
    """

    kind: Kind
    path: tuple[str, ...]

    def __getitem__(self, field: str) -> Self:
        if not isinstance(field, str):
            raise DefinitionError(f"{self.written}[{field!r}] is no named value: give the name as text")
        return replace(self, path=(*self.path, field))

    __iter__ = None  # or Python would ask for [0], [1], … without end
    __contains__ = None

    def __format__(self, spec: str) -> str:
        raise DefinitionError(
            f"the value of {self.written} is not known before the run, so it cannot be part of a text: "
            "pass it as a parameter or in env="
        )

    @property
    def written(self) -> str:
        """How a person writes it: `prepare['path']`."""
        first, *rest = (self.kind, *self.path) if self.kind == "event" else self.path
        return first + "".join(f"[{name!r}]" for name in rest)


scheduled_at = Reference("fact", ("scheduled_at",))
scheduled_date = Reference("fact", ("scheduled_date",))
interval = Reference("fact", ("interval",))
interval_start = Reference("fact", ("interval_start",))
interval_end = Reference("fact", ("interval_end",))
run_id = Reference("fact", ("run_id",))
run_key = Reference("fact", ("run_key",))
event = Reference("event", ())


@dataclass(frozen=True, slots=True, eq=False)
class Value(Operand, Reference):
    """A step's result or named value, or a pipeline's parameter, while its pipeline is being written."""

    owner: Any = field(default=None, repr=False)
    """The pipeline it belongs to; it says which of its parameters there are (`declared`)."""

    @property
    def condition(self) -> Condition:
        return Condition(self._text(), owners=frozenset({self.owner}))

    def _text(self) -> str:
        name = self.path[0]
        hidden = self.kind == "step" and name in self.owner.declared
        return path_text(ROOTS[self.kind], self.path, spelt_out=hidden or name in ROOTS.values())

    def plain(self) -> Reference:
        return Reference(self.kind, self.path)


def referred(path: Sequence[str], steps: Collection[str], params: Collection[str]) -> Reference | None:
    """What an expression's path means: a parameter before a step of that name; None when it is neither."""
    kinds: tuple[tuple[Kind, Collection[str]], ...] = (("param", params), ("step", steps))
    for kind, names in kinds:
        if len(path) > 1 and path[0] == ROOTS[kind] and path[1] in names:
            return Reference(kind, tuple(path[1:]))
    for kind, names in kinds:
        if path[0] in names:
            return Reference(kind, tuple(path))
    return None


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference in the value, in the order it is written."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from references_in(part)
    elif isinstance(value, (dict, Mapping)):  # asking for the abstract one alone takes long
        for part in value.values():
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
