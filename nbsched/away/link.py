"""What a worker's piece of work and its sender say to each other while it is carried out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from nbsched.away.parcel import Header
from nbsched.core.redaction import Redaction, Streams
from nbsched.core.usage import Usage
from nbsched.executors.current import values_folder
from nbsched.executors.values import store_value


class Stopped(Exception):
    """The sender wants the work no longer, or is gone."""


class Link:
    """Of one piece; every method may be called from any thread. `hurry` has its news told at once."""

    def __init__(self, header: Header, hurry: Callable[[], object]) -> None:
        self.id, self.sender = str(header["id"]), str(header["sender"])
        self._hurry = hurry
        self.began = False
        """Whether the sender has been told so."""
        self.told = 0
        """How much the sender was told, or is about to be."""
        self.mirror: Mirror | None = None
        self._news: list[tuple[str, Any]] = []
        self._answers: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._grace: timedelta | None = None
        self._on_stop: Callable[[timedelta], object] | None = None

    def tell(self, kind: str, fact: Any) -> None:
        """The sender is told soon."""
        with self._changed:
            self._news.append((kind, fact))

    def news(self) -> list[tuple[str, str, Any]]:
        """What there is to tell since the last call, each with the piece's id and its kind."""
        for entry in self.mirror.look() if self.mirror else ():
            self.tell("written", entry)
        with self._changed:
            found, self._news = self._news, []
            self.told += len(found)
        return [(self.id, kind, fact) for kind, fact in found]

    def ask(self, kind: str, wanted: Any) -> Any:
        """What the sender answers; Stopped when it wants the work no longer or is not heard of."""
        self.tell(kind, wanted)
        self._hurry()
        with self._changed:
            self._changed.wait_for(lambda: kind in self._answers or self._grace is not None)
            if self._grace is not None:
                raise Stopped
            return self._answers.pop(kind)

    def answer(self, kind: str, fact: Any) -> None:
        with self._changed:
            self._answers[kind] = fact
            self._changed.notify_all()

    def stop(self, grace: timedelta) -> None:
        """The work is to end: it is interrupted, and killed after `grace`."""
        with self._changed:
            self._grace, call = grace, self._on_stop
            self._changed.notify_all()
        if call is not None:
            call(grace)

    def stop_again(self) -> None:
        """What had not begun yet when it was to be stopped is stopped now."""
        if self._on_stop is not None and self._grace is not None:
            self._on_stop(self._grace)

    def stopped_by(self, call: Callable[[timedelta], object] | None) -> None:
        """`call` stops the work from now on; Stopped if that was asked for before."""
        with self._changed:
            if self._grace is not None and call is not None:
                raise Stopped
            self._on_stop = call

    @property
    def stopped(self) -> bool:
        return self._grace is not None


class LinkedReport:
    """What running work tells, told to its sender; what its secrets are is not."""

    def __init__(self, link: Link, folder: Path) -> None:
        self._link, self._folder, self._lock = link, folder, threading.Lock()
        self.redact(Redaction())

    def redact(self, redaction: Redaction) -> None:
        """From now on nothing is told that it takes out."""
        self.redaction, self._streams = redaction, Streams(redaction)

    def started(
        self, pid: int
    ) -> None: ...  # its sender must not mistake it for a process of its own machine

    def progress(self, done: int, total: int, label: str = "", usage: Usage | None = None) -> None:
        self._link.tell("progress", [done, total, label, usage])

    def output(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        with self._lock:
            self._output("output", stream, self._streams.feed(("output", stream), text))

    def display(self, message: Mapping[str, Any]) -> None:
        if message.get("output_type") != "stream":
            self._link.tell("display", self.redaction.value(dict(message)))
            return
        with self._lock:
            self._output(
                "shown", message["name"], self._streams.feed(("shown", message["name"]), message["text"])
            )

    def _output(self, kind: str, stream: str, text: str) -> None:
        if text:
            self._link.tell(kind, [text, stream])

    def value(self, name: str, value: Any) -> None:
        stored = store_value(value, name, values_folder(self._folder))
        self._link.tell("value", [name, self.redaction.value(stored)])

    def output_file(self, path: Path) -> None:
        if self._link.mirror:
            self._link.mirror.output = path
        self._link.tell("output_file", str(path.relative_to(self._folder)))

    def end(self) -> None:
        """What was held back, for it might have been the beginning of a secret, is told too."""
        with self._lock:
            for (kind, stream), text in self._streams.end():
                self._output(kind, stream, text)


class Mirror:
    """An output notebook and its journal, for a sender that does not see the folder they are written in."""

    def __init__(self) -> None:
        self.output: Path | None = None
        self._begun, self._offset = False, 0

    def look(self) -> Iterator[str]:
        """What was written since the last look: first the notebook as it was before its first cell."""
        from nbsched.kernels.journal import journal_of

        if self.output is None or not self.output.exists():
            return
        if not self._begun:
            self._begun = True
            yield self.output.read_text("utf-8")
        try:
            with journal_of(self.output).open("rb") as lines:
                lines.seek(self._offset)
                whole, newline, _ = lines.read().rpartition(b"\n")
        except FileNotFoundError:  # it has ended, and comes as a whole
            return
        self._offset += len(whole) + len(newline)
        if newline:
            yield (whole + newline).decode("utf-8", "surrogatepass")
