"""Figures of a cell that the kernel's queue does not run are shown at its end, as after any cell."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def own_figures() -> Iterator[None]:
    """Figures opened in the block are displayed and closed when it is over; those that were open stay open."""
    before = set(_open_figures())
    try:
        yield
    finally:
        for number, figure in _open_figures().items():
            if number not in before:
                _show(number, figure)


def _open_figures() -> dict[int, Any]:
    """Figures that wait for the end of a cell, by number; none where they have windows of their own."""
    matplotlib = sys.modules.get("matplotlib")
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if matplotlib is None or helpers is None or "inline" not in matplotlib.get_backend().lower():
        return {}
    return {number: manager.canvas.figure for number, manager in list(helpers.Gcf.figs.items())}


def _show(number: int, figure: Any) -> None:
    from IPython.display import display
    from matplotlib import pyplot

    display(figure)
    pyplot.close(number)
