"""What running work tells of itself, on its way to the row, the log and the bus."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from nbsched.core.redaction import Redaction, Streams
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
        self._streams = Streams(NOTHING_SECRET)
        self._redaction = NOTHING_SECRET
        self.output_path: str | None = None

    @property
    def redaction(self) -> Redaction:
        """What takes the run's secrets out of all that is told."""
        return self._redaction

    def keep_secret(self, redaction: Redaction) -> None:
        """From now on nothing is told that it takes out."""
        self._redaction, self._streams = redaction, Streams(redaction)

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
            self._log(self._streams.feed(("log", stream), text), stream)

    def _log(self, text: str, stream: str) -> None:
        with contextlib.suppress(OSError), self._opened_log() as log:
            log.write(text)
        self._say("run.output", {"text": text, "stream": stream})

    def display(self, message: Mapping[str, Any]) -> None:
        shown = dict(message)
        if self.redaction and message.get("output_type") == "stream":
            with self._lock:
                shown["text"] = self._streams.feed(("display", message["name"]), message["text"])
        else:
            shown = self.redaction.value(shown)
        self._say("run.output", {"message": shown})

    def value(self, name: str, value: Any) -> None:
        self._say("run.value", {"value_name": name, "value": self.redaction.value(value)})

    def end(self) -> None:
        """What was held back of the output, for it might have been the beginning of a secret, is told too."""
        with self._lock:
            for (place, stream), text in self._streams.end():
                if place == "log":
                    self._log(text, stream)
                else:
                    message = {"output_type": "stream", "name": stream, "text": text}
                    self._say("run.output", {"message": message})

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
