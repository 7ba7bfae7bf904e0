"""What the terminal shows of a run while it goes on: a live table, or a line for each change."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbsched.core.panel import Line, paths, shortened
from nbsched.core.rows import PanelRow, left_text, took_ms, took_text, why_text
from nbsched.core.tables import INDENT

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_S = 0.1
COLUMNS = ("", "step", "state", "progress", "took", "")
TONES = {"ok": "green", "run": "cyan", "wait": "dim", "bad": "bold red", "warn": "yellow", "skip": "dim"}

Look = Callable[[], tuple[Sequence[Line], datetime]]
"""Gives the run with what is in it as they are now, and the instant."""


@contextlib.contextmanager
def progress(look: Look) -> Iterator[None]:
    """Inside the block stderr shows how the run goes."""
    over = threading.Event()
    show = _live if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(look, over), name="nbsched-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _live(look: Look, over: threading.Event) -> None:
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        while not over.wait(REFRESH_S):
            live.update(table(*look()), refresh=True)


def _lines(look: Look, over: threading.Event) -> None:
    told: dict[int, str] = {}
    while not over.wait(REFRESH_S):
        _tell_changes(told, *look())
    _tell_changes(told, *look())


def _tell_changes(told: dict[int, str], lines: Sequence[Line], now: datetime) -> None:
    for (_, row), path in zip(lines, paths(lines), strict=True):
        line = _line(row, path)
        if told.get(row["id"]) != line:
            told[row["id"]] = line
            print(f"{now:%H:%M:%S}  {line}", file=sys.stderr, flush=True)


def _line(row: PanelRow, path: str) -> str:
    took = took_text(took_ms(row, 0)) if row["ended_ms"] and row["started_ms"] else ""
    waits = row["tone"] == "wait" and row["started_ms"] is not None
    why = row["why"] if waits or row["tone"] in ("bad", "warn", "skip") else ""
    return "  ".join(part for part in (row["sign"], path, row["state"], took, why) if part)


def table(lines: Sequence[Line], now: datetime) -> RenderableType:
    """The run's steps, or the run alone, as a table for the terminal; nothing of a value is markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    kept = shortened(lines)
    (_, run), *steps = kept
    grid = Table(
        *COLUMNS, box=box.SIMPLE_HEAD, title=_title(run, now), title_justify="left", title_style="bold"
    )
    for depth, row in steps or [(1, run)]:
        style, cells = TONES[row["tone"]], _cells(row, now, depth - 1)
        grid.add_row(*(Text(cell, style=style if at < 3 else "") for at, cell in enumerate(cells)))
    if len(lines) > len(kept):
        grid.add_row("", Text(f"… and {len(lines) - len(kept)} more", style="dim"))
    return grid


def _title(row: PanelRow, now: datetime) -> Any:
    from rich.text import Text

    took = took_text(took_ms(row, round(now.timestamp() * 1000)))
    text = f"{row['sign']} run {row['id']} of {row['name']}: {row['state']} {took}"
    return Text(text, style=TONES[row["tone"]])


def _cells(row: PanelRow, now: datetime, depth: int) -> tuple[str, ...]:
    took, name = took_text(took_ms(row, round(now.timestamp() * 1000))), row["step"] or row["name"]
    return row["sign"], f"{INDENT * depth}{name}", row["state"], _bar(row, now), took, why_text(row, now)


def _bar(row: PanelRow, now: datetime) -> str:
    """How far it is, and how long it still needs; of a mapped step that has ended how many items it had."""
    done, total = row["progress"] or (0, 0)
    if not total:
        return row["detail"] if row["items"] is not None else ""
    full = 10 * done // total
    left = left_text(row, round(now.timestamp() * 1000))
    return f"{'━' * full}{'╌' * (10 - full)} {done}/{total}" + (f" · {left}" if left else "")


def print_table(lines: Sequence[Line], now: datetime) -> None:
    """The closing table is on stdout."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 160
    Console(width=width, highlight=False).print(table(lines, now))
