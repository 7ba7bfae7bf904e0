"""Programs in processes of their own, which are gone when the test is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python program in a session of its own, on the store of this test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*args: object, **options: Any) -> subprocess.Popen[str]:
        env = {**os.environ, "NBSCHED_STORE": str(tmp_path / "store.db"), **options.pop("env", {})}
        process = subprocess.Popen(
            [sys.executable, *map(str, args)], env=env, text=True, start_new_session=True, cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        with _gone():
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class _gone:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is ProcessLookupError
