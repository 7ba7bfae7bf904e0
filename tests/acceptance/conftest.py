"""A runtime on the real store, and the functions that runs call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

import nbsched as nb
from nbsched.executors.lookup import load_file


@pytest.fixture(scope="session")
def works() -> ModuleType:
    return load_file(Path(__file__).with_name("works.py"))


@pytest.fixture
def rt(tmp_path: Path) -> Iterator[nb.Runtime]:
    with nb.Runtime(tmp_path / "store.db", slots=4) as runtime:
        yield runtime


Write = Callable[..., Path]


@pytest.fixture(scope="session")
def write_notebook() -> Write:
    """Writes a notebook of these cells, with a parameters cell when it is given one."""

    def write(path: Path, *cells: str, parameters: str | None = None) -> Path:
        notebook = nbformat.v4.new_notebook()
        if parameters is not None:
            tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
            notebook.cells.append(tagged)
        notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, path)
        return path

    return write
