"""What the cells of a notebook used, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from nbsched.core.rows import took_text


class Usage(TypedDict, total=False):
    """What one cell used; what could not be measured is missing.

    `wall_s` seconds on the clock, `cpu_s` seconds of its process and of what that had started and seen end,
    `peak_memory_mb` the most of its process that lay in memory meanwhile, shared pages too, in 10^6 bytes.
    """

    wall_s: float
    cpu_s: float
    peak_memory_mb: float


def usage_text(cells: Sequence[Usage]) -> str:
    """`3 cells in 21 s, CPU 18 s, peak memory 410 MB; the longest, cell 2, 20 s`; empty without cells."""
    if not cells:
        return ""
    walls = [cell.get("wall_s", 0.0) for cell in cells]
    parts = [f"{len(cells)} cell{'s' if len(cells) > 1 else ''} in {_time(sum(walls))}"]
    if spent := [cell["cpu_s"] for cell in cells if "cpu_s" in cell]:
        parts.append(f"CPU {_time(sum(spent))}")
    if peaks := [cell["peak_memory_mb"] for cell in cells if "peak_memory_mb" in cell]:
        parts.append(f"peak memory {max(peaks):.0f} MB")
    longest = max(walls)
    most = f"; the longest, cell {walls.index(longest) + 1}, {_time(longest)}" if len(cells) > 1 else ""
    return ", ".join(parts) + most


def _time(seconds: float) -> str:
    return took_text(round(seconds * 1000))
