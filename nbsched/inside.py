"""What running work can ask and say: `emit`, `context`, `skip`, `fail`, `retry_later`.

The work may be a function (its thread or process knows), a notebook that a run executes, a cell that is
executed in the user's kernel, or nothing of ours: a notebook that is being written.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from nbsched.core.durations import duration
from nbsched.core.errors import Fail, RetryLater, Signal, Skip, UsageError, ValueNotStorable
from nbsched.core.messages import SHOWN_TYPE, SIGNAL_TYPE, VALUE_TYPE
from nbsched.core.model import Context
from nbsched.core.wire import encode
from nbsched.executors.current import CURRENT, context_from, values_folder
from nbsched.executors.values import INLINE_LIMIT, check_storable, store_value

_SHOWN = 2000
"""Characters of a value's text that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext(Context):
    """The context of the run that asks, and its log."""

    log: logging.Logger


def emit(**values: Any) -> None:
    """The values are the run's, by their names; outside a run they are only shown, and in the outputs of the cell."""
    current = CURRENT.get()
    for name, value in values.items():
        if current is not None:
            current.emit(name, value)
        else:
            _show(name, value)


def context() -> RunContext:
    """The run that the caller belongs to; UsageError outside any run."""
    current = CURRENT.get()
    if current is not None:
        return _run_context(current.context, lambda line: current.output(line, "stderr"))
    data = _surroundings()
    if data is None:
        raise UsageError("nb.context() is known only inside a run: start it with nb.run() or a schedule")
    return _run_context(context_from(data), sys.stderr.write)


def skip(reason: str = "") -> NoReturn:
    """Ends the run as skipped."""
    _signal(Skip(reason), {"kind": "skip", "reason": reason})


def fail(reason: str = "") -> NoReturn:
    """Ends the run as failed; it is never retried."""
    _signal(Fail(reason), {"kind": "fail", "reason": reason})


def retry_later(delay: str | float | timedelta, reason: str = "") -> NoReturn:
    """Ends the attempt; the run is tried again after `delay`."""
    wait = duration(delay, "delay")
    _signal(
        RetryLater(wait, reason), {"kind": "retry_later", "reason": reason, "delay_s": wait.total_seconds()}
    )


def _surroundings() -> Mapping[str, Any] | None:
    """The context, as JSON, of the cell or process that the caller is in."""
    cell = _cell_context()
    if cell is not None:
        return cell
    text = os.environ.get("NBSCHED_CONTEXT")
    if not text or "NBSCHED_RUN" not in os.environ:
        return None
    found: Mapping[str, Any] = json.loads(text)
    return found


def _cell_context() -> Mapping[str, Any] | None:
    """The context of the cell that nbsched executes here; only a kernel has loaded that module."""
    module = sys.modules.get("nbsched.executors.cell")
    ask: Callable[[], Mapping[str, Any] | None] | None = getattr(module, "current_cell_context", None)
    return ask() if ask else None


def _show(name: str, value: Any) -> None:
    data = _surroundings()
    if data is None:
        check_storable(value, name)
        _display(_readable(name, value), _text(name, value))
    elif not _in_kernel():
        raise UsageError(
            f"nb.emit({name}=…) is not heard from a command: print it as the command's last line"
        )
    else:
        stored = store_value(value, name, values_folder(Path(data["folder"])))
        _display({VALUE_TYPE: {"name": name, "value": stored}}, _text(name, value))


def _readable(name: str, value: Any) -> dict[str, Any]:
    """What others who execute a notebook, such as papermill alone, can read of the value; nothing of a large one."""
    try:
        plain = encode(value, name)
    except ValueNotStorable:
        return {}
    return {SHOWN_TYPE: {"name": name, "value": plain}} if len(json.dumps(plain)) <= INLINE_LIMIT else {}


def _signal(signal: Signal, facts: Mapping[str, Any]) -> NoReturn:
    if CURRENT.get() is None and _in_kernel() and _surroundings() is not None:
        _display({SIGNAL_TYPE: dict(facts)}, f"{facts['kind']}: {signal}")
    raise signal


def _text(name: str, value: Any) -> str:
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return f"{name} =\n{shown}" if "\n" in shown else f"{name} = {shown}"


def _in_kernel() -> bool:
    """Whether what is displayed here is seen by whoever runs the notebook."""
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell else None
    return getattr(found, "kernel", None) is not None


def _display(bundle: Mapping[str, Any], text: str) -> None:
    if not _in_kernel():
        sys.stdout.write(f"{text}\n")
        return
    from IPython.display import display

    display({**bundle, "text/plain": text}, raw=True)


class _RunLog(logging.Handler):
    """Lines of the run's log."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(self.format(record) + "\n")


def _run_context(context: Context, tell: Callable[[str], object]) -> RunContext:
    log = logging.Logger(f"nbsched.run.{context.run_id}", logging.INFO)  # out of reach of others' handlers
    log.addHandler(_RunLog(tell))
    return RunContext(**{item.name: getattr(context, item.name) for item in fields(Context)}, log=log)
