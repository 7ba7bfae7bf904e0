"""Notebooks that end early, and exceptions that they outlive."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.kernels.corpus.case import (
    EXPECTED,
    Case,
    Difference,
    Executed,
    case,
    code,
    expected_to_raise,
    marked,
)  # fmt: skip


def _exited(notebook: Executed) -> None:
    papers = [cell["metadata"]["papermill"] for cell in notebook["cells"]]
    notebook["metadata"]["papermill"]["exception"] = None
    for paper in papers:
        if paper["status"] == "failed":
            paper.update(status="completed", exception=False)


EXIT = Difference(
    reason="`sys.exit(0)` ends a notebook as succeeded: papermill does not raise, yet says that its cell failed",
    change=_exited,
)


def _cut(notebook: Executed) -> None:
    """The cell that was running has failed, those after it were not reached, and the notebook has failed."""
    notebook["metadata"]["papermill"]["exception"] = True
    cut = next(at for at, cell in enumerate(notebook["cells"]) if _unanswered(cell))
    notebook["cells"][cut]["metadata"]["papermill"].update(status="failed", exception=True)
    for cell in notebook["cells"][cut + 1 :]:
        cell["metadata"]["papermill"]["status"] = "pending"


def _unanswered(cell: Executed) -> bool:
    execution = cell["metadata"].get("execution")
    return execution is not None and "shell.execute_reply" not in execution


def _forget(how: str, notebook: Executed) -> None:
    marks, notebook["cells"] = marked(notebook["cells"])
    assert len(marks) == 2
    del notebook["metadata"]["language_info"]
    cut = next(cell for cell in notebook["cells"] if cell["metadata"]["papermill"]["status"] == "failed")
    assert how in cut["outputs"].pop()["evalue"]
    cut["metadata"]["execution"].pop("shell.execute_reply", None)
    cut["metadata"]["execution"].pop("iopub.status.idle", None)


DEATH = Difference(
    reason="a dead kernel's cell has failed and says why: papermill calls it and all after it completed",
    change=_cut,
    forget=partial(_forget, "the kernel exited with code 3"),
    raised="PapermillExecutionError",
)


def _cut_late(notebook: Executed) -> None:
    _cut(notebook)
    cut = next(cell for cell in notebook["cells"] if cell["metadata"]["papermill"]["status"] == "failed")
    # papermill may or may not hear of the interrupt with which it ends the kernel
    cut["outputs"] = [output for output in cut["outputs"] if output["output_type"] != "error"]
    cut["metadata"]["execution"].pop("iopub.status.idle", None)


LATE = Difference(
    reason="a cell that ran out of time is interrupted and has failed: papermill calls it and all after it completed",
    change=_cut_late,
    forget=partial(_forget, ""),
    raised="PapermillExecutionError",
)


def fails(name: str, *cells: str, **how: Any) -> Case:
    """Whose last but one cell fails."""
    return case(
        name,
        "print('before')",
        *cells,
        "print('never')",
        raised="PapermillExecutionError",
        state="failed",
        **how,
    )


CASES = (
    case(
        "exceptions that are expected",
        expected_to_raise("1 / 0"),
        expected_to_raise("if True\n    pass"),
        expected_to_raise("  indented = 1\n wrong = 2"),
        expected_to_raise(
            """
            def inner(): raise KeyError("inner")
            def outer():
                try:
                    inner()
                except KeyError as error:
                    raise RuntimeError("outer") from error
            outer()
            """
        ),
        expected_to_raise("try:\n    [][1]\nexcept IndexError:\n    undefined_name"),
        expected_to_raise(
            "async def deep(): await deeper()\nasync def deeper(): assert 1 == 2, 'deep'\nawait deep()"
        ),
        expected_to_raise("class Own(Exception):\n    def __str__(self): return 'line\\nline'\nraise Own"),
        expected_to_raise("raise ExceptionGroup('several', [ValueError(1), TypeError('two')])"),
        "import sys\nsys.setrecursionlimit(250)",
        expected_to_raise("def again(n): return again(n + 1)\nagain(0)"),
        "sys.setrecursionlimit(3000)",
        expected_to_raise("raise KeyboardInterrupt"),
        expected_to_raise("raise SystemExit(1)"),
        expected_to_raise("import sys; sys.exit(0)"),
        expected_to_raise("sys.exit('a message')"),
        expected_to_raise("import json; json.loads('{')"),
        expected_to_raise("error = ValueError('noted'); error.add_note('a note'); raise error"),
        expected_to_raise("print('shown'); display('shown'); raise BaseException('base')"),
        expected_to_raise("input('name? ')"),
        expected_to_raise("import getpass; getpass.getpass()"),
        expected_to_raise("%no_such_magic"),
        expected_to_raise("%%no_such_cell_magic\nbody"),
        expected_to_raise("eval('1 +')"),
        expected_to_raise("exec('def f(:')"),
        expected_to_raise("from math import no_such_name"),
        expected_to_raise("import no_such_module"),
        "print('reached')",
        code("print('skipped by its tag')", "skip-execution"),
        "print('the end')",
        raised=EXPECTED,
        as_run=True,
    ),
    fails("an exception ends it", "print('shown')\ndisplay('shown')\n1 / 0", as_run=True),
    fails("a syntax error ends it", "def f(:\n    pass", slow=True),
    fails("an interrupt raised in a cell ends it", "raise KeyboardInterrupt('raised')", slow=True),
    fails("an exit with an error ends it", "import sys\nsys.exit(3)"),
    case(
        "an exit ends it well",
        "print('before')",
        "import sys\nsys.exit(0)",
        "print('never')",
        difference=EXIT,
        as_run=True,
    ),
    case(
        "the death of its kernel",
        "print('kept', flush=True); 'kept too'",
        "print('of the dying cell', flush=True); import time; time.sleep(0.3)\nimport os; os._exit(3)",
        "print('never')",
        raised="DeadKernelError",
        state="failed",
        difference=DEATH,
        as_run=True,
    ),
    case(
        "a cell that takes too long",
        "import time\nprint('kept')",
        "print('of the late cell', flush=True); time.sleep(60)",
        "print('never')",
        raised="CellTimeoutError",
        options={"execution_timeout": 1},
        difference=LATE,
    ),
    case(
        "errors that are all allowed",
        "1 / 0",
        "print('reached')",
        options={"allow_errors": True},
        raised=EXPECTED,
    ),
)
