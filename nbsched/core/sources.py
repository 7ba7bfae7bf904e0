"""What a cell or a notebook is: its cells and their tags, the parameters it is given, whether it compiles."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
MARKER_TAG = "papermill-error-cell-tag"
"""Of the cells that papermill puts into the output of a notebook that failed, to point at where."""


def source_text(cell: Mapping[str, Any]) -> str:
    """The cell's source as one text, however its file splits it."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def code_cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (cell for cell in notebook.get("cells", ()) if cell.get("cell_type") == "code")


def tagged(cell: Mapping[str, Any], tag: str) -> bool:
    return tag in cell.get("metadata", {}).get("tags", ())


def kernel_name(notebook: Mapping[str, Any]) -> str:
    """The name of the kernel that the notebook was saved with; that of Python when it says nothing."""
    return str(notebook.get("metadata", {}).get("kernelspec", {}).get("name") or "python3")


def language(notebook: Mapping[str, Any]) -> str:
    """The notebook's language in lower case; Python when it says nothing."""
    metadata = notebook.get("metadata", {})
    named = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    return str(named or "python").lower()


def with_parameters(notebook: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The Python notebook with a cell that assigns the values.

    It follows the parameters cell, whose defaults it overrides, and stands where a former run's stood if that is later.
    """
    cell: dict[str, Any] = {"cell_type": "code", "id": INJECTED_TAG, "source": injected_source(values), "outputs": [],
            "execution_count": None, "metadata": {"tags": [INJECTED_TAG]}}  # fmt: skip
    former = next((at for at, other in enumerate(notebook["cells"]) if tagged(other, INJECTED_TAG)), 0)
    cells = [other for other in notebook["cells"] if not tagged(other, INJECTED_TAG)]
    declared = next((at + 1 for at, other in enumerate(cells) if tagged(other, PARAMETERS_TAG)), 0)
    at = max(former, declared)
    return {**notebook, "cells": [*cells[:at], cell, *cells[at:]]}


def injected_source(values: Mapping[str, Any]) -> str:
    """A Python cell that assigns the values, each written as a literal."""
    dated = any(isinstance(value, date) for value in values.values())
    lines = ["# Parameters", *(["import datetime as _datetime"] if dated else [])]
    return "\n".join([*lines, *(f"{name} = {_written(value)}" for name, value in values.items())])


def _written(value: Any) -> str:
    if isinstance(value, (date, datetime)):
        kind = "datetime" if isinstance(value, datetime) else "date"
        return f"_datetime.{kind}.fromisoformat({value.isoformat()!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(value)


# --- what it is ---


_IPYTHON = re.compile(r"^\s*[%!?]|=\s*[%!]|\?\s*$", re.MULTILINE)
"""What only IPython can read: magics, shell lines, help."""


def cell_compiles(source: str) -> str | None:
    """None, or the sentence that says why this Python is none; a top-level `await` is allowed.

    A cell that holds magics or shell lines is left to IPython.
    """
    if _IPYTHON.search(source):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()
        where = f" in line {error.lineno}" + (f" ({line})" if line else "") if error.lineno else ""
        return f"the cell does not compile: {error.msg}{where}; correct it"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"the cell does not compile: {error or type(error).__name__}; correct it"
    return None


def failing_line(source: str, traceback: Sequence[str], execution_count: int | None) -> str | None:
    """The line of the cell at which an IPython traceback (without colours) points last."""
    mark = f"Cell In[{execution_count}], line "
    numbers = [part.split(mark, 1)[1] for text in traceback for part in text.splitlines() if mark in part]
    digits = numbers[-1].split(",")[0].split("\n")[0].strip() if numbers else ""
    lines = re.sub(r"\A(?:[^\S\n]*\n)+", "", source).splitlines()
    return lines[int(digits) - 1].strip() if digits.isdecimal() and 0 < int(digits) <= len(lines) else None
