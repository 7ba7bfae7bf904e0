"""What a function prints goes to its own run's log, and everybody else's prints go where they always went."""

from __future__ import annotations

import sys
import threading
from typing import Any, Literal

from nbsched.executors.current import CURRENT

_lock = threading.Lock()
_installed = 0


class RoutedStream:
    """The stream it stands for, but for writes from inside a run: those go to the run's report."""

    def __init__(self, stream: Any, name: Literal["stdout", "stderr"]) -> None:
        self._nbsched_stream = stream
        self._nbsched_name: Literal["stdout", "stderr"] = name

    def write(self, text: str) -> int:
        current = CURRENT.get()
        if current is None:
            return int(self._nbsched_stream.write(text) or 0)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            current.output(text, self._nbsched_name)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nbsched_stream, name)

    def __iter__(self) -> Any:
        return iter(self._nbsched_stream)


def install() -> None:
    """Prints of runs are routed until as many `uninstall` calls, whoever has replaced the streams since."""
    global _installed
    with _lock:
        _installed += 1
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and not isinstance(stream, RoutedStream):
                setattr(sys, name, RoutedStream(stream, name))


def uninstall() -> None:
    """After the last one the streams are those before; one that someone put over ours is left alone."""
    global _installed
    with _lock:
        _installed -= 1
        if _installed:
            return
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, RoutedStream):
                setattr(sys, name, stream._nbsched_stream)
