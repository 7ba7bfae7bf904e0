"""Notebooks, and cells with a process of their own, executed by papermill in a fresh kernel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio
from anyio.lowlevel import checkpoint

from nbsched.core import sources
from nbsched.core.durations import duration_text
from nbsched.core.errors import UsageError
from nbsched.core.messages import NO_INPUT
from nbsched.core.model import Error, Outcome
from nbsched.core.usage import Usage
from nbsched.executors.contract import Assignment, Report
from nbsched.executors.prepared import Prepared, plain, prepare
from nbsched.executors.values import redact_file, refer
from nbsched.kernels.stop import StopSignal

if TYPE_CHECKING:
    from nbsched.kernels.client import Ending
    from nbsched.kernels.engine import Execution

_NOT_INHERITED = frozenset({
    "JPY_SESSION_NAME", "JPY_PARENT_PID",
    "NBSCHED_RUN", "NBSCHED_KEY", "NBSCHED_ATTEMPT", "NBSCHED_SCHEDULED_AT", "NBSCHED_CONTEXT",
})  # fmt: skip
"""What belongs to the kernel or the run that we are ourselves in."""
_TAIL = 2000
"""Characters of a dead kernel's log that are shown."""


class NotebookExecutor:
    """Runs `Notebook`, and `Cell` with `where="process"`."""

    async def execute(self, assignment: Assignment) -> Outcome:
        """How the attempt ended; when this is cancelled, its kernel is gone before the cancellation is felt."""
        stop = StopSignal()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_relay_cancellation, stop)
            outcome = await anyio.to_thread.run_sync(
                _attempt, assignment, stop, limiter=anyio.CapacityLimiter(1)
            )
            tasks.cancel_scope.cancel()
        if outcome.kind == "cancelled":
            await checkpoint()
        return outcome


async def _relay_cancellation(stop: StopSignal) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        stop.request()


def _attempt(assignment: Assignment, stop: StopSignal) -> Outcome:
    """The attempt, in a thread of its own."""
    try:
        prepared = prepare(assignment)
        return _executed(prepared, assignment, stop)
    except Exception as error:
        facts = Error(type(error).__name__, str(error))
        return Outcome(
            kind="failed", error=facts, error_types=_names(type(error)), fatal=isinstance(error, UsageError)
        )


def _names(kind: type[BaseException]) -> tuple[str, ...]:
    return _both_names([(base.__module__, base.__qualname__) for base in kind.__mro__])


def _both_names(bases: Any) -> tuple[str, ...]:
    """Each class by its own name and, but for built-in ones, by its qualified name too."""
    plain = [name for _, name in bases if name != "object"]
    qualified = [f"{module}.{name}" for module, name in bases if module != "builtins"]
    return (*plain, *qualified)


# --- the run itself ---


def _executed(prepared: Prepared, assignment: Assignment, stop: StopSignal) -> Outcome:
    from nbsched.kernels.engine import execute_notebook
    from nbsched.kernels.journal import notebook_node

    listener = _Listener(assignment.report)
    execution = _execution(prepared, assignment, stop, listener)
    assignment.report.output_file(prepared.output)
    ending = execute_notebook(
        notebook_node(prepared.notebook),
        execution,
        language=prepared.language,
        parameters=prepared.left,
    )
    if assignment.redaction:
        redact_file(_log_of(assignment), assignment.redaction)
    if prepared.copy and prepared.output.exists():
        copy_output(prepared.output, prepared.copy)
    return _outcome(ending, listener, assignment)


def _execution(
    prepared: Prepared, assignment: Assignment, stop: StopSignal, listener: _Listener
) -> Execution:
    from nbsched.kernels.engine import Execution
    from nbsched.kernels.journal import Journal
    from nbsched.kernels.launch import Launch
    from nbsched.kernels.preloads import imported_by

    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    env = {**inherited, **assignment.env}
    limit = assignment.cell_timeout
    return Execution(
        launch=Launch(
            kernel=prepared.kernel,
            cwd=prepared.cwd,
            env=env,
            log=_log_of(assignment),
            modules=imported_by(map(sources.source_text, sources.code_cells(prepared.notebook))),
            way=assignment.launch,
        ),
        source=prepared.source,
        parameters=plain(prepared.values),
        journal=Journal(prepared.output, assignment.redaction),
        listener=listener,
        cell_timeout_s=limit.total_seconds() if limit is not None else None,
        grace_s=assignment.grace.total_seconds(),
        stop=stop,
    )


