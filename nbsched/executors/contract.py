"""What an executor is given, what it may tell, and what it owes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from nbsched.core.model import Context, Outcome, Work
from nbsched.core.policy import Policy
from nbsched.core.redaction import Redaction
from nbsched.core.usage import Usage


class Report(Protocol):
    """What running work tells while it runs; every method may be called from any thread and never blocks.

    `usage` is given when a cell of a notebook has ended, once for each cell.
    """

    def started(self, pid: int) -> None: ...
    def progress(self, done: int, total: int, label: str = "", usage: Usage | None = None) -> None: ...
    def output(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None: ...
    def display(self, message: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...
    def output_file(self, path: Path) -> None: ...


@dataclass(slots=True, kw_only=True)
class Assignment:
    """One attempt, as it is handed to an executor: everything it needs and nothing of the store."""

    work: Work
    context: Context
    params: Mapping[str, Any]
    """Resolved: no references are left; dates and datetimes are typed."""
    folder: Path
    """This attempt's own folder; it exists."""
    env: Mapping[str, str]
    """To be laid over the environment of what is started: `NBSCHED_RUN` and so on, and secrets."""
    report: Report
    cell_timeout: timedelta | None
    grace: timedelta
    """Between the interrupt and the kill; set to nothing when the work is to be killed at once."""
    launch: str = "auto"
    """How its process comes to be, where it has one of its own."""
    redaction: Redaction = field(default_factory=Redaction)
    """For files that are written beside the report and the outcome, which are redacted for all."""
    policy: Policy = field(default_factory=Policy)
    """For executors elsewhere, which keep the time and have the secrets themselves."""


class Executor(Protocol):
    """A place where work runs.

    `execute` returns the outcome, never raises for what the work did, and is cancelled by its cancel
    scope: it then interrupts the work, waits `grace`, kills its process group, and lets the
    cancellation through only when nothing is running any more.
    """

    async def execute(self, assignment: Assignment) -> Outcome: ...
