"""Rows as a plain table: aligned text, and HTML in which nothing of a value is markup."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INDENT = "  "
"""Before what lies one deeper."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of text; `empty` is what is said instead when there are no rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = "nothing here yet"

    def __str__(self) -> str:
        if not self.rows:
            return self.empty
        lines = [tuple(map(_line, row)) for row in (self.columns, *self.rows)]
        widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
        return "\n".join(_aligned(line, widths) for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self.rows:
            return f"<p>{html.escape(self.empty)}</p>"
        head, body = _html_row("th", self.columns), "".join(_html_row("td", row) for row in self.rows)
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def one_line(cell: str) -> str:
    """The text without what would move the cursor or colour the terminal."""
    return "".join(char if char.isprintable() else " " for char in " ".join(cell.split())).strip()


def named_values(values: Mapping[str, Any]) -> str:
    """`rows = 7, region = "EU"`, each shortened."""
    pairs = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return one_line(", ".join(map(short, pairs)))


def short(text: str, most: int = 60) -> str:
    """At most so many characters of the text, the last one `…` where more are left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _line(cell: str) -> str:
    """As `one_line`, but where the text begins stays."""
    return " " * _indent(cell) + one_line(cell)


def _indent(cell: str) -> int:
    return len(cell) - len(cell.lstrip(" "))


def _width(cell: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in cell)
    return len(cell) + wide - sum(map(bool, map(unicodedata.combining, cell)))


def _aligned(line: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
    ).rstrip()


def indented(cell: str) -> str:
    """The text as HTML that begins where the text does."""
    return "&nbsp;" * 2 * _indent(cell) + html.escape(cell.lstrip(" "))


def _html_row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{indented(cell)}</{tag}>" for cell in cells) + "</tr>"
