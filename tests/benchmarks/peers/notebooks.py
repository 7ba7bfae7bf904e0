"""Carries out notebooks with one tool: `notebooks.py TOOL FOLDER [SLOTS]`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from serve import serve, timed

Verbs = Mapping[str, Callable[..., Any]]
FOLDER = Path(sys.argv[2])
SLOTS = int(sys.argv[3]) if len(sys.argv) > 3 else 4
numbers = count(1)


def fresh() -> str:
    """A path nothing has been written to."""
    return str(FOLDER / f"{next(numbers)}.ipynb")


# --- nbsched ---


@contextmanager
def nbsched() -> Iterator[Verbs]:
    import nbsched as nb

    def one(source: str) -> None:
        run = runtime.run(nb.notebook(source)).wait(check=True)
        assert Path(run.output).is_file()

    def dag(source: str, width: int) -> None:
        with nb.pipeline("dag") as pipeline:
            first, last = nb.notebook(source), nb.notebook(source)
            first >> [nb.notebook(source) for _ in range(width)] >> last
        runtime.run(pipeline).wait(check=True)

    def together(source: str, number: int) -> int:
        runs = [runtime.run(nb.notebook(source)) for _ in range(number)]
        return sum(run.wait().state != "succeeded" for run in runs)

    def in_a_row(source: str, number: int) -> int:
        return sum(runtime.run(nb.notebook(source)).wait().state != "succeeded" for _ in range(number))

    with nb.Runtime(FOLDER / "store.db", slots=SLOTS) as runtime:
        yield {"one": timed(one), "dag": timed(dag), "together": together, "in a row": in_a_row}


# --- papermill ---


def papermill_one(source: str, output: str, **options: Any) -> None:
    from papermill import execute_notebook

    execute_notebook(source, output, progress_bar=False, **options)


@contextmanager
def papermill(**options: Any) -> Iterator[Verbs]:
    def dag(source: str, width: int) -> None:
        for _ in range(width + 2):
            papermill_one(source, fresh(), **options)

    yield {"one": timed(lambda source: papermill_one(source, fresh(), **options)), "dag": timed(dag)}


@contextmanager
def papermill_processes() -> Iterator[Verbs]:
    """As many warm processes as slots."""
    with ProcessPoolExecutor(SLOTS, mp_context=get_context("spawn")) as pool:

        def side_by_side(source: str, width: int) -> None:
            for done in [pool.submit(papermill_one, source, fresh()) for _ in range(width)]:
                done.result()

        def dag(source: str, width: int) -> None:
            for number in (1, width, 1):
                side_by_side(source, number)

        yield {"dag": timed(dag), "one": timed(lambda source: side_by_side(source, SLOTS))}


@contextmanager
def papermill_command() -> Iterator[Verbs]:
    def one(source: str) -> None:
        command = [sys.executable, "-m", "papermill", source, fresh(), "--no-progress-bar"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    yield {"one": timed(one)}


# --- nbclient ---


@contextmanager
def nbclient() -> Iterator[Verbs]:
    import nbformat
    from nbclient import NotebookClient

    def one(source: str) -> None:
        notebook = nbformat.read(source, as_version=4)
        NotebookClient(notebook).execute()
        nbformat.write(notebook, fresh())

    async def side_by_side(source: str, number: int) -> None:
        notebooks = [nbformat.read(source, as_version=4) for _ in range(number)]
        await asyncio.gather(*(NotebookClient(notebook).async_execute() for notebook in notebooks))

    def together(source: str, number: int) -> int:
        asyncio.run(side_by_side(source, number))
        return 0

    yield {"one": timed(one), "together": together}


TOOLS = {
    "nbsched": nbsched, "papermill": papermill, "nbclient": nbclient, "papermill command": papermill_command,
    "papermill processes": papermill_processes, "nbsched engine": partial(papermill, engine_name="nbsched"),
}  # fmt: skip

if __name__ == "__main__":
    with TOOLS[sys.argv[1]]() as verbs:
        serve(verbs)
