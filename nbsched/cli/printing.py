"""Texts that grow, on stdout."""

from __future__ import annotations

import sys

from nbsched.core.messages import without_colours


class Printer:
    """Prints what comes, each text below its heading."""

    def __init__(self) -> None:
        self._heading, self._within_a_line = "", False

    def tell(self, heading: str, text: str) -> None:
        """The text goes on below its heading, which is repeated where another's came between."""
        if heading != self._heading:
            self.end()
            self._heading = heading
            print(f"--- {heading}" if heading else "---")
        if text:
            print(text if sys.stdout.isatty() else without_colours(text), end="")
            self._within_a_line = not text.endswith("\n")
        sys.stdout.flush()

    def end(self) -> None:
        """What follows begins a line."""
        if self._within_a_line:
            print(flush=True)
            self._within_a_line = False
