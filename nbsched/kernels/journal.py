"""An output notebook that is complete up to the last message of its kernel, whatever happens to its writer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import nbformat
from nbformat import NotebookNode

from nbsched.core.errors import DefinitionError
from nbsched.core.redaction import Redaction
from nbsched.core.sources import source_text


class Journal:
    """Writes the whole notebook first and last, and in between appends what is new: O(new output).

    Its lines are what a `Replay` follows: `{"index", "cell"}` sets those fields of a cell, `{"index", "message"}` is
    one more message of what the cell shows. They are flushed one by one, so that they outlast this process.
    """

    def __init__(self, path: Path, redaction: Redaction | None = None, *, private: bool = True) -> None:
        self.path, self._redaction, self._private = path, redaction or Redaction(), private
        self._lines: IO[bytes] | None = None

    def open(self, notebook: NotebookNode) -> None:
        """The notebook is at its path, and more may be told of its cells.

        The journal is there before it: a notebook that has none is one that nobody writes any more.
        """
        self._lines = open(journal_of(self.path), "wb", opener=_private)  # noqa: SIM115 - until close
        self._write(notebook)

    def begin(self, index: int, cell: NotebookNode) -> None:
        """The cell runs, and has no outputs yet."""
        fresh: dict[str, Any] = {"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}
        self.put(index, {"metadata": cell.metadata, **fresh})

    def hear(self, index: int, message: Mapping[str, Any]) -> None:
        """What the cell shows is safe from the death of this process, or with secrets once the cell has ended.

        A secret may be cut in two by the end of a message.
        """
        if not self._redaction:
            told = {"msg_type": message["msg_type"], "content": message["content"]}
            self._append({"index": index, "message": told})

    def end(self, index: int, cell: NotebookNode) -> None:
        """The finished cell is safe from the death of this process."""
        if self._redaction:
            self.put(index, cell)
        else:
            self.put(index, {name: cell[name] for name in ("metadata", "execution_count") if name in cell})

    def put(self, index: int, fields: Mapping[str, Any]) -> None:
        """These fields of the cell are as given, whatever was told of them before."""
        told = self._redaction.cell(fields) if self._redaction else fields
        self._append({"index": index, "cell": told})

    def close(self, notebook: NotebookNode) -> None:
        """The notebook at its path is the one given, and the journal is gone."""
        self._write(notebook)
        if self._lines is not None:
            self._lines.close()
        journal_of(self.path).unlink(missing_ok=True)

    def _append(self, line: Mapping[str, Any]) -> None:
        if self._lines is not None:
            self._lines.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            self._lines.flush()

    def _write(self, notebook: NotebookNode) -> None:
        if self._redaction:
            whole = self._redaction.value({name: part for name, part in notebook.items() if name != "cells"})
            cells = [self._redaction.cell(cell) for cell in notebook.cells]
            notebook = nbformat.from_dict({**whole, "cells": cells})
        write_notebook(self.path, notebook, private=self._private)


def recover(path: Path) -> bool:
    """The notebook at the path holds all that its cells had shown when its writer died; False when none died."""
    lines = journal_of(path)
    if not lines.exists():
        return False
    if path.exists():
        replay = Replay(nbformat.v4.reads(path.read_text("utf-8")))
        if not is_complete(replay.notebook):
            with lines.open("rb") as file:  # a line of JSON may hold what ends a line of text, but no b"\n"
                for _ in replay.follow(file):
                    pass
            write_notebook(path, replay.notebook, private=not path.stat().st_mode & 0o077)
    lines.unlink()
    return True


def is_complete(notebook: NotebookNode) -> bool:
    """Whether it is its writer's last write: papermill notes when the whole has ended."""
    return notebook.metadata.get("papermill", {}).get("end_time") is not None


class Replay:
    """A notebook whose cells become what a journal's lines say, by what made them of the kernel's messages then."""

    def __init__(self, notebook: NotebookNode) -> None:
        from nbclient import NotebookClient

        self.notebook, self._outputs = notebook, NotebookClient(notebook)

    def follow(self, lines: Iterable[bytes]) -> Iterator[tuple[int, set[int]]]:
        """Of each line its bytes and which cells it changed; up to one that its writer has not finished."""
        for line in lines:
            try:
                entry = json.loads(line) if line.strip() else None
            except ValueError:
                return
            yield len(line), self._take(entry) if entry else set()

    def _take(self, entry: Mapping[str, Any]) -> set[int]:
        index, cell = entry["index"], self.notebook.cells[entry["index"]]
        if "cell" in entry:
            cell.update(nbformat.from_dict(entry["cell"]))
            self._outputs.clear_before_next_output = False
            return {index}
        message = nbformat.from_dict(entry["message"])
        display = (message["content"].get("transient") or {}).get("display_id", "")
        changed = {index, *self._outputs._display_id_map.get(display, ())}
        header = {"msg_type": message["msg_type"]}
        self._outputs.process_message({**message, "header": header, "parent_header": {}}, cell, index)
        return changed


def write_notebook(path: Path, notebook: NotebookNode, *, private: bool = True) -> None:
    """The file holds the notebook, whole; if `private`, readable by its owner only."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(beside, "w", encoding="utf-8", opener=_private if private else None) as file:
        file.write(nbformat.v4.writes(notebook))
        file.write("\n")
    os.replace(beside, path)


def journal_of(path: Path) -> Path:
    """Where the journal of the notebook lies while it is written."""
    return path.with_name(f"{path.name}.journal")


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def parse_notebook(text: str, name: str) -> dict[str, Any]:
    """The notebook in format 4 as plain JSON; DefinitionError when the text is no notebook."""
    try:
        data = json.loads(text)
        if data["nbformat"] < 4:
            data = nbformat.convert(nbformat.reads(text, as_version=nbformat.NO_CONVERT), 4)
        cells = [{**cell, "source": source_text(cell)} for cell in data["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DefinitionError(f"{name} is not a notebook ({error}): save it again in Jupyter") from None
    return {**data, "cells": cells}


def notebook_node(notebook: Mapping[str, Any]) -> NotebookNode:
    """The notebook as nbformat has it: nothing is missing from its cells, and none has old outputs."""
    cells = [_complete(at, cell) for at, cell in enumerate(notebook["cells"])]
    minor = max(notebook.get("nbformat_minor", 5), 5)
    metadata = notebook.get("metadata", {})
    node: NotebookNode = nbformat.from_dict(
        {**notebook, "metadata": metadata, "nbformat_minor": minor, "cells": cells}
    )
    return node


def _complete(at: int, cell: Mapping[str, Any]) -> dict[str, Any]:
    fresh: dict[str, Any] = {"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}
    return {"id": f"cell-{at + 1}", "metadata": {}, **cell, **fresh}
