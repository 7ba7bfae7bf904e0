"""What running work tells of itself, on its way to the row, the log and the bus."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from nbsched.engine.births import birth_of
from nbsched.engine.paths import make_private, private_file
from nbsched.store import runs
from nbsched.store.database import Database

Tell = Callable[[str, Mapping[str, Any]], None]
"""Publishes an event that is not kept: its name and data."""

BETWEEN_PROGRESS_S = 0.25
FACTS = ("id", "name", "schedule", "pipeline", "step", "parent", "attempt")
"""Of the run's row, in every event that it tells."""


class RunReport:
    """The report of one attempt; callable from any thread, and nothing in it waits."""

    def __init__(
        self, database: Database, row: Mapping[str, Any], folder: Path, tell: Tell, ticks: Callable[[], float]
    ) -> None:
        self.folder = folder
        self._database, self._run, self._fence = database, row["id"], row["fence"]
        self._row, self._tell, self._ticks = row, tell, ticks
        self._lock = threading.Lock()
        self._last_progress = -1.0
        self.latest: tuple[int, int, str] | None = None
        self.output_path: str | None = None

    def started(self, pid: int) -> None:
        self._database.submit_quietly(runs.tell, self._run, self._fence, pid=pid, birth=birth_of(pid))

    def progress(self, done: int, total: int, label: str = "") -> None:
        self.latest = (done, total, label)
        now = self._ticks()
        if done < total and now - self._last_progress < BETWEEN_PROGRESS_S:
            return
        self._last_progress = now
        self._database.submit_lightly(
            runs.tell, self._run, self._fence, progress=json.dumps([done, total, label])
        )
        self._say("run.progress", {"done": done, "total": total, "label": label})

    def output(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        with self._lock, contextlib.suppress(OSError), self._opened_log() as log:
            log.write(text)
        self._say("run.output", {"text": text, "stream": stream})

    def display(self, message: Mapping[str, Any]) -> None:
        self._say("run.output", {"message": dict(message)})

    def value(self, name: str, value: Any) -> None:
        self._say("run.value", {"value_name": name, "value": value})

    def output_file(self, path: Path) -> None:
        self.output_path = str(path)
        self._database.submit_lightly(runs.tell, self._run, self._fence, output=str(path))

    @property
    def log_path(self) -> Path:
        return self.folder.parent / "log.txt"

    def _opened_log(self) -> TextIO:
        make_private(self.folder.parent)
        return open(self.log_path, "a", encoding="utf-8", errors="replace", opener=private_file)

    def _say(self, name: str, data: Mapping[str, Any]) -> None:
        self._tell(name, {**{fact: self._row[fact] for fact in FACTS}, **data})
