"""Showing a value in the running cell's output."""

from __future__ import annotations

from typing import Any

from nbsched.core.tables import Table


def show(value: str | Table | Any) -> None:
    """Text is printed, anything else displayed."""
    if isinstance(value, str):
        print(value)
        return
    from IPython.display import display

    display(value)
