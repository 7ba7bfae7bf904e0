"""The examples as a person would run them: from a terminal, in a copy, on a store of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LONGEST_S = 150


@dataclass(frozen=True)
class Ran:
    """How `nbsched run` ended: its exit code, what it showed while it ran, and the run as JSON."""

    code: int
    progress: str
    run: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        return {name: step["state"] for name, step in self.run["steps"].items()}

    def values(self, step: str) -> dict[str, Any]:
        found: dict[str, Any] = self.run["steps"][step]["values"]
        return found


@dataclass(frozen=True)
class Example:
    """A folder of notebooks/, copied to where nobody minds what it writes."""

    folder: Path
    store: Path

    def run(self, file: str, *options: str) -> Ran:
        command = [sys.executable, "-m", "nbsched", "run", str(self.folder / file), *options, "--json"]
        done = subprocess.run(
            command, cwd=self.store.parent, env=os.environ | {"NBSCHED_STORE": str(self.store)}, timeout=LONGEST_S,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return Ran(done.returncode, done.stderr, json.loads(done.stdout))


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Example]:
    """The example of that name."""

    def copied(name: str) -> Example:
        folder = shutil.copytree(
            NOTEBOOKS / name, tmp_path / name, ignore=shutil.ignore_patterns("results", "__pycache__")
        )
        return Example(folder, tmp_path / "store.db")

    return copied
