"""What a cell has published and raised: passed on to the report, and read for how the attempt ended."""

from __future__ import annotations

import dataclasses
import linecache
import traceback
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal

from nbsched.core.errors import Fail, RetryLater, Skip
from nbsched.core.messages import OUTPUTS, SIGNAL_TYPE, VALUE_TYPE, without_colours
from nbsched.core.model import Error, Outcome
from nbsched.core.policy import exception_name
from nbsched.executors.contract import Report
from nbsched.executors.values import refer

_INTERRUPTS = frozenset({"KeyboardInterrupt", "CancelledError", "asyncio.exceptions.CancelledError"})


class Told:
    """Hears a cell's messages, in order; `outcome` then says how it ended."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._values: dict[str, Any] = {}
        self._signal: Mapping[str, Any] | None = None
        self._error: Mapping[str, Any] = {}

    def hear(self, msg_type: str, content: Mapping[str, Any]) -> None:
        """The report has the output; values, signals and errors are kept too."""
        if msg_type not in OUTPUTS:
            return
        if msg_type == "stream":
            self._report.output(content["text"], "stderr" if content["name"] == "stderr" else "stdout")
        elif msg_type == "error":
            self._error = content
        self._note(content.get("data", {}))
        self._report.display(_output(msg_type, content))

    def _note(self, data: Mapping[str, Any]) -> None:
        self._signal = data.get(SIGNAL_TYPE, self._signal)
        if VALUE_TYPE in data:
            name, value = data[VALUE_TYPE]["name"], refer(data[VALUE_TYPE]["value"])
            self._values[name] = value
            self._report.value(name, value)

    def timed_out(self, seconds: float, note: str) -> Outcome:
        message = f"the cell ran longer than {seconds:g} s" + (f"; it {note}" if note else "")
        error = Error("TimeoutError", message, traceback=self._traceback(None))
        return Outcome(kind="timeout", values=dict(self._values), error=error, error_types=("TimeoutError",))

    def outcome(self, raised: BaseException | None) -> Outcome:
        """How the cell ended that raised this, or nothing."""
        return dataclasses.replace(self._ending(raised), values=dict(self._values))

    def _ending(self, raised: BaseException | None) -> Outcome:
        signal = self._signal or _as_signal(raised)
        if signal is not None:
            return self._signalled(signal, raised)
        types = _types(raised) if raised else tuple(self._error.get("ename", "").split())
        if not types or (isinstance(raised, SystemExit) and not raised.code):
            return Outcome(kind="succeeded")
        kind: Literal["interrupted", "failed"] = "failed" if _INTERRUPTS.isdisjoint(types) else "interrupted"
        return Outcome(kind=kind, error=self._as_error(raised), error_types=types)

    def _signalled(self, signal: Mapping[str, Any], raised: BaseException | None) -> Outcome:
        reason = signal.get("reason") or None
        match signal["kind"]:
            case "skip":
                return Outcome(kind="skipped", reason=reason)
            case "retry_later":
                return Outcome(kind="retry_later", reason=reason, delay=timedelta(seconds=signal["delay_s"]))
        error = self._as_error(raised) if raised or self._error else Error("Fail", reason or "")
        types = _types(raised) if raised else ("Fail",)
        return Outcome(kind="failed", reason=reason, fatal=True, error=error, error_types=types)

    def _as_error(self, raised: BaseException | None) -> Error:
        if raised is None:
            return Error(self._error["ename"], self._error["evalue"], traceback=self._traceback(None))
        line = _failing_line(raised)
        return Error(type(raised).__name__, str(raised), line=line, traceback=self._traceback(raised))

    def _traceback(self, raised: BaseException | None) -> str:
        """As it was shown, without colours; an error that was shown in one line has that line."""
        shown = self._error.get("traceback") or (traceback.format_exception_only(raised) if raised else [])
        return without_colours("\n".join(shown))


def _output(msg_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The message as an output of a notebook; execution counts are the person's and left out."""
    output = {"output_type": msg_type, **content}
    if msg_type == "execute_result":
        output["execution_count"] = None
    if not output.get("transient", True):
        del output["transient"]
    return output


def _as_signal(raised: BaseException | None) -> dict[str, Any] | None:
    match raised:
        case Skip():
            return {"kind": "skip", "reason": str(raised)}
        case Fail():
            return {"kind": "fail", "reason": str(raised)}
        case RetryLater():
            return {"kind": "retry_later", "reason": raised.reason, "delay_s": raised.delay.total_seconds()}
    return None


def _types(raised: BaseException) -> tuple[str, ...]:
    """The names by which `retry_on` may know it: of its class and its bases, qualified and not."""
    kinds = [kind for kind in type(raised).__mro__ if issubclass(kind, BaseException)]
    return tuple(dict.fromkeys(name for kind in kinds for name in (exception_name(kind), kind.__name__)))


def _failing_line(raised: BaseException) -> str | None:
    """The line of the cell where it failed, or was not Python."""
    if isinstance(raised, SyntaxError) and raised.text:
        return raised.text.strip()
    frames = list(_frames(raised.__traceback__))
    cell = next((name for name, _, in_namespace in frames if in_namespace), None)
    lines = [number for name, number, _ in frames if name == cell]
    return linecache.getline(cell, lines[-1]).strip() or None if cell and lines else None


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int, bool]]:
    """File, line, and whether the frame is a cell's own, outermost first."""
    while trace is not None:
        frame = trace.tb_frame
        yield frame.f_code.co_filename, trace.tb_lineno, frame.f_globals.get("__name__") == "__main__"
        trace = trace.tb_next
