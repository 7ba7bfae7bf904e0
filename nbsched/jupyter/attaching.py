"""What a run shows, below the cell that asked for it, as it comes, whichever process carries the run out."""

from __future__ import annotations

import html
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakValueDictionary

from nbsched.core.outputs import LONGEST, merged, output_html, output_text, preformatted, written_over
from nbsched.core.sources import source_text
from nbsched.core.transcript import Cell, Transcript, is_code, status
from nbsched.engine import default
from nbsched.engine.live import Run
from nbsched.engine.output import LogPart, NotebookPart, Part, follow, read_log, read_notebook, shown_as
from nbsched.engine.runtime import Runtime
from nbsched.jupyter import identity
from nbsched.jupyter.displays import OwnDisplay
from nbsched.jupyter.live import headline
from nbsched.jupyter.showing import show

CHARACTERS_PER_S = 4_000_000
"""A front end is sent no more than this: what shows big pictures is brought up to date less often."""

_FRAME = "border-left:3px solid var(--jp-border-color2,#ccc);margin:6px 0;padding:0 0 0 8px"
_SOURCE = "background:var(--jp-cell-editor-background,rgba(128,128,128,.1));padding:4px 6px;margin:0"
_FAINT = "color:var(--jp-ui-font-color2,gray)"


def attach(shell: Any, run_id: int) -> None:
    """The run's output is below the cell and goes on there until the run has ended; a pipeline's panel is."""
    runtime = default.runtime()
    run = runtime.get_run(run_id)
    shown = shown_as(runtime, run.id)
    if shown == "steps":
        from nbsched.jupyter.widget import dashboard

        show(dashboard(run))
        return
    cell = identity.cell_id(shell)
    before = _attached.get(cell) if cell else None
    if before:
        before.leave()
    attached = Attached(runtime, run, CellsShown() if shown == "notebook" else LogShown())
    if cell:
        _attached[cell] = attached


@dataclass(frozen=True, slots=True)
class Drawn:
    """A piece of what is shown, for those who see pages and those who see text."""

    html: str = ""
    plain: str = ""

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn(self.html + other.html, self.plain + other.plain)

    @property
    def bundle(self) -> dict[str, str]:
        return {"text/plain": self.plain.rstrip(), "text/html": self.html}


class Shown(Protocol):
    """What a run has shown so far: `settled` is before what may still grow, `growing`."""

    def parts(self, runtime: Runtime, run: Run) -> Generator[Part, None, None]: ...
    def take(self, part: Any) -> None: ...
    def drawn(self, run: Run, *, ended: bool) -> tuple[Drawn, Drawn]: ...


class Attached:
    """Keeps two displays of the cell up to date: what has settled, and what goes on, which is the smaller one."""

    def __init__(self, runtime: Runtime, run: Run, shown: Shown) -> None:
        self._runtime, self._run, self._shown = runtime, run, shown
        self._left = False
        self._parts = shown.parts(runtime, run)
        part = next(self._parts)
        self._bundles = self._drawn(part)
        self._displays = [OwnDisplay(bundle) for bundle in self._bundles[: 1 if part["ended"] else 2]]
        if part["ended"]:
            self._parts.close()
        else:
            threading.Thread(target=self._follow, name="nbsched-attach", daemon=True).start()

    def leave(self) -> None:
        """The displays stay as they are; the run goes on."""
        self._left = True

    def _follow(self) -> None:
        with closing(self._parts):
            for part in self._parts:
                if self._left or not self._runtime.open:
                    return
                sent = self._update(self._drawn(part))
                threading.Event().wait(sent / CHARACTERS_PER_S)

    def _drawn(self, part: Part) -> list[dict[str, str]]:
        self._shown.take(part)
        settled, growing = self._shown.drawn(self._run, ended=part["ended"])
        head = headline(self._run.record)
        above = Drawn(f"<div>{html.escape(head)}</div>", f"{head}\n") + settled
        return [(above + growing).bundle, Drawn().bundle] if part["ended"] else [above.bundle, growing.bundle]

    def _update(self, bundles: list[dict[str, str]]) -> int:
        """The displays show this; how many characters were sent for it."""
        changed = [at for at, bundle in enumerate(bundles) if bundle != self._bundles[at]]
        for at in changed:
            self._displays[at].update(bundles[at])
        self._bundles = bundles
        return sum(len(text) for at in changed for text in bundles[at].values())


