"""What running work tells of itself, on its way to the row, the log and the bus."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from nbsched.core.redaction import Redaction, Stream
from nbsched.core.usage import Usage
from nbsched.engine.births import birth_of
from nbsched.engine.clock import Clock
from nbsched.engine.paths import make_private, private_file
from nbsched.engine.progress import Later, Progress
from nbsched.store import attempts
from nbsched.store.database import Database

Tell = Callable[[str, Mapping[str, Any]], None]
"""Publishes an event that is not kept: its name and data."""

NOTHING_SECRET = Redaction()
FACTS = ("id", "name", "schedule", "pipeline", "step", "parent", "attempt")
"""Of the run's row, in every event that it tells."""


class RunReport:
    """The report of one attempt; callable from any thread, and nothing in it waits."""

    def __init__(
        self, database: Database, row: Mapping[str, Any], folder: Path, tell: Tell, clock: Clock, later: Later
    ) -> None:
        self.folder = folder
        self._database, self._run, self._fence = database, row["id"], row["fence"]
        self._row, self._tell, self._clock, self._later = row, tell, clock, later
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self.redaction = NOTHING_SECRET
        self._streams: dict[tuple[str, str], Stream] = {}
        self.output_path: str | None = None

    def started(self, pid: int) -> None:
        self._database.submit_quietly(attempts.tell, self._run, self._fence, pid=pid, birth=birth_of(pid))

    def progress(self, done: int, total: int, label: str = "", usage: Usage | None = None) -> None:
        if self._progress is None:
            self._progress = Progress(self._database, self._row, self._say, self._clock, self._later)
        self._progress.tell(done, total, label, usage)

    def over(self) -> None:
        """Nothing more is told of how far it is."""
        if self._progress is not None:
            self._progress.end()

    def output(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        with self._lock:
            text = self._redacted("log", stream, text)
            self._log(text, stream)

    def _log(self, text: str, stream: str) -> None:
        with contextlib.suppress(OSError), self._opened_log() as log:
            log.write(text)
        self._say("run.output", {"text": text, "stream": stream})

    def display(self, message: Mapping[str, Any]) -> None:
        shown = dict(message)
        if self.redaction and message.get("output_type") == "stream":
            with self._lock:
                shown["text"] = self._redacted("display", message["name"], message["text"])
        else:
            shown = self.redaction.value(shown)
        self._say("run.output", {"message": shown})

    def value(self, name: str, value: Any) -> None:
        self._say("run.value", {"value_name": name, "value": self.redaction.value(value)})

    def end(self) -> None:
        """What was held back of the output, for it might have been the beginning of a secret, is told too."""
        with self._lock:
            for (place, stream), text in [(key, stream.end()) for key, stream in self._streams.items()]:
                if text and place == "log":
                    self._log(text, stream)
                elif text:
                    message = {"output_type": "stream", "name": stream, "text": text}
                    self._say("run.output", {"message": message})

    def _redacted(self, place: str, stream: str, text: str) -> str:
        if not self.redaction:
            return text
        return self._streams.setdefault((place, stream), self.redaction.stream()).feed(text)

    def output_file(self, path: Path) -> None:
        self.output_path = str(path)
        self._database.submit_lightly(attempts.tell, self._run, self._fence, output=str(path))

    @property
    def log_path(self) -> Path:
        return self.folder.parent / "log.txt"

    def _opened_log(self) -> TextIO:
        make_private(self.folder.parent)
        return open(self.log_path, "a", encoding="utf-8", errors="replace", opener=private_file)

    def _say(self, name: str, data: Mapping[str, Any]) -> None:
        self._tell(name, {**{fact: self._row[fact] for fact in FACTS}, **data})
