"""Programs in processes of their own, which are gone when the test is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nbsched.engine.visiting import Visitor
from nbsched.executors.lookup import load_file


@pytest.fixture
def works() -> ModuleType:
    return load_file(Path(__file__).with_name("works.py"))


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with Visitor(tmp_path / "store.db") as found:
        yield found


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


class Host:
    """A runtime in a process of its own (see host.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.expect("ready")

    @property
    def pid(self) -> int:
        return self.process.pid

    def expect(self, line: str) -> None:
        assert self.process.stdout is not None
        found = self.process.stdout.readline().strip()
        assert found == line, found + (
            self.process.stderr.read() if self.process.stderr and not found else ""
        )

    def ask(self, python: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(python + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        """It has closed in good order, and said nothing on its standard error."""
        _, errors = self.process.communicate(timeout=20)
        assert (self.process.returncode, errors) == (0, "")


@pytest.fixture
def host(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., Host]:
    program = Path(__file__).with_name("host.py")
    return lambda *args, **options: Host(start(program, *args, stdin=subprocess.PIPE, **options))
