"""What an output notebook shows, also while it is written: of its journal only what is new is read."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from nbsched.kernels.journal import Replay, is_complete, journal_of

NOTHING, WRITTEN = 0, 2**40 - 1
"""The versions of a notebook that is not there, and of one that nobody writes any more.

Between them it is one more than the bytes of the journal that were read: the same for every reader.
"""
OPEN = 16
"""So many notebooks are held as far as they have come; one more is read again from its beginning."""

Mark = tuple[int, int, int]
"""What tells one write of a file from another: inode, time and size."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The cells that have changed, by index, and the version from which to ask on."""

    version: int
    cells: dict[int, dict[str, Any]]
    whole: bool
    """These are all the cells there are."""


class NotebookReader:
    """Reads one output notebook for whoever asks, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._mark: Mark | None = None
        self._replay: Replay | None = None
        self._version = NOTHING
        self._changed: list[int] = []  # of each cell the version in which it last changed

    def read(self, since: int = NOTHING) -> Reading:
        """The cells that changed after the version `since`; all of them for one that this notebook never had."""
        with self._lock:
            try:
                return self._reading(self._catch_up(), since)
            except FileNotFoundError:
                self._forget()
                return Reading(NOTHING, {}, whole=True)

    def _reading(self, notebook: NotebookNode | None, since: int) -> Reading:
        if since > self._version:
            since = NOTHING
        found = [index for index, version in enumerate(self._changed) if version > since]
        if found and notebook is None:
            notebook = _load(self._path)[1]  # of a finished one the cells are not kept
        cells = {index: _copied(notebook.cells[index]) for index in found} if notebook else {}
        return Reading(self._version, cells, whole=len(found) == len(self._changed))

    def _catch_up(self) -> NotebookNode | None:
        """The notebook as it is now; None where it is as it was, and nobody writes it any more."""
        notebook = None
        if self._mark is None or self._mark != _mark(os.stat(self._path)):
            notebook = self._begin(*_load(self._path))
        return notebook if self._version == WRITTEN else self._read_on()

    def _begin(self, mark: Mark, notebook: NotebookNode) -> NotebookNode:
        if is_complete(notebook):
            return self._end(mark, notebook)
        self._mark, self._replay, self._version = mark, Replay(notebook), NOTHING + 1
        self._changed = [self._version] * len(notebook.cells)
        return notebook

    def _read_on(self) -> NotebookNode:
        assert self._replay
        try:
            with journal_of(self._path).open("rb") as lines:
                lines.seek(self._version - 1)
                for size, changed in self._replay.follow(lines):
                    self._version += size
                    for index in changed:
                        self._changed[index] = self._version
        except FileNotFoundError:  # since it was looked at, it has been completed or recovered
            return self._end(*_load(self._path))
        return self._replay.notebook

    def _end(self, mark: Mark, notebook: NotebookNode) -> NotebookNode:
        """Nobody writes it any more; the cells that are as its journal left them have not changed."""
        known = self._replay.notebook.cells if self._replay and mark != self._mark else []
        same = len(known) == len(notebook.cells)
        self._changed = [
            self._changed[index] if same and cell == known[index] else WRITTEN
            for index, cell in enumerate(notebook.cells)
        ]
        self._mark, self._replay, self._version = mark, None, WRITTEN
        return notebook


@lru_cache(maxsize=OPEN)
def reader_of(path: Path) -> NotebookReader:
    """The reader of this notebook, which all who ask for it share."""
    return NotebookReader(path)


def _load(path: Path) -> tuple[Mark, NotebookNode]:
    with path.open("rb") as file:
        return _mark(os.fstat(file.fileno())), nbformat.v4.reads(file.read().decode("utf-8"))


def _mark(facts: os.stat_result) -> Mark:
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _copied(value: Any) -> Any:
    """The same as plain JSON, whatever becomes of the cell."""
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value
