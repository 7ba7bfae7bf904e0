from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from nbsched.core.errors import DefinitionError
from nbsched.engine.surroundings import Files

WRITER = "from nbsched.engine.surroundings import Files\nfound = Files().existing({path!r})\n"


def test_a_path_is_looked_for_beside_the_script_that_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("script", "current"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.ipynb").write_text("{}")
    (tmp_path / "current" / "b.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path / "current")
    for name, folder in (("a.ipynb", "script"), ("b.ipynb", "current")):
        (tmp_path / "script" / "pipeline.py").write_text(WRITER.format(path=name))
        found = runpy.run_path(str(tmp_path / "script" / "pipeline.py"))["found"]
        assert found == str(tmp_path / folder / name)


def test_code_without_a_file_looks_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    names: dict[str, str] = {"__name__": "__main__"}
    exec(WRITER.format(path="a.ipynb"), names)
    assert names["found"] == str(tmp_path / "a.ipynb")


def test_a_path_that_leads_nowhere_is_refused_with_the_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionError, match=re.escape(f"{tmp_path}: check the path")):
        Files().existing("gone.ipynb")
    with pytest.raises(DefinitionError, match=r"there is no '/gone/a\.ipynb': check"):
        Files().existing("/gone/a.ipynb")


def test_a_path_to_come_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Files().absolute("out/a.ipynb") == str(tmp_path / "out" / "a.ipynb")
    assert Files().absolute("~/a") == str(Path.home() / "a")


def test_a_changed_notebook_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    for source, names in (("x = 1", ["x"]), ("y = 1\nlonger = 2", ["y", "longer"])):
        cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
        path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        assert list(Files().declared_parameters(str(path)) or ()) == names


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', "\xff\xfe"])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(DefinitionError, match="is not a notebook"):
        Files().declared_parameters(str(path))


def test_a_missing_notebook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be read"):
        Files().declared_parameters(str(tmp_path / "gone.ipynb"))
