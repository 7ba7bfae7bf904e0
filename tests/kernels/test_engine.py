"""The engine as papermill's own users meet it, and kernels that do not start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbsched.kernels.client import Ending
from nbsched.kernels.engine import ENGINE, Execution, execute_notebook
from nbsched.kernels.journal import Journal, recover
from nbsched.kernels.launch import Launch, kernel_language
from tests.real import ends, until


def book(*sources: str) -> Any:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


@pytest.mark.parametrize("first", ["papermill", "sys"])
def test_papermill_finds_the_engine_by_its_entry_point_whichever_is_imported_first(first: str) -> None:
    code = f"""
import {first}, sys, nbsched.kernels.engine as ours
assert ("papermill" in sys.modules) == {first == "papermill"}
from papermill.engines import papermill_engines
assert papermill_engines.get_engine({ENGINE!r}) is ours.NbschedEngine
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.filterwarnings("default")
def test_plain_papermill_runs_its_notebooks_on_the_engine_also_inside_a_loop(tmp_path: Path) -> None:
    import papermill

    source, output = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(book("n = 1", "import os\nprint(n, os.getcwd())", "1 / 0"), source)

    async def as_in_a_notebook() -> None:
        papermill.execute_notebook(
            source, output, {"n": 2}, engine_name=ENGINE, cwd=tmp_path, progress_bar=False
        )

    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        asyncio.run(as_in_a_notebook())
    cells = [cell for cell in nbformat.read(output, 4).cells if cell.cell_type == "code"]
    assert cells[2].outputs[0].text == f"1 {tmp_path}\n"
    assert cells[3].metadata.papermill.status == "failed"


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [(["sleep", "600"], "gave no answer in 0.5 s"), (["false"], "the kernel exited with code 1")],
)
def test_a_kernel_that_does_not_start_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], sentence: str
) -> None:
    spec = tmp_path / "kernels" / "odd" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": argv, "display_name": "odd", "language": "Odd"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert kernel_language("odd") == "odd"
    launch = Launch(kernel="odd", cwd=tmp_path, env=os.environ)
    ending = execute_notebook(book("1"), Execution(launch=launch, start_timeout_s=0.5), language="python")
    assert (ending.kind, ending.index) == ("died", None)
    assert sentence in ending.evalue


def test_widgets_and_updated_displays_are_in_the_output(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "out.ipynb")
    notebook = book(
        "from IPython.display import display, clear_output\nhandle = display('first', display_id=True)",
        "handle.update('second')",
        "print('gone'); clear_output(); print('left')",
        "import ipywidgets; ipywidgets.IntSlider(value=7)",
    )
    launch = Launch(kernel="python3", cwd=tmp_path, env=os.environ)
    ending = execute_notebook(notebook, Execution(launch=launch, journal=journal), language="python")
    assert ending == Ending(kind="finished")
    written = nbformat.read(journal.path, 4)
    assert written.cells[0].outputs[0].data["text/plain"] == "'second'"
    assert [output.text for output in written.cells[2].outputs] == ["left\n"]
    states = written.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert 7 in [state["state"].get("value") for state in states]


HOST = """
import os, sys
from pathlib import Path
from nbsched.kernels.engine import Execution, execute_notebook
from nbsched.kernels.journal import Journal
from nbsched.kernels.launch import Launch
import nbformat
path = Path(sys.argv[1])
sources = (
    "print('done')",
    "import os; open('pid', 'w').write(str(os.getpid()))",
    "import time; print('half', flush=True); time.sleep(600)",
)
cells = [nbformat.v4.new_code_cell(source) for source in sources]
launch = Launch(kernel="python3", cwd=path.parent, env=os.environ)
execution = Execution(launch=launch, journal=Journal(path))
execute_notebook(nbformat.v4.new_notebook(cells=cells), execution, language="python")
"""


def test_a_killed_host_takes_its_kernel_along_and_leaves_all_that_was_shown(tmp_path: Path) -> None:
    path = tmp_path / "out.ipynb"
    # a killed host cannot clear its own away; their paths must be short
    sockets = tempfile.TemporaryDirectory()
    env = {**os.environ, "TMPDIR": sockets.name}
    host = subprocess.Popen([sys.executable, "-c", HOST, str(path)], env=env)
    journal = tmp_path / "out.ipynb.journal"
    until(lambda: journal.exists() and "half" in journal.read_text(), 30)
    kernel = int((tmp_path / "pid").read_text())
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert recover(path)
    first, second, third = nbformat.read(path, 4).cells
    assert (first.outputs[0].text, third.outputs[0].text) == ("done\n", "half\n")
    assert [cell.metadata.papermill.status for cell in (first, second, third)] == [
        "completed",
        "completed",
        "running",
    ]
    assert (first.execution_count, first.metadata.nbsched.keys()) == (
        1,
        {"wall_s", "cpu_s", "peak_memory_mb"},
    )
    assert ends(kernel)
    sockets.cleanup()


PAPERMILL = """
import papermill
papermill.execute_notebook("in.ipynb", "sub/out.ipynb", engine_name="nbsched", cwd="elsewhere", progress_bar=False)
"""


def test_an_output_of_plain_papermill_outlives_its_death_and_is_recovered(tmp_path: Path) -> None:
    for folder in ("sub", "elsewhere"):
        (tmp_path / folder).mkdir()
    sources = (
        "print('done')",
        "import time\nprint('half', flush=True)\ntime.sleep(600)",
    )
    nbformat.write(book(*sources), tmp_path / "in.ipynb")
    with subprocess.Popen([sys.executable, "-c", PAPERMILL], cwd=tmp_path, stderr=subprocess.DEVNULL) as host:
        journal = tmp_path / "sub" / "out.ipynb.journal"
        until(lambda: journal.exists() and b"half" in journal.read_bytes(), 40)
        host.kill()
    output = tmp_path / "sub" / "out.ipynb"
    assert [cell.outputs for cell in nbformat.read(output, 4).cells] == [[], []]
    for code, said in ((0, "holds all that its cells had shown"), (1, "nothing to recover")):
        command = [sys.executable, "-m", "nbsched", "recover", str(output)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, said in ran.stdout) == (code, True), ran
    assert [cell.outputs[0].text for cell in nbformat.read(output, 4).cells] == ["done\n", "half\n"]
    assert output.stat().st_mode & 0o077, "as papermill's own outputs, which others may read"
