"""The attempt that the code asking belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from nbsched.core.model import Context
from nbsched.core.wire import encode
from nbsched.executors.contract import Report
from nbsched.executors.values import keep, load_value, shrink


@dataclass(slots=True)
class Current:
    """A running attempt as its own code sees it."""

    context: Context
    report: Report
    folder: Path
    """Where its values lie that are files."""
    undisturbed: Callable[..., None]
    """Calls what may not be broken off in the middle by an interrupt of the attempt."""
    values: dict[str, Any] = field(default_factory=dict)
    """What it has emitted, kept as it was then."""

    def emit(self, name: str, value: Any) -> None:
        self.values[name] = kept = keep(value, name, self.folder)
        self.undisturbed(self.report.value, name, kept)

    def output(self, text: str, stream: Literal["stdout", "stderr"]) -> None:
        self.undisturbed(self.report.output, text, stream)


def undisturbed(call: Callable[..., object], *args: object) -> None:
    """The call has been made, where nothing interrupts."""
    call(*args)


CURRENT: ContextVar[Current | None] = ContextVar("nbsched_current", default=None)


def values_folder(attempt: Path) -> Path:
    """Where an attempt's values lie that are files: in its run's folder, which later steps know."""
    return attempt.parent


def context_to_json(context: Context, folder: Path) -> dict[str, Any]:
    """The context as JSON, for work in another process."""
    return {
        "run_id": context.run_id, "attempt": context.attempt, "scheduled_at": encode(context.scheduled_at),
        "interval": encode(list(context.interval)), "params": _plain(context.params, folder),
        "pipeline": context.pipeline,
        "step": context.step, "key": context.key, "event": encode(context.event), "folder": str(folder),
    }  # fmt: skip


def _plain(params: Mapping[str, Any], folder: Path) -> Any:
    """The parameters as JSON, in a file when an environment cannot hold them; frames and arrays are left out."""
    plain = encode(params, "params", lambda value, name: _path_text(value) or f"({type(value).__name__})")
    return shrink(plain, "params", folder.parent)


def _path_text(value: Any) -> str | None:
    """What a file or a stored figure is called in another process."""
    return str(value) if isinstance(value, os.PathLike) else None


def context_from(data: Mapping[str, Any]) -> Context:
    """The context that was sent as JSON; instants may be tagged or plain ISO text."""
    folder = values_folder(Path(data["folder"]))
    read = {item.name: load_value(data.get(item.name), folder) for item in fields(Context)}
    start, end = read["interval"]
    instants = {"scheduled_at": _instant(read["scheduled_at"]), "interval": (_instant(start), _instant(end))}
    return Context(**{**read, **instants})


def _instant(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
