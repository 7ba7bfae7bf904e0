"""`nbsched attach`: what a run shows, from its beginning to its end, whichever process carries it out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from nbsched.cli import running
from nbsched.cli.printing import Printer
from nbsched.core.outputs import merged, output_text
from nbsched.core.transcript import Transcript, is_code, status
from nbsched.engine.output import NotebookPart, follow, read_log, read_notebook, shown_as

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.live import Run


def attach(given: argparse.Namespace) -> int:
    """The run has ended and what it showed was printed; its exit code. Ctrl-C leaves the run alone."""
    with running.visitor(getattr(given, "store", None)) as rt:
        run = rt.get_run(given.id)
        try:
            return _followed(rt, run, given)
        except KeyboardInterrupt:
            if run.state.final:
                raise
            print(f"nbsched: run {run.id} goes on (nbsched attach {run.id})", file=sys.stderr)
            return 130


def _followed(rt: Calls, run: Run, given: argparse.Namespace) -> int:
    shown = shown_as(rt, run.id)
    if shown == "steps" or hasattr(given, "json"):
        return running.follow(rt, run, given, _watched)
    if shown == "notebook":
        cells = Cells(Printer())
        for part in follow(rt, run, read_notebook):
            cells.print(part)
    else:
        _print_log(rt, run)
    return running.exit_code(rt, run)


def _watched(run: Run) -> bool:
    run.wait()
    return False


def _print_log(rt: Calls, run: Run) -> None:
    printer = Printer()
    for part in follow(rt, run, read_log):
        printer.tell("", part["text"])
    printer.end()


class Cells:
    """Prints the text of cells as it comes, each below a heading; of a notebook tried again all of it again."""

    def __init__(self, printer: Printer) -> None:
        self._printer, self._transcript = printer, Transcript()
        self._path: str | None = None
        self._told: dict[int, str] = {}

    def print(self, part: NotebookPart) -> None:
        """What the part has of news is on stdout."""
        if part["path"] != self._path:
            if self._path is not None:
                self._printer.tell("tried again", "")
            self._path, self._told = part["path"], {}
        for place in self._transcript.take(
            ((one["index"], one["cell"]) for one in part["cells"]), whole=part["all"]
        ):
            self._print_cell(place)
        if part["ended"]:
            self._printer.end()

    def _print_cell(self, place: int) -> None:
        """What is new of the cell's text; all of it where it does not begin as before."""
        cell, told = self._transcript.cells[place], self._told.get(place)
        if not is_code(cell) or status(cell) == "pending":
            return
        text = "".join(map(output_text, merged(cell["outputs"])))
        if text != told:
            rest = text.removeprefix(told or "") if text.startswith(told or "") else text
            self._told[place] = text
            self._printer.tell(self._transcript.heading(place), rest)
