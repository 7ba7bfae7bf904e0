"""The output of a background run, below the cell that started it, as it comes."""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping
from typing import Any

from nbsched.core.model import Event, RunRecord, Work
from nbsched.core.outputs import bundle_html, preformatted
from nbsched.core.rows import panel_row, took_text
from nbsched.core.states import FINAL
from nbsched.engine.runtime import Runtime
from nbsched.jupyter.displays import OwnDisplay

PERIOD_S = 0.1
"""Between two updates."""
LONGEST = 200_000
"""So many characters of printed text are shown; the log has all of it."""


ENDED = frozenset(f"run.{state}" for state in FINAL)


class LiveOutput:
    """Starts the work, shows its run under a display of its own, and keeps that up to date until it has ended."""

    def __init__(self, runtime: Runtime, work: Work) -> None:
        self._pieces: list[Piece] = []
        self._news = threading.Condition()
        self._stale = self._over = False
        self._subscription = runtime.subscribe("run.*", self._hear)
        try:
            with self._news:  # what is heard before the run is known waits here
                self._run = runtime.run(work)
        except BaseException:
            self._subscription.cancel()
            raise
        self._display = OwnDisplay(self._bundle())
        threading.Thread(target=self._follow, name="nbsched-live", daemon=True).start()

    def _hear(self, event: Event) -> None:
        with self._news:
            if event.data.get("id") != self._run.id:
                return
            if event.name == "run.output":
                add(self._pieces, event.data)
            self._over = self._over or event.name in ENDED  # the last event: all output was heard
            self._stale = True
            self._news.notify()

    def _follow(self) -> None:
        over = False
        with self._subscription:
            while not over:
                with self._news:
                    self._news.wait_for(lambda: self._stale)
                    self._stale, over = False, self._over
                self._display.update(self._bundle())
                threading.Event().wait(0 if over else PERIOD_S)

    def _bundle(self) -> dict[str, str]:
        with self._news:
            return bundled(headline(self._run.record), self._pieces)


Piece = str | Mapping[str, Any]
"""Printed text, or the mime bundle of something displayed."""


def add(pieces: list[Piece], data: Mapping[str, Any]) -> None:
    """What the event tells is at the end of the pieces; neighbouring texts become one."""
    piece = _piece(data)
    if piece is None:
        return
    if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
        pieces[-1] = (pieces[-1] + piece)[-LONGEST:]
    else:
        pieces.append(piece)


def _piece(data: Mapping[str, Any]) -> Piece | None:
    if "text" in data:
        return str(data["text"])
    message = data.get("message", {})
    content = message.get("content", message)
    if "traceback" in content:
        return "\n".join(content["traceback"]) + "\n"
    found = content.get("data")
    return found if isinstance(found, Mapping) else None


def headline(run: RunRecord) -> str:
    """The run in a line: `✓ run 5 of download: succeeded in 1.2 s`."""
    row = panel_row(run)
    took = took_text(row["ended_ms"] - row["started_ms"]) if row["ended_ms"] and row["started_ms"] else ""
    why = f": {row['why']}" if run.state.final and run.reason and not run.error else ""
    return f"{row['sign']} run {run.id} of {run.name}: {run.state}{f' in {took}' if took else ''}{why}"


def bundled(head: str, pieces: list[Piece]) -> dict[str, str]:
    """The headline and the pieces as one mime bundle."""
    plain = "".join(
        piece if isinstance(piece, str) else f"{piece.get('text/plain', '')}\n" for piece in pieces
    )
    rich = "".join(map(_as_html, pieces))
    return {"text/plain": f"{head}\n{plain}".rstrip(), "text/html": f"<div>{html.escape(head)}</div>{rich}"}


def _as_html(piece: Piece) -> str:
    return preformatted(piece) if isinstance(piece, str) else bundle_html(piece)
