"""`nbsched run`: real files, real processes, a real store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

PIPELINE = """
import nbsched as nb

@nb.task
def prepare(n):
    print("prepares", n)
    return {"rows": n * 2}

@nb.task
def score(rows):
    return rows / 100

with nb.pipeline("demo", params={"n": 5}) as p:
    data = prepare(p.params["n"])
    result = score(data["rows"])
    result >> nb.shell("echo told", name="tell")

if __name__ == "__main__":
    raise SystemExit("must not run")
"""
TWO = """
import nbsched as nb

with nb.pipeline("one"):
    nb.shell("true")
with nb.pipeline("two"):
    nb.shell("true")
"""
FAILING = """
import nbsched as nb

@nb.task
def boom():
    raise KeyError("amount")

with nb.pipeline("bad"):
    boom() >> nb.shell("true", name="after")
"""


@pytest.fixture
def demo(nbsched: CommandLine) -> CommandLine:
    nbsched.file("demo.py", PIPELINE)
    return nbsched


def notebook(folder: Path, name: str, *cells: str) -> None:
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    written.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(written, folder / name)


def read_line(process: subprocess.Popen[str], text: str) -> None:
    """The process has said the text on stderr."""
    assert process.stderr is not None
    assert any(text in line for line in process.stderr), f"{text!r} was never said"


def test_a_pipeline_of_a_python_file_runs_and_its_table_is_printed(demo: CommandLine) -> None:
    said = demo("run", "demo.py")
    assert said.code == 0
    assert "run 1 of demo: succeeded" in said.out
    assert [word for word in said.out.split() if word in ("prepare", "score", "tell")] == [
        "prepare",
        "score",
        "tell",
    ]
    assert "tell  succeeded" in said.err


def test_why_reads_a_file_as_run_does_and_names_the_change(demo: CommandLine) -> None:
    cached = PIPELINE.replace("@nb.task", "@nb.task(cache=True)")
    demo.file("demo.py", cached)
    assert demo.here("why", "demo.py").out.count("never run with cache on") == 2
    demo("run", "demo.py")
    assert demo.here("run", "demo.py", "--json").json["steps"]["score"]["reason"] == "cached"
    found = {one["step"]: one for one in demo.here("why", "demo.py", "-p", "n=6", "--json").json}
    assert found["prepare"]["why"] == ["params.n: 5 → 6"]
    assert (found["score"]["would"], found["score"]["why"]) == ("depends", ["upstream prepare will run"])
    assert (found["tell"]["would"], found["tell"]["why"]) == ("run", ["cache is off"])
    demo.file("demo.py", cached.replace("rows / 100", "rows / 10"))
    found = {one["step"]: one["why"] for one in demo.here("why", "demo", "--json").json}
    assert found["score"] == ["source of score changed"]
    assert demo.here("run", "demo.py", "--no-cache", "--json").json["steps"]["prepare"]["reason"] is None
    assert "run it once" in demo.here("why", "nothing").sentence


MAPPED = """
import nbsched as nb

@nb.task
def score(fold):
    if fold in (2, 4):
        raise ValueError(f"fold {fold} is empty")
    return fold

with nb.pipeline("inner") as inner:
    nb.shell("true", name="deep")
with nb.pipeline("study") as study:
    score.map(list(range(30)))
    inner()
