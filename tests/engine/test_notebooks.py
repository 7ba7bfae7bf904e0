"""What is known of a notebook beside its runs and schedules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import nbsched as nb
from nbsched.engine.notebooks import Known, known_of
from nbsched.testing import VirtualRuntime

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a notebook of these cells, the first of which declares parameters."""

    def written(*sources: str, name: str = "report.ipynb") -> Path:
        cells = [{"cell_type": "code", "id": f"c{at}", "source": source, "outputs": [], "execution_count": None,
                  "metadata": {} if at else {"tags": ["parameters"]}} for at, source in enumerate(sources)]  # fmt: skip
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = tmp_path / name
        path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return written


def known(rt: nb.Runtime, path: Path) -> Known:
    return known_of(rt.database.read, nb.notebook(path))


def test_a_notebook_that_never_ran_is_known_by_what_it_asks_for(real: nb.Runtime, write: Write) -> None:
    found = known(real, write("limit = 3  # at most"))
    assert [(one.name, one.default, one.help) for one in found.parameters] == [("limit", 3, "at most")]
    assert (found.schedules, found.last_run, found.changed) == ((), None, None)


def test_a_notebook_has_changed_once_its_code_is_not_that_of_its_last_success(
    real: nb.Runtime, write: Write
) -> None:
    path = write("limit = 3", "limit + 1")
    run = real.run(nb.notebook(path), {"limit": 5}).wait(30, check=True)
    found = known(real, path)
    assert (found.last_run.id if found.last_run else None, found.changed) == (run.id, False)
    write("limit = 3", "limit + 1  # a comment")
    assert known(real, path).changed is False
    write("limit = 4", "limit + 1")
    assert known(real, path).changed is True
    write("limit = 3", "limit + 1")
    assert known(real, path).changed is False
    Path(run.output or "").unlink()
    assert known(real, path).changed is None


def test_its_runs_and_schedules_are_found_whatever_they_are_called_and_no_others(
    rt: VirtualRuntime, write: Write, tmp_path: Path
) -> None:
    path, other = write("a = 1"), write("a = 1", name="other.ipynb")
    (tmp_path / "deep").mkdir()
    namesake = write("a = 1", name="deep/report.ipynb")
    rt.schedule(nb.notebook(path, name="nightly"), "0 2 * * *", name="by night")
    for file in (other, namesake):
        rt.schedule(nb.notebook(file), "0 3 * * *")
    run = rt.trigger("by night")
    found = known(rt, path)
    assert [one.name for one in found.schedules] == ["by night"]
    assert found.last_run is not None
    assert found.last_run.id == run.id
    rt.cancel(run.id)
    assert known(rt, namesake).last_run is None
