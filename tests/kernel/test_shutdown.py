"""A kernel that holds cells of ours closes as quickly as any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel


def test_a_graceful_shutdown_with_cells_on_their_way_takes_less_than_two_seconds(
    open_kernel: Callable[..., Kernel],
) -> None:
    kernel = open_kernel()
    kernel.start("g", "1")
    assert kernel.outcome("g") == "succeeded"
    kernel.run("t = start('import time; time.sleep(60)', where='thread')")
    assert kernel.close() < 2
    assert "Traceback" not in kernel.log.read_text()