"""


def test_a_mapped_step_is_one_line_with_counts_and_a_pipeline_inside_is_indented(
    nbsched: CommandLine,
) -> None:
    nbsched.file("study.py", MAPPED)
    said = nbsched("run", "study.py", "--pipeline", "study")
    assert said.code == 1
    [score] = [line for line in said.out.splitlines() if "score" in line]
    assert "30 items" in score
    assert "28 ok · 2 failed" in score
    deep, inner = (
        next(line for line in said.out.splitlines() if f" {name} " in line) for name in ("deep", "inner")
    )
    assert deep.index("deep") == inner.index("inner") + 2
    assert "inner › deep  succeeded" in said.err
    assert said.err.count("failed: ValueError: fold 2 is empty (nbsched show 2)") == 1
    shown = nbsched.here("show", "1").out
    assert "score 30 items" in shown
    assert "28 ok · 2 failed" in shown
    assert "  deep" in shown


def test_json_is_the_run_with_its_steps_and_nothing_else(demo: CommandLine) -> None:
    found = demo("run", "demo.py", "-p", "n=7", "--json").json
    assert found["state"] == "succeeded"
    assert found["params"] == {"n": 7}
    assert found["steps"]["prepare"]["result"] == {"rows": 14}
    assert found["steps"]["score"]["result"] == 0.14
    assert {"attempts", "events"} <= set(found)


def test_a_failure_is_exit_code_1_and_says_why(nbsched: CommandLine) -> None:
    nbsched.file("bad.py", FAILING)
    said = nbsched("run", "bad.py")
    assert said.code == 1
    assert "KeyError: 'amount'" in said.err
    assert "upstream" in said.out or "a step before it failed" in said.out


def test_ctrl_c_cancels_the_run_and_is_exit_code_130(nbsched: CommandLine) -> None:
    nbsched.file(
        "slow.py", "import nbsched as nb\nwith nb.pipeline('slow'):\n    nb.shell('sleep 60', name='s')\n"
    )
    with nbsched.start("run", "slow.py") as process:
        read_line(process, "s  running")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert [run["state"] for run in nbsched("runs", "--json").json] == ["cancelled"]


def test_the_same_key_is_the_same_run(demo: CommandLine) -> None:
    first, second = (demo("run", "demo.py", "--key", "today", "--json").json for _ in range(2))
    assert first["id"] == second["id"]
    assert first["key"] == "today"
    assert len(demo("runs", "--json").json) == 1


def test_what_a_crash_cut_off_is_carried_on_with_the_same_key(nbsched: CommandLine) -> None:
    nbsched.file(
        "crash.py",
        "import nbsched as nb\n"
        "with nb.pipeline('crash'):\n"
        "    nb.shell('echo x >> first.txt', name='first') >> nb.shell('[ -e go ] || sleep 60', name='second')\n",
    )
    words = ("run", "crash.py", "--key", "k", "--lease", "1s")
    with nbsched.start(*words) as process:
        read_line(process, "second  running")
        process.kill()
    nbsched.file("go", "")
    said = nbsched(*words, "--json")
    assert (said.code, said.json["state"]) == (0, "succeeded")
    assert (nbsched.folder / "first.txt").read_text() == "x\n"


def test_a_notebook_runs_with_its_parameters(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "plain.ipynb", "n = 1", "import nbsched as nb; nb.emit(square=n * n)")
    found = nbsched("run", "plain.ipynb", "-p", "n=7", "--json").json
    assert (found["state"], found["values"]) == ("succeeded", {"square": 49})
    assert Path(found["output"]).is_file()


def test_the_step_cells_of_a_notebook_run_in_one_fresh_kernel(nbsched: CommandLine) -> None:
    notebook(
        nbsched.folder,
        "steps.ipynb",
        "import os\nos.environ['NBSCHED_STORE'] = 'elsewhere.db'\n%load_ext nbsched\nbase = 10",
        "%%step etl.fetch\nimport nbsched as nb\nrows = [1, 2, 3]\nnb.emit(n=len(rows) + base)",
        "def double(x):\n    return 2 * x",
        "%%step etl.load --after fetch -p limit=@params.limit\nprint('loads', double(len(rows)), limit)",
        "%pipeline run etl -p limit={base} --wait",
        "open('must-not-be', 'w')",
    )
    found = nbsched("run", "steps.ipynb", "--json").json
    assert found["state"] == "succeeded"
    assert {name: step["state"] for name, step in found["steps"].items()} == {
        "fetch": "succeeded",
        "load": "succeeded",
    }
    assert found["steps"]["fetch"]["values"] == {"n": 13}
    assert not (nbsched.folder / "must-not-be").exists()
    assert "loads 6 10" in nbsched("logs", str(found["id"])).out
    assert [run["name"] for run in nbsched("runs", "--json").json] == ["etl"]


def test_a_text_parameter_that_looks_like_a_number_is_text_where_text_is_declared(
    nbsched: CommandLine,
) -> None:
    nbsched.file(
        "days.py",
        "import nbsched as nb\n@nb.task\ndef show(day): return day\n"
        "with nb.pipeline('days', params={'day': str}) as p:\n    show(p.params['day'])\n",
    )
    notebook(nbsched.folder, "days.ipynb", "day: str", "import nbsched as nb; nb.emit(day=day)")
    notebook(nbsched.folder, "steps.ipynb", "%load_ext nbsched", "%step etl.days days.ipynb -p day=@params.day",
             "%pipeline run etl -p day=2025")  # fmt: skip
    words = ("-p", "day=2026", "--json")
    assert nbsched("run", "days.py", *words).json["steps"]["show"]["result"] == "2026"
    assert nbsched("run", "days.ipynb", *words).json["values"] == {"day": "2026"}
    assert nbsched("run", "steps.ipynb", *words).json["steps"]["days"]["values"] == {"day": "2026"}
    assert nbsched("run", "steps.ipynb", "--json").json["steps"]["days"]["values"] == {"day": "2025"}
    assert "no parameter 'dya': did you mean 'day'" in nbsched("run", "steps.ipynb", "-p", "dya=1").sentence


def test_help_lists_the_parameters_of_the_file_and_runs_nothing_of_a_notebook(nbsched: CommandLine) -> None:
    nbsched.file(
        "days.py",
        "import nbsched as nb\nwith nb.pipeline('days', params={'day': str, 'n': 5}) as p:\n    nb.shell('true')\n",
    )
    cell = "open('must-not-be', 'w')"
    notebook(
        nbsched.folder, "plain.ipynb", "n: int\nmode: Literal['fast', 'full'] = 'fast'  # how thorough", cell
    )
    notebook(nbsched.folder, "steps.ipynb", "%load_ext nbsched\n" + cell, "%step etl.a plain.ipynb -p n=@params.count",
             "%%step etl.b -p x={here} -p y=@params.region --when 'params.limit > 1'\npass",
             "%pipeline run etl -p region=EU")  # fmt: skip
    notebook(nbsched.folder, "none.ipynb", "")
    assert nbsched.here("run", "days.py", "--help").out.endswith(
        "parameters of days (days.py):\n  day  str, required\n  n    int, default 5\n"
    )
    assert nbsched.here("run", "-h", "plain.ipynb").out.endswith(
        "parameters of plain (plain.ipynb):\n  n     int, required\n"
        "  mode  'fast' or 'full', default 'fast': how thorough\n"
    )
    assert nbsched.here("schedule", "@daily", "steps.ipynb", "--help").out.endswith(
        "parameters of etl (steps.ipynb):\n  count   int, required\n  region  any value, default 'EU'\n"
        "  limit   any value, required\n"
    )
    assert nbsched.here("run", "none.ipynb", "--help").out.endswith(
        "none (none.ipynb) declares no parameters\n"
    )
    assert "there is no file 'nosuch.py'" in nbsched.here("run", "nosuch.py", "--help").out
    assert "--retries" in nbsched.here("run", "--help").out
    assert not (nbsched.folder / "must-not-be").exists()


def test_step_cells_run_in_the_order_of_the_names_they_read(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "steps.ipynb", "%load_ext nbsched", "%%step p.last\nprint('rows', rows)",
             "%%step p.first\nrows = [1, 2]")  # fmt: skip
    found = nbsched("run", "steps.ipynb", "--json").json
    assert found["state"] == "succeeded"
    assert found["steps"]["first"]["ended_at"] <= found["steps"]["last"]["started_at"]


def test_cells_of_a_kernel_are_refused_for_workers(nbsched: CommandLine) -> None:
    nbsched.file("cells.py", "import nbsched as nb\nwith nb.pipeline('p') as p: nb.cell('1', name='c')\n")
    notebook(nbsched.folder, "steps.ipynb", "%load_ext nbsched", "%%step etl.c\npass")
    refused = "the cell 'c' runs in its notebook's kernel, where the workers of dask cannot reach it: "
    for words in (("run", "cells.py"), ("schedule", "@daily", "cells.py")):
        said = nbsched(*words, "--executor", "dask")
        assert (said.code, refused in said.sentence) == (2, True), said
    assert refused in nbsched("run", "steps.ipynb", "--executor", "dask").sentence
    assert nbsched("runs", "--json").json == nbsched("schedules", "--json").json == []
    assert (
        "no executor 'dusk': did you mean 'dask'?"
        in nbsched("run", "cells.py", "--executor", "dusk").sentence
    )


def test_the_settings_of_the_working_folder_are_heeded(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "plain.ipynb", "n = 1")
    nbsched.file("nbsched.toml", "executor = 'dusk'\n")
    said = nbsched("schedule", "@daily", "plain.ipynb")
    assert (said.code, said.sentence) == (
        2, f"nbsched: {nbsched.folder}/nbsched.toml: no executor 'dusk': did you mean 'dask'?",
    )  # fmt: skip
    nbsched.file("nbsched.toml", "[resources]\ngpu = 1\n")
    assert nbsched("schedule", "@daily", "plain.ipynb", "--resources", "gpu=1").code == 0


def test_a_cell_that_fails_before_the_steps_is_one_sentence(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "steps.ipynb", "1 / 0", "%%step etl.fetch\npass")
    said = nbsched("run", "steps.ipynb")
    assert said.code == 1
    assert (
        said.sentence == "nbsched: the cell that begins '1 / 0' failed: ZeroDivisionError: division by zero"
    )


def test_a_kernel_that_dies_in_a_step_ends_the_command(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "dies.ipynb", "import os", "%%step etl.fetch\nos._exit(3)")
    said = nbsched("run", "dies.ipynb", "--lease", "1s")
    assert said.code == 1
    assert "the kernel died while run 1 was on" in said.err or "KernelGone" in said.err
    assert next(run["state"] for run in nbsched("runs", "--json").json) in ("cancelled", "failed")


def test_a_kernel_that_dies_before_the_steps_is_one_sentence(nbsched: CommandLine) -> None:
    notebook(nbsched.folder, "dies.ipynb", "import os; os._exit(3)", "%%step etl.fetch\npass")
    said = nbsched("run", "dies.ipynb")
    assert said.code == 1
    assert "DeadKernel" in said.sentence


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("run", "nosuch.py"), "no file 'nosuch.py'"),
        (("run", "notes.txt"), "neither a notebook"),
        (("run", "syntax.py"), "syntax.py line 2: invalid syntax"),
        (("run", "raises.py"), "raises.py line 3: ZeroDivisionError"),
        (("run", "empty.py"), "defines no pipeline"),
        (("run", "two.py"), "add --pipeline with one or two"),
        (("run", "two.py", "--pipeline", "tow"), "did you mean 'two'"),
        (("run", "two.py", "--pipeline", "one", "-p", "nosuch=1"), "nosuch"),
        (("run", "broken.ipynb"), "not a notebook"),
        (("run", "plain.ipynb", "-p", "m=1"), "no parameter 'm'"),
        (("run", "two.py", "--pipeline", "one", "--retires", "1"), "did you mean --retries"),
        (("run", "two.py", "--pipeline", "one", "--slots", "0"), "slots 0"),
        (("run", "two.py", "--pipeline", "one", "--resource", "gpu=x"), "not a number above 0"),
        (("run",), "required: PATH"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    nbsched: CommandLine, words: tuple[str, ...], part: str
) -> None:
    nbsched.file("notes.txt", "")
    nbsched.file("syntax.py", "import nbsched\nx = = 1\n")
    nbsched.file("raises.py", "def f():\n    pass\n1 / 0\n")
    nbsched.file("empty.py", "x = 1\n")
    nbsched.file("two.py", TWO)
    nbsched.file("broken.ipynb", json.dumps({"cells": "none"}))
    notebook(nbsched.folder, "plain.ipynb", "n = 1")
    said = nbsched.here(*words)
    assert said.code == 2
    assert part in said.sentence


def test_the_import_of_the_package_does_not_import_heavy_libraries() -> None:
    code = (
        "import sys, nbsched, nbsched.cli.commands\n"
        "heavy = {'papermill', 'nbclient', 'IPython', 'rich', 'pandas', 'numpy', 'anywidget', 'ipykernel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([os.sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
