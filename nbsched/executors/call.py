"""Calling a function for a run: whatever it does becomes an outcome."""

from __future__ import annotations

import os
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context as Variables
from types import TracebackType
from typing import Any

import nbsched
from nbsched.core.errors import DefinitionError, Fail, RetryLater, Signal, Skip, ValueNotStorable
from nbsched.core.model import Error, Function, Outcome
from nbsched.core.policy import exception_name
from nbsched.executors.contract import Assignment
from nbsched.executors.current import CURRENT, Current, undisturbed, values_folder
from nbsched.executors.interrupt import Stretch
from nbsched.executors.lookup import FunctionGone
from nbsched.executors.values import is_flat, keep

_OURS = (os.path.dirname(nbsched.__file__), os.path.join(os.path.dirname(os.__file__), "asyncio"))

Find = Callable[[str], Callable[..., Any]]


def carry_out(assignment: Assignment, find: Find, stretch: Stretch | None = None) -> Outcome:
    """How the function ended, called in this thread with a context of its own."""
    work, context = assignment.work, assignment.context
    assert isinstance(work, Function)
    shield = stretch.undisturbed if stretch else undisturbed
    current = Current(context, assignment.report, values_folder(assignment.folder), shield)
    variables = Variables()

    def attempt() -> Outcome:
        return variables.run(_attempt, assignment, work, find, current, stretch)

    return stretch.run(attempt, context.run_id) if stretch else attempt()


def _attempt(
    assignment: Assignment, work: Function, find: Find, current: Current, stretch: Stretch | None
) -> Outcome:
    CURRENT.set(current)
    try:
        result = find(work.ref)(*work.args, **assignment.params)
        if not is_flat(result) and hasattr(result, "__await__"):
            result = _awaited(result, stretch)
        return _succeeded(result, current)
    except BaseException as error:
        return ended_by(error, current.values)


def _awaited(result: Awaitable[Any], stretch: Stretch | None) -> Any:
    import asyncio

    async def main() -> Any:
        return await result

    runner = asyncio.Runner()
    try:
        if stretch is None:
            return runner.run(main())
        stretch.undisturbed(runner.get_loop)  # half of a loop could not be closed
        loop = runner.get_loop()
        stretch.waits_in(lambda: loop.call_soon_threadsafe(_nothing))
        return runner.run(main())
    finally:
        if stretch is None:
            runner.close()
        else:
            stretch.waits_in(None)
            stretch.undisturbed(runner.close)


def _nothing() -> None: ...


def _succeeded(result: Any, current: Current) -> Outcome:
    """The keys of a mapping are values too."""
    if is_flat(result):
        return Outcome(kind="succeeded", result=result, values=current.values)
    if not isinstance(result, Mapping):
        return Outcome(kind="succeeded", result=keep(result, "result", current.folder), values=current.values)
    kept = {name: keep(value, str(name), current.folder) for name, value in result.items()}
    whole = keep(kept, "result", current.folder)
    return Outcome(kind="succeeded", result=whole, values=current.values | kept)


def ended_by(error: BaseException, values: Mapping[str, Any]) -> Outcome:
    """The outcome of work that raised the error."""
    if isinstance(error, Signal):
        return _signalled(error, values)
    if isinstance(error, KeyboardInterrupt):
        return Outcome(kind="interrupted", values=values, error=describe(error))
    if isinstance(error, SystemExit) and not error.code:
        return Outcome(kind="succeeded", values=values)
    return Outcome(
        kind="failed",
        values=values,
        error=describe(error),
        error_types=type_names(type(error)),
        reason="lost" if isinstance(error, FunctionGone) else None,
        fatal=isinstance(error, (DefinitionError, ValueNotStorable)),
    )


def _signalled(signal: Signal, values: Mapping[str, Any]) -> Outcome:
    text = str(signal) or None
    if isinstance(signal, Skip):
        return Outcome(kind="skipped", values=values, reason=text)
    if isinstance(signal, RetryLater):
        return Outcome(kind="retry_later", values=values, reason=text, delay=signal.delay)
    return Outcome(
        kind="failed",
        values=values,
        reason=text,
        error=describe(signal),
        error_types=type_names(type(signal)),
        fatal=isinstance(signal, Fail),
    )


def type_names(kind: type[BaseException]) -> tuple[str, ...]:
    """The class and its bases, each by the name that `retry_on` knows and by its plain one."""
    bases = [base for base in kind.__mro__ if issubclass(base, BaseException)]
    return tuple(dict.fromkeys(name for base in bases for name in (exception_name(base), base.__name__)))


def describe(error: BaseException) -> Error:
    """The error with its traceback from the user's code on, and the line of that code that led to it."""
    trace = traceback.TracebackException(type(error), error, _from_user_code(error.__traceback__))
    beginning = trace.stack[0].filename if trace.stack else None
    lines = [frame.line for frame in trace.stack if frame.filename == beginning]
    line = lines[-1] if lines else None
    return Error(type(error).__name__, _message(error), line=line, traceback="".join(trace.format()))


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as worse:
        return f"(its text cannot be had: {type(worse).__name__})"


def _from_user_code(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace
