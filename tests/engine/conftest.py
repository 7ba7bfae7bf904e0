"""A runtime on a virtual clock, and work that any runtime finds again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

import nbsched as nb
from nbsched.executors.lookup import load_file
from nbsched.testing import VirtualRuntime

START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def works() -> Iterator[ModuleType]:
    """The functions of works.py, with nothing noted and every gate closed."""
    module = load_file(Path(__file__).with_name("works.py"))
    module.calls.clear()
    module.gates.clear()
    module.begun.clear()
    module.most_at_once.clear()
    yield module
    for gate in list(module.gates.values()):
        gate.set()


@pytest.fixture
def rt(tmp_path: Path) -> Iterator[VirtualRuntime]:
    with VirtualRuntime(START, tmp_path / "store.db", slots=4) as runtime:
        yield runtime


@pytest.fixture
def real(tmp_path: Path) -> Iterator[nb.Runtime]:
    with nb.Runtime(tmp_path / "store.db", slots=4) as runtime:
        yield runtime


@pytest.fixture
def until() -> Callable[..., None]:
    return wait_until


def wait_until(runtime: nb.Runtime, holds: Callable[[], object], seconds: float = 20) -> None:
    """The condition on what the store holds has come true."""
    changed = threading.Event()
    with runtime.watch(changed.set):
        left = round(seconds / 0.1)
        while not holds():
            assert left > 0, "it has not come true"
            left -= not changed.wait(0.1)
            changed.clear()
