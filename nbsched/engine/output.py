"""What a run shows and prints, read on from where it was left, whichever process carries it out."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

from nbsched.core.comparing import Comparison, compare_cells, compare_parameters
from nbsched.core.states import State
from nbsched.store import retrying

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.live import Run

LOOK_S = 0.1
"""Between two looks at a run that is followed while it runs."""
PATIENCE_S = 30.0
"""After so long a run that waits is looked at even if nothing was heard."""
LONGEST = 1_000_000
"""Bytes of a log that are read at once."""
ATTEMPT = 2**40
"""Versions that one attempt's output notebook may have; those of the next attempt follow."""


class Part(TypedDict):
    """What is new since the last one: ask on with `next`; `ended` in the last one."""

    next: int
    ended: bool


class LogPart(Part):
    """What a run printed, from an offset on."""

    text: str


class CellAt(TypedDict):
    """A cell of the output notebook, as nbformat has it, and its place there."""

    index: int
    cell: dict[str, Any]


class NotebookPart(Part):
    """The cells of the output notebook that changed; `all`: these are all there are, forget what was known."""

    path: str | None
    all: bool
    cells: list[CellAt]


def shown_as(calls: Calls, run: int) -> Literal["notebook", "log", "steps"]:
    """Where to look for what the run shows: in its output notebook, in its log, or in its steps."""
    work, _ = calls.database.read(retrying.given_to, run)
    if work["kind"] in ("pipeline", "map"):
        return "steps"
    fresh_kernel = work["kind"] == "notebook" or (work["kind"] == "cell" and work.get("where") == "process")
    return "notebook" if fresh_kernel else "log"


def read_notebook(run: Run, since: int = 0) -> NotebookPart:
    """The cells of the run's output notebook that changed since then, also while it runs; all of them for 0.

    After another attempt has begun they are what is left of the earlier one's, then all cells of that one's.
    """
    record = run.record  # before its files: one that has ended writes no more
    if record.output is None:
        return NotebookPart(path=None, next=0, ended=record.state.final, all=True, cells=[])
    path = Path(record.output)
    number = int(path.parent.name)
    attempt, version = divmod(since, ATTEMPT)
    if 0 < attempt < number:
        left = _part(path.parents[1] / str(attempt) / path.name, attempt, version, ended=False)
        if left["cells"]:
            return left
    return _part(path, number, version if attempt == number else 0, ended=record.state.final)


def _part(path: Path, attempt: int, version: int, *, ended: bool) -> NotebookPart:
    """What has changed in the output notebook of that attempt."""
    from nbsched.kernels.reading import reader_of

    found = reader_of(path).read(version)
    cells = [CellAt(index=index, cell=cell) for index, cell in found.cells.items()]
    return NotebookPart(
        path=str(path), next=attempt * ATTEMPT + found.version, ended=ended, all=found.whole, cells=cells
    )


def compare(this: Run, other: Run) -> Comparison:
    """The parameters of the two runs that differ, and the cells of their output notebooks side by side."""
    cells, others = ([one["cell"] for one in read_notebook(run)["cells"]] for run in (this, other))
    params = compare_parameters(this.row["params"], other.row["params"])
    return Comparison(params=params, cells=compare_cells(cells, others))


def read_log(run: Run, offset: int = 0) -> LogPart:
    """What the run printed from the byte `offset` on, over all its attempts; no character is cut in two."""
    final = run.state.final  # before its file: one that has ended prints no more
    data, left = _bytes_of(run.log_path, offset)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final=final and not left)
    following = offset + len(data) - len(decoder.getstate()[0])
    return LogPart(text=text, next=following, ended=final and not left)


def _bytes_of(path: Path, offset: int) -> tuple[bytes, int]:
    """So many bytes of the file as may be read at once, and how many are left."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(offset)
            data = file.read(LONGEST)
            return data, max(0, size - offset - len(data))
    except FileNotFoundError:
        return b"", 0


P = TypeVar("P", bound=Part)


def follow(calls: Calls, run: Run, read: Callable[[Run, int], P]) -> Generator[P, None, None]:
    """What is new of the run, again and again, until it has ended.

    While it runs it is looked at ten times a second; while it waits only when something in the store has changed.
    """
    changed, since = threading.Event(), 0
    with calls.watch(changed.set):
        while True:
            changed.clear()
            part = read(run, since)
            yield part
            if part["ended"]:
                return
            more = part["next"] != since
            since = part["next"]
            if not more and run.state is not State.RUNNING:
                changed.wait(PATIENCE_S)
            threading.Event().wait(LOOK_S)