def _log_of(assignment: Assignment) -> Path:
    return assignment.folder / "kernel.log"


def copy_output(output: Path, target: Path) -> None:
    """The output notebook lies at the target too."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    beside.touch(mode=0o600)
    shutil.copyfile(output, beside)
    os.replace(beside, target)


class _Listener:
    """Turns what a kernel tells into what a report takes, and remembers what the outcome needs."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.values: dict[str, Any] = {}
        self.cells: dict[int, Mapping[str, Any]] = {}
        self.numbers: dict[int, int] = {}

    def started(self, notebook: Mapping[str, Any], pid: int | None) -> None:
        """The notebook's own code cells are numbered from 1; what was injected is not counted."""
        for index, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                self.cells[index] = cell
                if not sources.tagged(cell, sources.INJECTED_TAG):
                    self.numbers[index] = len(self.numbers) + 1
        if pid is not None:
            self._report.started(pid)

    def cell_started(self, index: int) -> None:
        if index in self.numbers:
            number = self.numbers[index]
            self._report.progress(number - 1, len(self.numbers), f"cell {number}")

    def cell_ended(self, index: int, usage: Usage) -> None:
        if index in self.numbers:
            number = self.numbers[index]
            self._report.progress(number, len(self.numbers), f"cell {number}", usage)

    def shown(self, output: Mapping[str, Any]) -> None:
        if output["output_type"] == "stream":
            self._report.output(output["text"], "stderr" if output["name"] == "stderr" else "stdout")
        self._report.display(output)

    def value(self, name: str, value: Any) -> None:
        self.values[name] = refer(value)
        self._report.value(name, self.values[name])


# --- after ---


def _outcome(ending: Ending, listener: _Listener, assignment: Assignment) -> Outcome:
    values = listener.values
    if ending.kind == "signal":
        return _signalled(ending.signal or {}, values)
    if ending.good:
        return Outcome(kind="succeeded", values=values)
    error = _error(ending, listener, assignment)
    if ending.kind == "timeout":
        return Outcome(
            kind="timeout", reason="timeout", values=values, error=error, error_types=_names(TimeoutError)
        )
    if ending.kind == "stopped":
        return Outcome(kind="cancelled", values=values, error=error)
    names = _both_names(ending.bases) or (ending.ename,)
    kind: Literal["interrupted", "failed"] = "interrupted" if "KeyboardInterrupt" in names else "failed"
    return Outcome(kind=kind, values=values, error=error, error_types=names)


def _signalled(signal: Mapping[str, Any], values: Mapping[str, Any]) -> Outcome:
    reason = signal.get("reason") or None
    if signal["kind"] == "skip":
        return Outcome(kind="skipped", reason=reason, values=values)
    if signal["kind"] == "retry_later":
        delay = timedelta(seconds=signal.get("delay_s") or 0)
        return Outcome(kind="retry_later", delay=delay, reason=reason, values=values)
    return Outcome(kind="failed", fatal=True, reason=reason, values=values, error=Error("Fail", reason or ""),
                   error_types=("Fail",))  # fmt: skip


def _error(ending: Ending, listener: _Listener, assignment: Assignment) -> Error:
    cell = listener.cells.get(-1 if ending.index is None else ending.index, {})
    number = listener.numbers.get(-1 if ending.index is None else ending.index)
    line = sources.failing_line(cell.get("source", ""), ending.traceback, cell.get("execution_count"))
    kind, message = ending.ename, ending.evalue
    if ending.kind == "timeout" and assignment.cell_timeout is not None:
        limit = duration_text(assignment.cell_timeout)
        kind, message = "TimeoutError", f"cell {number} ran longer than its cell_timeout of {limit}"
    if kind == "StdinNotImplementedError":
        message = NO_INPUT
    traceback = "\n".join(ending.traceback) or (_log_tail(assignment) if ending.kind == "died" else "")
    return Error(kind, message, cell=number, line=line, traceback=traceback)


def _log_tail(assignment: Assignment) -> str:
    try:
        return _log_of(assignment).read_text("utf-8", errors="replace")[-_TAIL:]
    except OSError:
        return ""
