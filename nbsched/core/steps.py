"""Steps while their pipeline is being written: handles, the edges between them, groups and chains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from nbsched.core.checks import expression
from nbsched.core.conditions import Condition, Operand
from nbsched.core.errors import DefinitionError
from nbsched.core.mapping import mapped
from nbsched.core.model import Function, Map, Shell, Step, Work
from nbsched.core.references import Value
from nbsched.core.wire import encode

_NAME = {
    "step": re.compile(r"\w[\w-]*(?: +[\w-]+)*"),
    "pipeline": re.compile(r"\w[\w.-]*(?: +[\w.-]+)*"),
}
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Draft:
    """A pipeline as it grows: its steps by name, each name once, until it is closed."""

    def __init__(self, name: str, declared: Mapping[str, Any]) -> None:
        self.name, self.declared = name, declared
        self.steps: dict[str, StepHandle] = {}
        self.open = True
        self._used: dict[str, int] = {}

    def add(self, work: Work, name: str | None, options: Mapping[str, Any]) -> StepHandle:
        """The step's handle; unnamed work is named after its own name, numbered when that is taken."""
        self.must_be_open(f"a step {work.name!r} comes too late")
        found = self._explicit(name) if name is not None else self._numbered(step_name(work.name))
        when, setup, teardown = step_options(found, options, self)
        step = Step(name=found, work=settled(work, found, self), when=when, setup=setup, teardown=teardown)
        self.steps[found] = handle = StepHandle(step, self)
        return handle

    def must_be_open(self, trouble: str) -> None:
        if not self.open:
            raise DefinitionError(f"pipeline {self.name!r} is complete, {trouble}: write it inside its block")

    def _explicit(self, name: str) -> str:
        check_name("step", name)
        if name in self.steps:
            raise DefinitionError(f"pipeline {self.name!r} already has a step {name!r}: rename one of them")
        return name

    def _numbered(self, stem: str) -> str:
        number = self._used.get(stem, 0) + 1
        while (name := stem if number == 1 else f"{stem}_{number}") in self.steps:
            number += 1
        self._used[stem] = number
        return name


BUILDING: ContextVar[Draft | None] = ContextVar("nbsched_pipeline", default=None)


class StepHandle(Operand):
    """A step of a pipeline that is being written: edges by `>>` and `<<`, its values by `step["name"]`."""

    __slots__ = ("_draft", "_needs", "_step")

    def __init__(self, step: Step, draft: Draft) -> None:
        self._step, self._draft = step, draft
        self._needs: dict[str, None] = {}

    @property
    def name(self) -> str:
        return self._step.name

    @property
    def step(self) -> Step:
        """The step as data, with the edges given so far."""
        return replace(self._step, needs=tuple(self._needs)) if self._needs else self._step

    @property
    def result(self) -> Value:
        return Value("step", (self.name,), self._draft)

    @property
    def condition(self) -> Condition:
        return self.result.condition

    @property
    def draft(self) -> Draft:
        return self._draft

    def carry_out(self, work: Work) -> None:
        """The step's work is this one, under the step's name."""
        self._draft.must_be_open(f"other work for {self.name!r} comes too late")
        self._step = replace(self._step, work=settled(work, self.name, self._draft))

    def only_if(self, condition: Operand) -> None:
        """The step runs only if this holds too."""
        self._draft.must_be_open(f"a condition of {self.name!r} comes too late")
        new = _when(self.name, condition, self._draft)
        old = self._step.when
        self._step = replace(self._step, when=new if old is None else f"({old}) and ({new})")

    def map(self, *, product: bool = False, max_parallel: int | None = None, **lists: Any) -> StepHandle:
        """This step, carried out once for each item of the lists, given by the names of its parameters.

        Of a shell command the names are of variables. A list may be a step or a value, known only at run time.
        """
        self.carry_out(mapped(self._step.work, lists, product=product, max_parallel=max_parallel))
        return self

    def need(self, others: Iterable[StepHandle]) -> None:
        self._draft.must_be_open(f"an edge to {self.name!r} comes too late")
        for other in others:
            _same_pipeline(other, self.name, self._draft)
            self._needs[other.name] = None

    def __getitem__(self, name: str) -> Value:
        return self.result[name]

    __iter__ = None  # or Python would ask for [0], [1], … without end
    __contains__ = None

    def __format__(self, spec: str) -> str:
        return format(self.result, spec)

    def __repr__(self) -> str:
        return f"<step {self.name!r} of pipeline {self._draft.name!r}>"

    def __rshift__(self, other: Any) -> Any:
        return link([self], other)

    def __rrshift__(self, other: Any) -> StepHandle:
        self.need(handles(other, self.name))
        return self

    def __lshift__(self, other: Any) -> Any:
        self.need(handles(other, self.name))
        return _returned(other)

    def __rlshift__(self, other: Any) -> StepHandle:
        link([self], other)
        return self


class Group(list[StepHandle]):
    """Steps that are handled as one: every edge to or from the group is one to or from each of them."""

    def __rshift__(self, other: Any) -> Any:
        return link(self, other)

    def __rrshift__(self, other: Any) -> Group:
        link(handles(other), self)
        return self

    def __lshift__(self, other: Any) -> Any:
        link(handles(other), self)
        return _returned(other)

    def __rlshift__(self, other: Any) -> Group:
        link(self, other)
        return self


def handles(value: Any, beside: str = "") -> list[StepHandle]:
    """The step or steps of the value; DefinitionError, which names the one `beside`, when it holds something else."""
    if isinstance(value, StepHandle):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, (str, Mapping)):
        place = f" beside step {beside!r}" if beside else ""
        raise DefinitionError(f"{value!r}{place} is not a step: put steps or lists of steps beside >> and <<")
    return [step for part in value for step in handles(part, beside)]


