"""The nouns, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from nbsched.core import ports
from nbsched.core.estimate import Estimate
from nbsched.core.states import State

Place = Literal["kernel", "thread", "process"]


class Error(str):
    """What went wrong, as the line people read (`KeyError: 'amount'`), with its facts as attributes."""

    type: str
    message: str
    cell: int | None
    line: str | None
    traceback: str

    def __new__(
        cls, type: str, message: str, *, cell: int | None = None, line: str | None = None, traceback: str = ""
    ) -> Self:
        self = super().__new__(cls, f"{type}: {message}" if message else type)
        self.type, self.message, self.cell, self.line, self.traceback = type, message, cell, line, traceback
        return self

    def to_json(self) -> dict[str, Any]:
        return {"type": self.type, "message": self.message, "cell": self.cell, "line": self.line,
                "traceback": self.traceback}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended, as its executor saw it; what follows is decided by `plan.verdict`.

    `kind` `failed` may be retried by policy unless `fatal`; `retry_later` always is, after `delay`;
    `lost` means its host or process went away; `interrupted` that a person's Ctrl-C ended it; `not_yet`
    that what a sensor looks for is not there: it looks again after `delay`, and nothing has happened.
    """

    kind: Literal[
        "succeeded",
        "failed",
        "skipped",
        "retry_later",
        "lost",
        "interrupted",
        "timeout",
        "cancelled",
        "not_yet",
    ]
    result: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    error: Error | None = None
    error_types: tuple[str, ...] = ()
    """Names of the exception's class and its bases, for `retry_on` and `fatal`."""
    reason: str | None = None
    delay: timedelta | None = None
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What running work can ask of itself (`nb.context()`); JSON-able through `core.wire`."""

    run_id: int
    attempt: int
    scheduled_at: datetime
    interval: tuple[datetime, datetime]
    params: Mapping[str, Any]
    pipeline: str | None
    step: str | None
    key: str | None
    event: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that can be run: its name, the parameters it gets and the policy options it was given."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Only what was given, normalised; `Policy.of` adds the defaults."""

    def run(self, params: Mapping[str, Any] | None = None, **policy: Any) -> Any:
        """A run of this work, started now."""
        return ports.start(self, params, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Work):
    """A cell's source, run in this kernel, in a thread of it, or as a one-cell notebook in a process."""

    source: str
    where: Place = "kernel"
    cell_id: str | None = None
    notebook: str | None = None
    """Whose kernel: the key of the notebook (see jupyter.identity)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook(Work):
    """A whole notebook, run by papermill in a fresh kernel; `path` is absolute."""

    path: str
    output: str | None = None
    kernel: str | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function(Work):
    """A function, found by `ref`: `/abs/file.py:name`, `module:name`, or `__main__:name` (this process only).

    Positional arguments are kept in `args`.
    """

    ref: str
    where: Literal["thread", "process"] = "thread"
    args: tuple[Any, ...] = ()

    @property
    def bound(self) -> bool:
        """Only the process that defined it can find it."""
        return self.ref.startswith("__main__:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell(Work):
    """A command line under `bash -eo pipefail`."""

    command: str
    env: Mapping[str, Any] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Work):
    """A sensor: waits for a trigger, for files, or until a function's answer is true; exactly one is given."""

    trigger: str | None = None
    """Its text with every zone named."""
    files: str | None = None
    """An absolute pattern."""
    settle: str = "1s"
    """So long has none of the files changed."""
    ref: str | None = None
    """The function, found as `Function.ref` is."""
    poke: str = "30s"
    """So often files and functions are looked at."""
    match: Literal["next", "latest", "same_interval"] = "next"
    """Which ends of another work count: those from now on, the last one too, or that of the same interval."""

    @property
    def bound(self) -> bool:
        """Only the process that defined it can find its function."""
        return self.ref is not None and self.ref.startswith("__main__:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Work):
    """Waits for a person's answer, of a type or one of some choices."""

    message: str
    type: str = "bool"
    """A type's name, or `choice`."""
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(Work):
    """A work once for each item of lists that may be known only at run time; its result is the list of results."""

    work: Work
    """What each item is given to: where it stands in the parameters is a reference of the kind `item`."""
    over: Mapping[str, Any]
    """By the item's name: a list, or a reference to one."""
    product: bool = False
    """Every combination, the last list's items changing fastest, instead of the lists side by side."""
    chunk: int | None = None
    """So many items are one run of a function."""
    max_parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of a pipeline: its work, what it needs and when it runs."""

    name: str
    work: Work
    needs: tuple[str, ...] = ()
    """Names of the steps before it, each once, in the order given."""
    when: str | None = None
    """An expression's text; false: the step is skipped, reason `condition`."""
    setup: bool = False
    teardown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline(Work):
    """A DAG of steps in the order of their definition; checked, so it has no cycle and no unknown name."""

    steps: tuple[Step, ...]
    declared: Mapping[str, Any] = field(default_factory=dict)
    """The pipeline's parameters: a default, or a type's name as `{"$type": "int"}` where one is required."""
    max_parallel: int | None = None


def parts(work: Work) -> Iterator[Work]:
    """The work and all that it is made of: the works of its steps, what a mapped step carries out."""
    yield work
    if isinstance(work, Pipeline):
        for step in work.steps:
            yield from parts(step.work)
    elif isinstance(work, Map):
        yield from parts(work.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as the store has it; instants are aware."""

    id: int
    name: str
    kind: str
    """One of `core.definitions.KINDS`."""
    state: State
    reason: str | None
    schedule: str | None
    pipeline: str | None
    step: str | None
    index: int | None
    parent: int | None
    retry_of: int | None
    attempt: int
    scheduled_at: datetime
    until: datetime | None
    count: int
    created_at: datetime
    not_before: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    key: str | None
    priority: int
    retries: int
    cancel_requested: bool
    params: Mapping[str, Any]
    result: Any
    values: Mapping[str, Any]
    error: Error | None
    output: str | None
    progress: tuple[int, int, str] | None
    waits_for: Wait | Approval | None = None
    """What it waits for, until it has ended."""
    late: bool = False
    """It has not ended when it should have."""
    estimate: Estimate | None = None
    """Of a notebook that runs, once one has run before."""

    @property
    def origin(self) -> int:
        """Whose values, files and parts it has: its own, or those of the run it was taken over from."""
        taken = self.retry_of if self.reason in ("reused", "cached") else None
        return taken or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try of a run."""

    number: int
    host: str
    pid: int | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    error: Error | None
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """A schedule as the store has it."""

    name: str
    trigger: str
    tz: str | None
    next_at: datetime | None
    paused: str | None
    overlap: str
    missed: str
    catchup: timedelta
    jitter: timedelta | None
    start: datetime | None
    end: datetime | None
    limit: int | None
    fired: int
    last_run: int | None
    created_at: datetime
    notebook: str | None


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `seq` rises by the order of happening, `data` is the reader's own copy."""

    id: str
    name: str
    at: datetime
    seq: int
    data: Mapping[str, Any]
    key: str | None = None
    """Of the run that alone it is meant for, when it is a signal."""
