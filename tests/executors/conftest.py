"""An assignment as the scheduler hands it over, and a report that remembers what it was told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbsched.core.model import Context, Work
from nbsched.executors.contract import Assignment
from tests.real import ends, is_alive

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@dataclass
class Told:
    """What running work has told; `wait_for` returns once the output holds a text."""

    pids: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def started(self, pid: int) -> None:
        self.pids.append(pid)

    def progress(self, done: int, total: int, label: str = "", usage: Any = None) -> None: ...

    def display(self, message: Mapping[str, Any]) -> None: ...

    def output_file(self, path: Path) -> None: ...

    def value(self, name: str, value: Any) -> None:
        self.values[name] = value

    def output(self, text: str, stream: str = "stdout") -> None:
        with self.changed:
            self.outputs.append((stream, text))
            self.changed.notify_all()

    def text(self, stream: str = "stdout") -> str:
        return "".join(text for where, text in self.outputs if where == stream)

    def wait_for(self, text: str, stream: str = "stdout") -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.text(stream), timeout=20), self.outputs


@pytest.fixture
def alive() -> Callable[[int], bool]:
    return is_alive


@pytest.fixture
def gone_soon() -> Callable[[int], bool]:
    return ends


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def assign(tmp_path: Path, told: Told) -> Callable[..., Assignment]:
    context = Context(
        run_id=7, attempt=1, scheduled_at=AT, interval=(AT, AT), params={}, pipeline="training",
        step="evaluate", key=None, event={"file": "a.csv"},
    )  # fmt: skip

    folder = tmp_path / "7" / "1"
    folder.mkdir(parents=True)

    def assignment(work: Work, **changes: Any) -> Assignment:
        plain = Assignment(
            work=work, context=context, params=work.params, folder=folder, env={"NBSCHED_RUN": "7"},
            report=told, cell_timeout=None, grace=timedelta(seconds=5),
        )  # fmt: skip
        return replace(plain, **changes)

    return assignment