_attached: WeakValueDictionary[str, Attached] = WeakValueDictionary()
"""By the cell that shows it: running that cell again leaves what it showed before."""


# --- what a run without cells has printed ---


class LogShown:
    """The end of a run's log."""

    def __init__(self) -> None:
        self._text = ""

    def parts(self, runtime: Runtime, run: Run) -> Generator[LogPart, None, None]:
        return follow(runtime, run, read_log)

    def take(self, part: LogPart) -> None:
        self._text = (self._text + part["text"])[-LONGEST:]

    def drawn(self, run: Run, *, ended: bool) -> tuple[Drawn, Drawn]:
        text = Drawn(preformatted(self._text), written_over(self._text)) if self._text else Drawn()
        return Drawn(), text + _error(run) if ended else text


def _error(run: Run) -> Drawn:
    """Why the run failed, where nothing that it showed says so."""
    error = run.error
    text = error.traceback or str(error) if error else ""
    return Drawn(preformatted(text), f"\n{text}\n") if text else Drawn()


# --- what the cells of a notebook have shown ---


@dataclass(slots=True)
class CellsShown:
    """The cells that have begun, each with its source and its outputs."""

    _transcript: Transcript = field(default_factory=Transcript)
    _drawings: dict[int, Drawn] = field(default_factory=dict)

    def parts(self, runtime: Runtime, run: Run) -> Generator[NotebookPart, None, None]:
        return follow(runtime, run, read_notebook)

    def take(self, part: NotebookPart) -> None:
        if part["all"]:
            self._drawings.clear()
        told = ((one["index"], one["cell"]) for one in part["cells"])
        for place in self._transcript.take(told, whole=part["all"]):
            self._drawings[place] = _drawn_cell(self._transcript.cells[place])

    def drawn(self, run: Run, *, ended: bool) -> tuple[Drawn, Drawn]:
        cells = self._transcript.cells
        begun = [at for at, cell in enumerate(cells) if status(cell) != "pending"]
        settled = next((at for at in begun if status(cells[at]) == "running"), len(cells))
        above = self._joined([at for at in begun if at < settled])
        below = self._joined([at for at in begun if at >= settled]) + _left(
            len(cells) - len(begun), ended=ended
        )
        return above, below + _error(run) if ended and not _tells_why(cells) else below

    def _joined(self, places: Sequence[int]) -> Drawn:
        drawings = [self._drawings[place] for place in places]
        return Drawn("".join(one.html for one in drawings), "".join(one.plain for one in drawings))


def _tells_why(cells: Sequence[Cell]) -> bool:
    return any(output["output_type"] == "error" for cell in cells for output in cell.get("outputs", ()))


def _left(cells: int, *, ended: bool) -> Drawn:
    if not cells:
        return Drawn()
    text = f"{cells} more {'cell' if cells == 1 else 'cells'} {'not run' if ended else 'to come'}"
    return Drawn(f'<div style="{_FAINT}">{text}</div>', f"{text}\n")


def _drawn_cell(cell: Cell) -> Drawn:
    source, outputs = source_text(cell), merged(cell.get("outputs", ()))
    number = f"[{cell.get('execution_count') or ' '}]: " if is_code(cell) else ""
    style = _SOURCE if is_code(cell) else "white-space:pre-wrap;margin:0"
    shown = "".join(map(output_html, outputs))
    return Drawn(
        f'<div style="{_FRAME}"><pre style="{style}">{html.escape(source)}</pre>{shown}</div>',
        f"{number}{source}\n{written_over(''.join(map(output_text, outputs))[-LONGEST:])}\n",
    )
