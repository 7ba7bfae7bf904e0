"""Real notebooks in real kernels, through the executor as the scheduler calls it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import nbformat
import psutil  # type: ignore[import-untyped]
import pytest

from nbsched.core.model import Cell, Context, Notebook, Outcome, Work
from nbsched.core.usage import Usage
from nbsched.executors.contract import Assignment
from nbsched.executors.notebook import NotebookExecutor

pytestmark = pytest.mark.anyio
AT = datetime(2026, 7, 1, 2, tzinfo=UTC)

VALUE = """
from IPython.display import display
def emit(name, value):
    display({"application/vnd.nbsched.value+json": {"name": name, "value": value}, "text/plain": name}, raw=True)
"""
SIGNAL = """
from IPython.display import display
display({"application/vnd.nbsched.signal+json": %r, "text/plain": "signal"}, raw=True)
raise RuntimeError("so that nothing after it runs")
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Told:
    """A report that remembers what it was told."""

    pids: list[int] = field(default_factory=list)
    steps: list[tuple[int, int, str]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    text: dict[str, str] = field(default_factory=lambda: {"stdout": "", "stderr": ""})
    displays: list[Mapping[str, Any]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    marks: dict[str, anyio.Event] = field(default_factory=dict)
    loop: Any = None

    def started(self, pid: int) -> None:
        self.pids.append(pid)

    def progress(self, done: int, total: int, label: str = "", usage: Usage | None = None) -> None:
        self.steps.append((done, total, label))
        if usage is not None:
            self.usages.append(usage)

    def output(self, text: str, stream: str = "stdout") -> None:
        self.text[stream] += text
        if "ready" in text and self.loop is not None:
            self.loop()

    def display(self, message: Mapping[str, Any]) -> None:
        self.displays.append(message)

    def value(self, name: str, value: Any) -> None:
        self.values[name] = value

    def output_file(self, path: Path) -> None:
        self.files.append(path)


def write(path: Path, *sources: str, parameters: str | None = None, **metadata: Any) -> Path:
    """A notebook with the cells; `parameters` becomes its parameters cell."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters is not None:
        cells.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def assign(tmp_path: Path, work: Work | Path, told: Told | None = None, **changes: Any) -> Assignment:
    folder = tmp_path / f"attempt-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    if isinstance(work, Path):
        work = Notebook(name=work.stem, path=str(work))
    context = Context(run_id=7, attempt=1, scheduled_at=AT, interval=(AT, AT), params={}, pipeline=None, step=None,
                      key=None, event=None)  # fmt: skip
    defaults: dict[str, Any] = {"params": {}, "env": {"NBSCHED_RUN": "7"}, "report": told or Told(),
                                "cell_timeout": None, "grace": timedelta(seconds=1)}  # fmt: skip
    return Assignment(work=work, context=context, folder=folder, **{**defaults, **changes})


async def execute(assignment: Assignment) -> Outcome:
    outcome = await NotebookExecutor().execute(assignment)
    assert no_kernel_left(assignment)
    return outcome


def no_kernel_left(assignment: Assignment) -> bool:
    """Nothing runs of the sessions that they led."""
    pids = assignment.report.pids  # type: ignore[attr-defined]
    return not any(_session(each) in pids for each in psutil.process_iter(["status"]))


def _session(process: psutil.Process) -> int:
    try:
        return 0 if process.info["status"] == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except ProcessLookupError:
        return 0


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def output_of(assignment: Assignment, name: str) -> Any:
    return json.loads((assignment.folder / name).read_text("utf-8"))


async def test_a_notebook_runs_with_typed_parameters_and_tells_all_it_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = write(
        tmp_path / "books {x}" / "análisis.ipynb",
        VALUE,
        "import os\nprint('größe', n, os.environ['NBSCHED_RUN'], 'JPY_SESSION_NAME' in os.environ)",
        "import sys\nprint('warn', file=sys.stderr)\nos.write(1, b'to the descriptor\\n');",
        "emit('kinds', [type(value).__name__ for value in (n, share, text, flag, names, table, day, at, nothing)])\n"
        "emit('day', str(day)); emit('cwd', os.getcwd()); emit('text', text)",
        "n + 1",
        parameters="from datetime import date, datetime\nn: int = 1\nshare = 0.5\ntext = ''\nflag = False\nnames = []\n"
        "table: dict = {}\nday: date = date(2020, 1, 1)\nat = datetime(2020, 1, 1)\nnothing: int | None = 3",
    )
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    text = 'it\'s "here" \\ {n} \n ☃'
    params = {"n": 41, "share": 1, "text": text, "flag": True, "names": ["é", 2.5, None], "table": {"a": {"b": [1]}},
              "day": "2026-07-01", "at": AT, "nothing": None}  # fmt: skip
    told = Told()
    work = Notebook(name="analysis", path=str(source), output="reports/out.ipynb")
    os.environ["JPY_SESSION_NAME"] = "/somewhere/parent.ipynb"
    try:
        assignment = assign(tmp_path, work, told, params=params)
        outcome = await execute(assignment)
    finally:
        del os.environ["JPY_SESSION_NAME"]

    assert outcome.kind == "succeeded", outcome
    assert outcome.result is None
    assert outcome.values == told.values == {
        "kinds": ["int", "float", "str", "bool", "list", "dict", "date", "datetime", "NoneType"],
        "day": "2026-07-01", "cwd": str(source.parent), "text": text,
    }  # fmt: skip
    assert "größe 41 7 False" in told.text["stdout"]
    assert "to the descriptor" not in capfd.readouterr().out
    assert told.text["stderr"] == "warn\n"
    results = [output for output in told.displays if output["output_type"] == "execute_result"]
    assert [output["data"]["text/plain"] for output in results] == ["42"]
    assert told.steps[0] == (0, 6, "cell 1")
    assert told.steps[-1] == (6, 6, "cell 6")
    assert [set(usage) for usage in told.usages] == [{"wall_s", "cpu_s", "peak_memory_mb"}] * 6
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before
    assert told.files == [assignment.folder / source.name]
    output = output_of(assignment, source.name)
    assert output["metadata"]["papermill"]["parameters"]["at"] == AT.isoformat()
    assert output["metadata"]["papermill"]["exception"] is None
    assert output["metadata"]["papermill"]["input_path"] == str(source)
    assert output["metadata"]["language_info"]["name"] == "python"
    assert (assignment.folder / source.name).stat().st_mode & 0o777 == 0o600
    assert not (assignment.folder / f"{source.name}.journal").exists()
    assert output_of(assignment, source.name) == json.loads(
        (source.parent / "reports/out.ipynb").read_text("utf-8")
    )


async def test_a_failure_names_its_cell_line_and_exception_and_keeps_the_output(tmp_path: Path) -> None:
    source = write(
        tmp_path / "fails.ipynb",
        "1",
        "\n\nclass Odd(ConnectionError): pass\ndef read(n):\n    raise Odd(n)\n\nprint('before')\nread(3)",
        "print('never')",
        parameters="n = 1",
    )
    told = Told()
    assignment = assign(tmp_path, source, told, params={"n": 2})
    outcome = await execute(assignment)
    assert outcome.kind == "failed"
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("Odd", "3")
    assert (outcome.error.cell, outcome.error.line) == (3, "raise Odd(n)")
    assert "Odd: 3" in outcome.error.traceback
    assert "\x1b" not in outcome.error.traceback
    assert {"Odd", "__main__.Odd", "ConnectionError", "OSError", "Exception"} <= set(outcome.error_types)
    assert "object" not in outcome.error_types
    assert not outcome.fatal
    cells = output_of(assignment, "fails.ipynb")["cells"]
    states = [cell["metadata"].get("papermill", {}).get("status") for cell in cells]
    assert states == [None, "completed", "completed", "completed", None, "failed", "pending"]
    assert "An Exception was encountered" in "".join(cells[0]["source"])
    assert "never" not in told.text["stdout"]


@pytest.mark.parametrize(
    ("last", "kind", "facts"),
    [
        ("import sys; sys.exit(0)", "succeeded", {}),
        ("import sys; sys.exit(3)", "failed", {"error": "SystemExit: 3"}),
        ("input('name? ')", "failed", {"error_types": "StdinNotImplementedError"}),
        (SIGNAL % {"kind": "skip", "reason": "no data"}, "skipped", {"reason": "no data"}),
        (SIGNAL % {"kind": "retry_later", "reason": "", "delay_s": 90}, "retry_later", {"delay": "0:01:30"}),
        (SIGNAL % {"kind": "fail", "reason": "bad"}, "failed", {"fatal": "True", "reason": "bad"}),
    ],
)
async def test_a_notebook_can_end_itself(tmp_path: Path, last: str, kind: str, facts: dict[str, str]) -> None:
    told = Told()
    assignment = assign(tmp_path, write(tmp_path / "ends.ipynb", last, "print('never')"), told)
    outcome = await execute(assignment)
    assert outcome.kind == kind
    for name, text in facts.items():
        assert text in str(getattr(outcome, name))
    assert told.text["stdout"] == ""
    if "input" in last:
        assert str(outcome.error) == (
            "StdinNotImplementedError: a scheduled cell cannot ask for input, nobody may be there: "
            "use a parameter or nb.approve(...)"
        )
    marked = "An Exception was encountered" in (assignment.folder / "ends.ipynb").read_text()
    assert marked == (kind == "failed" and not outcome.fatal)


async def test_an_expected_exception_does_not_fail_the_notebook(tmp_path: Path) -> None:
    source = write(tmp_path / "expects.ipynb", "1 / 0", "print('went on')")
    notebook = nbformat.read(source, 4)
    notebook.cells[0].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, source)
    told = Told()
    outcome = await execute(assign(tmp_path, source, told))
    assert (outcome.kind, told.text["stdout"]) == ("succeeded", "went on\n")


async def test_a_cell_that_takes_too_long_is_interrupted_or_else_killed(tmp_path: Path) -> None:
    sleeps = write(tmp_path / "sleeps.ipynb", "x = 1", "import time\ntime.sleep(60)")
    assignment = assign(tmp_path, sleeps, cell_timeout=timedelta(seconds=0.3))
    outcome = await execute(assignment)
    assert (outcome.kind, outcome.reason) == ("timeout", "timeout")
    assert outcome.error is not None
    assert (outcome.error.cell, outcome.error.line) == (2, "time.sleep(60)")
    assert str(outcome.error) == "TimeoutError: cell 2 ran longer than its cell_timeout of 300ms"
    assert output_of(assignment, "sleeps.ipynb")["metadata"]["papermill"]["exception"] is True

    deaf = write(
        tmp_path / "deaf.ipynb",
        "import signal, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\nprint(child.pid)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
    )
    told = Told()
    assignment = assign(
        tmp_path, deaf, told, cell_timeout=timedelta(seconds=0.3), grace=timedelta(seconds=0.3)
    )
    started = time.monotonic()
    outcome = await execute(assignment)
    assert time.monotonic() - started < 8
    assert outcome.kind == "timeout"
    assert gone(int(told.text["stdout"]))
    last = [cell for cell in output_of(assignment, "deaf.ipynb")["cells"] if cell["cell_type"] == "code"][-1]
    assert last["metadata"]["papermill"]["status"] == "failed"
    assert last["outputs"][-1]["ename"] == "KeyboardInterrupt"


async def test_a_kernel_that_dies_is_noticed_at_once_and_its_output_kept(tmp_path: Path) -> None:
    source = write(tmp_path / "dies.ipynb", "print('first')", "import os\nos._exit(5)")
    assignment = assign(tmp_path, source)
    outcome = await execute(assignment)
    assert outcome.kind == "failed"
    assert str(outcome.error) == "DeadKernelError: the kernel exited with code 5"
    assert outcome.error is not None
    assert outcome.error.cell == 2
    code = [cell for cell in output_of(assignment, "dies.ipynb")["cells"] if cell["cell_type"] == "code"]
    assert code[0]["outputs"][0]["text"] == ["first\n"]
    assert code[1]["outputs"][-1]["ename"] == "DeadKernelError"

    told = Told()
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        os.kill(told.pids[0], signal.SIGKILL)

    told.loop = kill
    source = write(tmp_path / "killed.ipynb", "print('ready', flush=True)\nimport time\ntime.sleep(60)")
    outcome = await execute(assign(tmp_path, source, told))
    assert time.monotonic() - killed[0] < 2
    assert str(outcome.error) == "DeadKernelError: the kernel was killed by SIGKILL"
    assert "DeadKernelError" in outcome.error_types


async def test_cancelling_leaves_nothing_running_and_keeps_the_output(tmp_path: Path) -> None:
    source = write(
        tmp_path / "long.ipynb",
        "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\nprint(child.pid)\nprint('ready', flush=True)\n"
        "import time\ntime.sleep(600)",
        "print('never')",
    )
    told = Told()
    with anyio.CancelScope() as scope:
        told.loop = lambda: anyio.from_thread.run_sync(scope.cancel)
        await NotebookExecutor().execute(assignment := assign(tmp_path, source, told))
        pytest.fail("the cancellation was swallowed")
    assert scope.cancelled_caught
    assert no_kernel_left(assignment)
    code = [cell for cell in output_of(assignment, "long.ipynb")["cells"] if cell["cell_type"] == "code"]
    assert code[0]["outputs"][-1]["ename"] == "KeyboardInterrupt"
    assert code[0]["metadata"]["papermill"]["status"] == "failed"
    assert "never" not in told.text["stdout"]
    assert gone(int(told.text["stdout"].split()[0]))

    with anyio.move_on_after(0) as scope:  # before there is a kernel at all
        await NotebookExecutor().execute(assignment := assign(tmp_path, source))
    assert scope.cancelled_caught
    assert no_kernel_left(assignment)


async def test_two_at_once_each_have_their_own_folder_and_ours_is_left_alone(tmp_path: Path) -> None:
    here = os.getcwd()
    books = [write(tmp_path / name / "same.ipynb", "import os, time\ntime.sleep(0.2)\nprint(os.getcwd())")
             for name in ("a", "b")]  # fmt: skip
    reports = [Told(), Told()]
    assignments = [assign(tmp_path, book, told) for book, told in zip(books, reports, strict=True)]
    async with anyio.create_task_group() as tasks:
        for assignment in assignments:
            tasks.start_soon(NotebookExecutor().execute, assignment)
    assert [told.text["stdout"].strip() for told in reports] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert os.getcwd() == here


async def test_a_process_cell_runs_with_its_parameters_and_keeps_only_what_it_emits(tmp_path: Path) -> None:
    told = Told()
    work = Cell(
        name="one", source=f"{VALUE}\nemit('doubled', n * 2)\n%time 5\n'not a result'", where="process"
    )
    outcome = await execute(assign(tmp_path, work, told, params={"n": 4, "day": date(2026, 7, 1)}))
    assert (outcome.kind, outcome.result, outcome.values) == ("succeeded", None, {"doubled": 8})


@pytest.mark.parametrize(
    ("params", "kernel", "sentence"),
    [
        ({"limti": 1}, None, "did you mean 'limit'"),
        ({"limit": "many"}, None, "'limit' must be int, not the str 'many'"),
        ({"limit": (1, 2)}, None, "'limit' has the type tuple"),
        ({}, "pyton3", "no kernel 'pyton3'"),
    ],
)
async def test_what_cannot_run_is_refused_before_a_kernel_is_started(
    tmp_path: Path, params: dict[str, Any], kernel: str | None, sentence: str
) -> None:
    source = write(tmp_path / "refused.ipynb", "1", parameters="limit: int = 3")
    told = Told()
    work = Notebook(name="refused", path=str(source), kernel=kernel)
    outcome = await execute(assign(tmp_path, work, told, params=params))
    assert (outcome.kind, outcome.fatal, told.pids) == ("failed", True, [])
    assert sentence in str(outcome.error)


async def test_a_notebook_written_by_hand_needs_only_its_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# Words"},
        {"cell_type": "code", "source": ["print('as ',\n", " 'is')"]},
    ]
    (tmp_path / "bare.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    told = Told()
    outcome = await execute(assign(tmp_path, tmp_path / "bare.ipynb", told))
    assert (outcome.kind, told.text["stdout"]) == ("succeeded", "as  is\n"), outcome


async def test_a_missing_or_broken_notebook_is_one_clear_error(tmp_path: Path) -> None:
    outcome = await execute(assign(tmp_path, tmp_path / "missing.ipynb"))
    assert "FileNotFoundError" in outcome.error_types
    (tmp_path / "broken.ipynb").write_text("{}")
    outcome = await execute(assign(tmp_path, tmp_path / "broken.ipynb"))
    assert "broken.ipynb is not a notebook" in str(outcome.error)
    assert outcome.fatal
    source = write(tmp_path / "itself.ipynb", "1")
    before = source.read_bytes()
    outcome = await execute(
        assign(tmp_path, Notebook(name="itself", path=str(source), output="itself.ipynb"))
    )
    assert "is the notebook itself" in str(outcome.error)
    assert source.read_bytes() == before
