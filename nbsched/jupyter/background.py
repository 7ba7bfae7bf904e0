"""What `%%task` and `%%on` do."""

from __future__ import annotations

import argparse
from typing import Any

import nbsched as nb
from nbsched.engine import default
from nbsched.jupyter.cellwork import TWICE, cell_work, inside_a_run, unnamed
from nbsched.jupyter.live import LiveOutput


def run_cell(shell: Any, given: argparse.Namespace, source: str) -> None:
    """The cell runs in the background, now; what it prints appears below."""
    name = getattr(given, "name", "task")
    work = cell_work(shell, source, name, given, "thread")
    if inside_a_run():
        return
    LiveOutput(default.runtime(), work)


def run_on_event(shell: Any, given: argparse.Namespace, source: str) -> None:
    """The cell runs on each event of that name for which the condition holds, one after the other."""
    trigger = nb.on(given.event, where=getattr(given, "condition", None))
    name, by_text = (given.name, False) if hasattr(given, "name") else unnamed(shell, source)
    work = cell_work(shell, source, name, given, "kernel")
    if inside_a_run():
        return
    nb.schedule(
        work, trigger, name=name, overlap="queue_all", missed="all" if hasattr(given, "durable") else "none"
    )
    print(f"{name}: runs {trigger}; nb.context().event holds its data")
    if by_text:
        print(TWICE.format(name=name))
