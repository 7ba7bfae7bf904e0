"""Binder's files agree with the project's own."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_binder_installs_what_the_notebooks_import() -> None:
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {line for line in lines if not line.startswith("#")} == {*extras["data"], *extras["examples"]}


def test_binder_may_run_the_step_after_the_build() -> None:
    assert (ROOT / "binder" / "postBuild").stat().st_mode & stat.S_IXUSR


def test_binder_takes_a_python_that_we_support() -> None:
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    taken = (ROOT / "binder" / "runtime.txt").read_text().strip()
    assert taken == f"python-{oldest.removeprefix('>=')}"
