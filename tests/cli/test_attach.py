"""`nbsched attach` and `nbsched compare`."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

HALF = (
    "print('half', flush=True)\nimport pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"
)


def notebook(nbsched: CommandLine, name: str, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), nbsched.folder / name)


def running(nbsched: CommandLine) -> subprocess.Popen[str]:
    """`nbsched run` of a notebook that has shown half."""
    notebook(nbsched, "long.ipynb", "print('first')", HALF, "print('last')")
    process = nbsched.start("run", "long.ipynb")
    assert process.stderr
    next(line for line in process.stderr if "running" in line)
    return process


def test_a_notebook_is_printed_cell_by_cell_while_it_runs_and_its_end_is_the_exit_code(
    nbsched: CommandLine,
) -> None:
    with running(nbsched), nbsched.start("attach", "1") as attached:
        assert attached.stdout
        begun = [attached.stdout.readline() for _ in range(4)]
        assert begun == [
            "--- 1/3 print('first')\n",
            "first\n",
            "--- 2/3 print('half', flush=True)\n",
            "half\n",
        ]
        nbsched.file("go", "")
        out, err = attached.communicate(timeout=30)
    assert (attached.returncode, out, err) == (0, "--- 3/3 print('last')\nlast\n", "")
    assert nbsched.here("attach", "1").out == "".join(begun) + out


def test_ctrl_c_leaves_the_run_alone(nbsched: CommandLine) -> None:
    with running(nbsched) as run, nbsched.start("attach", "1") as attached:
        assert attached.stdout
        next(line for line in attached.stdout if line == "half\n")
        attached.send_signal(signal.SIGINT)
        _, err = attached.communicate(timeout=20)
        assert (attached.returncode, err) == (130, "nbsched: run 1 goes on (nbsched attach 1)\n")
        nbsched.file("go", "")
        run.communicate(timeout=30)
    assert run.returncode == 0


def test_a_failure_is_1_and_says_why(nbsched: CommandLine) -> None:
    notebook(nbsched, "bad.ipynb", "print('before')", "1 / 0", "'after'")
    nbsched.here("run", "bad.ipynb")
    said = nbsched.here("attach", "1")
    assert said.code == 1
    assert said.out.startswith("--- 1/3 print('before')\nbefore\n--- 2/3 1 / 0\n")
    assert "ZeroDivisionError" in said.out
    assert "after" not in said.out
    assert "\x1b" not in said.out
    assert said.err == "nbsched: run 1 of bad failed: ZeroDivisionError: division by zero (nbsched show 1)\n"


def test_a_command_shows_its_log_and_a_pipeline_its_steps(nbsched: CommandLine) -> None:
    nbsched.file(
        "one.py",
        "import nbsched as nb\nwith nb.pipeline('one') as p:\n    nb.shell('echo told', name='tell')\n",
    )
    steps = nbsched.here("run", "one.py", "--json").json["steps"]
    assert nbsched.here("attach", str(steps["tell"]["id"])).out == "told\n"
    whole = nbsched.here("attach", "1")
    assert (whole.code, "tell" in whole.out) == (0, True)
    assert nbsched.here("attach", "1", "--json").json["state"] == "succeeded"


def test_what_is_cleared_is_told_anew(nbsched: CommandLine) -> None:
    source = "from IPython.display import clear_output\nprint('one')\nclear_output()\nprint('two')"
    notebook(nbsched, "clearing.ipynb", source)
    nbsched.here("run", "clearing.ipynb")
    assert nbsched.here("attach", "1").out.splitlines()[-1] == "two"


def test_two_runs_are_compared(nbsched: CommandLine) -> None:
    notebook(nbsched, "report.ipynb", "region = 'EU'", "print(region)")
    path = nbsched.folder / "report.ipynb"
    whole = json.loads(path.read_text())
    whole["cells"][0]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(whole))
    for region in ("EU", "US"):
        nbsched.here("run", "report.ipynb", "-p", f"region={region}")
    said = nbsched.here("compare", "2", "1").out.splitlines()
    assert [line.split()[0] for line in said] == ["what", "parameter", "same", "source", "outputs"]
    assert said[1].split() == ["parameter", "region", '"US"', '"EU"']
    assert said[-1].split()[-2:] == ["US", "EU"]
    found = nbsched.here("compare", "2", "1", "--json").json
    assert found["params"] == [{"name": "region", "this": "US", "other": "EU"}]
    assert nbsched.here("compare", "2", "99").sentence.startswith("nbsched: no run 99")


def test_a_run_that_waits_can_be_attached_to_before_it_is_answered(nbsched: CommandLine) -> None:
    nbsched.file(
        "ask.py", "import nbsched as nb\nwith nb.pipeline('ask') as p:\n    nb.approve('go on?', name='a')\n"
    )
    with nbsched.start("run", "ask.py") as run:
        assert run.stderr
        next(line for line in run.stderr if "a" in line.split() and "pending" in line)
        attached = nbsched.start("attach", "2")
        assert nbsched.here("resolve", "1", "yes").code == 0
        assert attached.communicate(timeout=20) == ("", "")
        assert attached.returncode == 0
        run.communicate(timeout=20)


def test_a_notebook_that_is_tried_again_is_told_from_its_beginning(nbsched: CommandLine) -> None:
    path = str(nbsched.folder / "flaky.ipynb")
    notebook(nbsched, "flaky.ipynb", HALF, "import nbsched as nb\nassert nb.context().attempt == 2")
    with nbsched.start("run", path, "--retries", "1", "--backoff", "1ms") as run:
        assert run.stderr
        next(line for line in run.stderr if "running" in line)
        with nbsched.start("attach", "1") as attached:
            assert attached.stdout
            begun = next(line for line in attached.stdout if line == "half\n")
            nbsched.file("go", "")
            out = begun + attached.communicate(timeout=40)[0]
        run.communicate(timeout=20)
    assert attached.returncode == 0
    assert out.count("half\n") == 2
    assert out.index("AssertionError") < out.index("--- tried again\n") < out.rindex("half\n")
