"""A function in a process of its own: what is sent there, what it does there, and what comes back.

The request is pickled, for this very child over its own pipe; what comes back is JSON, and files.
"""

from __future__ import annotations

import linecache
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from nbsched.core.errors import DefinitionError
from nbsched.core.model import Context, Error, Function, Outcome
from nbsched.core.usage import Usage
from nbsched.executors.call import carry_out, ended_by
from nbsched.executors.contract import Assignment
from nbsched.executors.current import values_folder
from nbsched.executors.lookup import FILE_MARK, find
from nbsched.executors.values import read_left, refer, store_value, store_values
from nbsched.kernels.preloads import is_installed
from nbsched.kernels.worker import Send

ENTRY = f"{__name__}:serve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the child has to know of the assignment."""

    work: Function
    function: Callable[..., Any] | None
    """Only when the child cannot find it by its reference."""
    source: tuple[str, list[str]] | None
    context: Context
    params: Mapping[str, Any]
    folder: Path


def request(assignment: Assignment, work: Function) -> bytes:
    """The pickled request; DefinitionError when the function or an argument cannot be sent."""
    from cloudpickle import register_pickle_by_value

    from nbsched.executors.pickling import dumps

    function = find(work.ref) if work.bound else None
    code = getattr(function, "__code__", None)
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if hasattr(module, FILE_MARK):
        register_pickle_by_value(module)
    asked = Request(
        work=work,
        function=function,
        source=(code.co_filename, linecache.getlines(code.co_filename)) if code else None,
        context=assignment.context,
        params=assignment.params,
        folder=assignment.folder,
    )
    try:
        return dumps(asked)
    except Exception as error:
        raise DefinitionError(
            f"{work.name!r} cannot be sent to a process of its own ({error}): "
            "let it make what it needs itself, or use where='thread'"
        ) from None


def installed_modules(work: Function) -> tuple[str, ...]:
    """The installed modules that the function's own module has imported as such; what it will need."""
    function = find(work.ref) if work.bound else None
    modules = [one for one in getattr(function, "__globals__", {}).values() if isinstance(one, ModuleType)]
    return tuple(
        sorted(one.__name__ for one in modules if is_installed(getattr(one, "__file__", None) or ""))
    )


def serve(payload: bytes, send: Send) -> None:
    """The function has been called, in the child, and its outcome sent."""
    asked: Request = pickle.loads(payload)
    if asked.source:
        file, lines = asked.source
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    try:
        assignment = _assignment(asked, send)
    except Exception as error:
        outcome = ended_by(error, {})
    else:
        outcome = carry_out(assignment, lambda ref: asked.function or find(ref))
    send({"outcome": outcome_to_json(outcome, values_folder(asked.folder))})


def _assignment(asked: Request, send: Send) -> Assignment:
    """What was asked, with the frames and arrays that the starter has not read."""
    params = read_left(asked.params)
    return Assignment(
        work=replace(asked.work, args=read_left(asked.work.args)), context=replace(asked.context, params=params),
        params=params, folder=asked.folder, env={}, report=_SentReport(send, values_folder(asked.folder)),
        cell_timeout=None, grace=timedelta(),
    )  # fmt: skip


class _SentReport:
    """The report of work in the child; what it prints goes through the child's own streams."""

    def __init__(self, send: Send, folder: Path) -> None:
        self._send, self._folder = send, folder

    def started(self, pid: int) -> None: ...

    def progress(self, done: int, total: int, label: str = "", usage: Usage | None = None) -> None:
        self._send({"progress": [done, total, label]})

    def output(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        print(text, end="", file=getattr(sys, stream))

    def display(self, message: Mapping[str, Any]) -> None: ...

    def value(self, name: str, value: Any) -> None:
        self._send({"value": [name, store_value(value, name, self._folder)]})

    def output_file(self, path: Path) -> None: ...


def outcome_to_json(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """The outcome as JSON; its values have been kept already."""
    return {
        "kind": outcome.kind,
        "result": store_value(outcome.result, "result", folder),
        "values": store_values(outcome.values, folder),
        "error": outcome.error and outcome.error.to_json(),
        "error_types": outcome.error_types,
        "reason": outcome.reason,
        "delay_s": outcome.delay and outcome.delay.total_seconds(),
        "fatal": outcome.fatal,
    }


def outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    """The outcome that `outcome_to_json` was given; what lies in files is not read."""
    delay_s, error = data["delay_s"], data["error"]
    return Outcome(
        kind=data["kind"],
        result=refer(data["result"]),
        values={name: refer(value) for name, value in data["values"].items()},
        error=error and Error.from_json(error),
        error_types=tuple(data["error_types"]),
        reason=data["reason"],
        delay=None if delay_s is None else timedelta(seconds=delay_s),
        fatal=data["fatal"],
    )
