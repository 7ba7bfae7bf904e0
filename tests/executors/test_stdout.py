from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from nbsched.executors import stdout

CELL = """
import sys, threading, types
from datetime import timedelta
from pathlib import Path
from nbsched.core.model import Context, Function
from nbsched.executors.contract import Assignment
from nbsched.executors.function import FunctionExecutor, register

class Report:
    told = []
    def started(self, pid): pass
    def output(self, text, stream="stdout"): self.told.append((stream, text))

begun, go_on = threading.Event(), threading.Event()
def loud():
    print("inside")
    print("inside, to stderr", file=sys.stderr)
    begun.set()
    go_on.wait(10)
    print("inside again")

context = Context(run_id=1, attempt=1, scheduled_at=None, interval=(None, None), params={}, pipeline=None,
                  step=None, key=None, event=None)
assignment = Assignment(work=Function(name="loud", ref=register(loud)), context=context, params={}, env={},
                        folder=Path("1/1"), report=Report(), cell_timeout=None, grace=timedelta(seconds=1))
before = sys.stdout
thread = threading.Thread(target=FunctionExecutor().run_batch, args=([assignment],))
thread.start()
begun.wait(10)
print("the cell")
go_on.set()
thread.join()
print(Report.told)
print(sys.stdout is before)
"""


@pytest.fixture
def kernel() -> Iterator[Any]:
    manager = KernelManager()
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=40)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_in_a_kernel_a_function_s_prints_do_not_spill_into_the_cell(kernel: Any) -> None:
    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        assert message["msg_type"] != "error", message["content"]["traceback"]
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])

    kernel.execute_interactive(CELL, output_hook=hear, timeout=30)
    first, told, restored = "".join(said).splitlines()
    assert first == "the cell"
    pieces = eval(told)
    assert "".join(text for stream, text in pieces if stream == "stdout") == "inside\ninside again\n"
    assert "".join(text for stream, text in pieces if stream == "stderr") == "inside, to stderr\n"
    assert restored == "True"


def test_the_streams_are_routed_until_the_last_one_leaves() -> None:
    before = sys.stdout, sys.stderr
    stdout.install()
    stdout.install()
    stdout.uninstall()
    assert isinstance(sys.stdout, stdout.RoutedStream)
    stdout.uninstall()
    assert (sys.stdout, sys.stderr) == before


def test_a_stream_that_someone_put_over_ours_is_left_alone() -> None:
    before = sys.stdout
    stdout.install()
    mine = io.StringIO()
    with redirect_stdout(mine):
        stdout.uninstall()
        print("mine")
    assert mine.getvalue() == "mine\n"
    print("passes through", end="")
    stdout.install()
    stdout.uninstall()
    assert sys.stdout is before


def test_whatever_else_is_asked_of_the_stream_its_own_answers(capsys: pytest.CaptureFixture[str]) -> None:
    stdout.install()
    try:
        assert sys.stdout.encoding.lower() == "utf-8"
        assert sys.stdout.writable()
        sys.stdout.writelines(["a", "b"])
        with pytest.raises(TypeError):
            sys.stdout.write(b"bytes")  # type: ignore[arg-type]
    finally:
        stdout.uninstall()
    assert capsys.readouterr().out == "ab"
