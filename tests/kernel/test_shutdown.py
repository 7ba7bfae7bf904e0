"""A kernel that holds cells of ours closes as quickly as any."""

from __future__ import annotations

from pathlib import Path

from live_kernel import Kernel


def test_a_graceful_shutdown_with_cells_on_their_way_takes_less_than_two_seconds(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    kernel.start("g", "1")
    kernel.outcome("g")
    kernel.run("t = start('import time; time.sleep(60)', where='thread')")
    assert kernel.close() < 2
    assert "Traceback" not in (tmp_path / "kernel.log").read_text()
