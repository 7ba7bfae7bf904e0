"""What the cells of a notebook used, in a line."""

from __future__ import annotations

import pytest

from nbsched.core.usage import Usage, usage_text


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([], ""),
        ([Usage(wall_s=0.012)], "1 cell in 12 ms"),
        (
            [Usage(wall_s=1.5, cpu_s=0.9, peak_memory_mb=210.4)],
            "1 cell in 1.5 s, CPU 0.9 s, peak memory 210 MB",
        ),
        (
            [
                Usage(wall_s=1, cpu_s=1, peak_memory_mb=60),
                Usage(wall_s=20, cpu_s=17, peak_memory_mb=410),
                Usage(),
            ],
            "3 cells in 0:21, CPU 0:18, peak memory 410 MB; the longest, cell 2, 0:20",
        ),
    ],
)
def test_a_line_says_what_the_cells_used_and_which_took_longest(cells: list[Usage], text: str) -> None:
    assert usage_text(cells) == text
