from __future__ import annotations

from pathlib import Path

import pytest

from nbsched.kernels.preloads import asked_for, imported_by


def test_installed_modules_that_cells_import_first_thing_are_imported_ahead() -> None:
    sources = (
        "import numpy as np, nbformat.v4\nfrom IPython import display",
        "%matplotlib inline\nfrom nbformat import NotebookNode",
        "!pip install x\nimport numpy",
    )
    assert imported_by(sources) == (
        "numpy", "nbformat.v4", "IPython", "IPython.display", "nbformat", "nbformat.NotebookNode",
    )  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "import json, os.path", "import no_such_module", "def f():\n    import numpy", "if False:\n    import numpy",
        "try:\n    import numpy\nexcept ImportError:\n    pass", "from . import numpy", "%%bash\nimport numpy",
        "this is no Python", "import mine", "x = 1",
    ],
)  # fmt: skip
def test_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    (tmp_path / "mine.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert imported_by([source]) == ()


def test_the_environment_may_ask_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_for() == ()
    monkeypatch.setenv("NBSCHED_PRELOAD", " numpy, pandas,")
    assert asked_for() == ("numpy", "pandas")