def link(before: Iterable[StepHandle], after: Any) -> Any:
    """Every step of `after` needs every step of `before`; gives `after` back, so that the chain can go on."""
    needed = list(before)
    for step in handles(after, needed[-1].name if needed else ""):
        step.need(needed)
    return _returned(after)


def _returned(value: Any) -> Any:
    return value if isinstance(value, StepHandle) else Group(handles(value))


def group(steps: Iterable[StepHandle]) -> Group:
    """The steps as one group."""
    return Group(handles(steps))


def chain(*parts: Any) -> Any:
    """Each part runs after the one before it; the last is given back. One list alone is the chain itself."""
    found = list(parts[0]) if len(parts) == 1 and not isinstance(parts[0], StepHandle) else list(parts)
    if not found:
        raise DefinitionError("a chain needs a step: give steps, or lists of steps, in their order")
    last = found[0] if isinstance(found[0], StepHandle) else Group(handles(found[0]))
    for part in found[1:]:
        last = link(handles(last), part)
    return last


# Names ------------------------------------------------------------------------------------------------


def check_name(kind: Literal["step", "pipeline"], name: object) -> str:
    """The name; DefinitionError unless it can be written in magics (`PIPELINE.STEP`) and in expressions."""
    if not isinstance(name, str) or not _NAME[kind].fullmatch(name) or len(name) > 200:
        raise DefinitionError(
            f"{name!r} cannot name a {kind}: use up to 200 letters, digits, '_', '-' and inner spaces"
        )
    return name


@lru_cache(maxsize=1024)
def step_name(text: str) -> str:
    """The text as a step's name, what cannot be in one replaced."""
    return re.sub(r"[^\w-]+", "_", text).strip("_-")[:200] or "step"


# What a step is given ---------------------------------------------------------------------------------


def settled(work: Work, name: str, draft: Draft | None) -> Work:
    """The work under the name, its arguments plain data: steps and values in them are references."""
    given: dict[str, Any] = {"params": data(work.params, name, draft)}
    if isinstance(work, Map):
        given["over"] = data(work.over, name, draft)
        work = replace(work, work=settled(work.work, name, draft))
    if isinstance(work, Function):
        given["args"] = data(work.args, name, draft)
    if isinstance(work, Shell):
        given["env"] = data(work.env, name, draft)
    for field in given.values():
        _refuse_unstorable(field, name)
    return replace(work, name=name, **given)


def _refuse_unstorable(arguments: Any, taker: str) -> None:
    named = arguments.items() if isinstance(arguments, Mapping) else enumerate(arguments)
    for name, value in named:
        encode(value, f"{taker}.{name}")


def data(value: Any, taker: str, draft: Draft | None) -> Any:
    """A copy with references for the steps and values in it; refused when they are another pipeline's."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (StepHandle, Value)):
        reference = value.result if isinstance(value, StepHandle) else value
        _same_pipeline(reference, taker, draft)
        return reference.plain()
    if isinstance(value, Condition):
        raise DefinitionError(
            f"{taker!r} is given the expression {value.text!r}: they stand in when= only, work it out in a step"
        )
    if isinstance(value, (list, tuple)):
        parts = [data(part, taker, draft) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, (dict, Mapping)):  # asking for the abstract one alone takes long
        return {key: data(part, taker, draft) for key, part in value.items()}
    return value.item() if _is_scalar(value) else value


def _is_scalar(value: Any) -> bool:
    """A number of a library such as numpy, which has a plain one in it."""
    return getattr(value, "shape", None) == () and hasattr(value, "item")


def _same_pipeline(taken: StepHandle | Value, taker: str, draft: Draft | None) -> None:
    owner = taken.draft if isinstance(taken, StepHandle) else taken.owner
    if owner is not draft:
        what = repr(taken.name) if isinstance(taken, StepHandle) else taken.written
        place = f"in pipeline {draft.name!r}" if draft else "outside of it"
        raise DefinitionError(
            f"{taker!r} {place} needs {what} of pipeline {owner.name!r}, which it can never reach: "
            "use steps and parameters of one pipeline together, inside its block"
        )


def step_options(name: str, options: Mapping[str, Any], draft: Draft) -> tuple[str | None, bool, bool]:
    """`when` as text, `setup` and `teardown`."""
    if not options:
        return None, False, False
    setup, teardown = (_flag(name, option, options.get(option, False)) for option in ("setup", "teardown"))
    if setup and teardown:
        raise DefinitionError(f"step {name!r} cannot be both setup and teardown: choose one")
    return _when(name, options.get("when"), draft), setup, teardown


def _flag(name: str, option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise DefinitionError(
            f"step {name!r}: {option} {value!r} is neither True nor False: give one of them"
        )
    return value


def _when(name: str, when: object, draft: Draft) -> str | None:
    if when is None:
        return None
    if isinstance(when, Operand):
        _same_owners(when.condition, name, draft)
        return expression(name, when.condition.text).text
    if isinstance(when, str):
        return expression(name, when).text
    raise DefinitionError(
        f"step {name!r}: when={when!r} is neither a condition nor its text: write it like score > 0.9"
    )


def _same_owners(condition: Condition, name: str, draft: Draft) -> None:
    for owner in condition.owners - {draft}:
        raise DefinitionError(
            f"step {name!r} of pipeline {draft.name!r} has the condition {condition.text!r} on pipeline "
            f"{owner.name!r}, which it can never read: use steps and parameters of its own pipeline"
        )
