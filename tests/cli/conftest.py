"""The command line in processes of its own, on a store of each test's own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbsched.cli import main


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line on stderr, of a command that must have refused."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


class CommandLine:
    """`nbsched` in a folder, on a store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder / "store" / "nbsched.db"
        self._environment = {**os.environ, "NBSCHED_STORE": str(self.store), "COLUMNS": "120"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "nbsched", *words], cwd=self.folder, env=self._environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, *words: str) -> Said:
        with self.start(*words) as process:
            out, err = process.communicate(timeout=50)
        return Said(process.returncode, out, err)

    def here(self, *words: str) -> Said:
        """The same in this process, which is quicker."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.folder)
            patch.setenv("NBSCHED_STORE", str(self.store))
            code = main(words)
        return Said(code, out.getvalue(), err.getvalue())

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


@pytest.fixture
def nbsched(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)
