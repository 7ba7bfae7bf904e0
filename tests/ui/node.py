"""JavaScript without a page."""

from __future__ import annotations

import shutil
import subprocess


def _node() -> str:
    """Node of the machine, else the one that comes with Playwright."""
    found = shutil.which("node")
    if not found:
        from playwright._impl._driver import compute_driver_executable

        found = str(compute_driver_executable()[0])
    return found


def run_node(*arguments: str, given: str = "") -> str:
    """What Node has printed; it has ended well."""
    done = subprocess.run(
        [_node(), *arguments], input=given, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
