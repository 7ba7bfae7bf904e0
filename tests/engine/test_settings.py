"""The nearest file counts, as it is now; relative folders are beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbsched.core.errors import UsageError
from nbsched.core.settings import VARIABLES, Settings
from nbsched.engine import settings
from nbsched.engine.settings import settings_here, settings_near, source_near

DASK = 'executor = "dask"\n'


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    found = tmp_path / "project" / "notebooks"
    found.mkdir(parents=True)
    return found


def test_without_a_file_work_stays_here(inner: Path) -> None:
    assert settings_near(inner) == Settings()
    assert source_near(inner) is None


def test_the_nearest_file_above_counts_alone(inner: Path, tmp_path: Path) -> None:
    (tmp_path / "nbsched.toml").write_text('executor = "celery"\nfiles = "far"\n')
    assert settings_near(inner).executor == "celery"
    (inner.parent / "nbsched.toml").write_text(DASK)
    assert (settings_near(inner).executor, settings_near(inner).files) == ("dask", None)
    (inner / "pyproject.toml").write_text("[tool.nbsched]\n")
    assert settings_near(inner).executor == "local"


def test_a_project_s_file_counts_if_it_speaks_of_us_and_after_our_own(inner: Path) -> None:
    (inner / "pyproject.toml").write_text('[project]\nname = "nbsched-jobs"\n[tool.ruff]\n')
    (inner.parent / "pyproject.toml").write_text('[tool.nbsched]\nexecutor = "celery"\n')
    assert settings_near(inner).executor == "celery"
    (inner.parent / "nbsched.toml").write_text(DASK)
    assert settings_near(inner).executor == "dask"


def test_a_file_is_read_again_when_it_has_changed_and_only_then(
    inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, read = inner / "nbsched.toml", list[str]()
    monkeypatch.setattr(
        settings.tomllib, "loads", lambda text, loads=settings.tomllib.loads: read.append(text) or loads(text)
    )
    file.write_text(DASK)
    assert [settings_near(inner).executor for _ in range(3)] == ["dask"] * 3
    assert len(read) == 1
    file.write_text('executor = "celery"\n')
    assert [settings_near(inner).executor for _ in range(3)] == ["celery"] * 3
    file.unlink()
    assert settings_near(inner).executor == "local"
    assert len(read) == 2


def test_folders_are_taken_from_that_of_the_file(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (inner.parent / "nbsched.toml").write_text(
        'files = "runs"\ndask.files = "~/dask"\ncelery.files = "memory://x"\n'
    )
    found = settings_near(inner)
    assert found.files == str(inner.parent / "runs")
    assert (found.dask.files, found.celery.files) == ("/home/me/dask", "memory://x")


def test_a_folder_of_the_environment_is_taken_from_the_working_one(
    inner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBSCHED_FILES", "shared")
    (inner / "nbsched.toml").write_text('files = "runs"\n')
    assert settings_near(inner).dask.files == settings_near(tmp_path).files == str(tmp_path / "shared")
    monkeypatch.setenv("NBSCHED_FILES", "s3://bucket")
    assert settings_near(inner).files == "s3://bucket"


def test_settings_are_those_of_the_working_folder(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inner.parent / "nbsched.toml").write_text(DASK)
    monkeypatch.chdir(inner)
    assert settings_here().executor == settings_near(Path()).executor == "dask"
    (inner.parent / "nbsched.toml").unlink()
    inner.rmdir()
    assert settings_here() == Settings()


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("nbsched.toml", b"executor = \n", "{} is not TOML: Invalid value (at line 1, column 12)"),
    ("nbsched.toml", b"\xff", "{} is not TOML: 'utf-8' codec"),
    ("pyproject.toml", b"[tool.nbsched\n", "{} is not TOML:"),
    ("pyproject.toml", b"[tool]\nnbsched = 5\n", "{}: tool.nbsched 5 is not a table: "),
    ("pyproject.toml", b"[tool.nbsched]\nworkers = 5\n", "{} [tool.nbsched]: no setting 'workers': "),
    ("nbsched.toml", b"workers = 5\n", "{}: no setting 'workers': "),
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(inner: Path, name: str, content: bytes, sentence: str) -> None:
    (inner / name).write_bytes(content)
    with pytest.raises(UsageError) as refused:
        settings_near(inner)
    assert str(refused.value).startswith(sentence.format(inner / name))


def test_what_is_wrong_with_a_project_that_is_not_ours_is_not_ours_to_say(inner: Path) -> None:
    (inner / "pyproject.toml").write_bytes(b"\xff[tool.\n")
    (inner / "nbsched.toml").mkdir()
    with pytest.raises(UsageError, match=r"nbsched.toml cannot be read: Is a directory; check the file$"):
        settings_near(inner)
    (inner / "nbsched.toml").rmdir()
    assert settings_near(inner) == Settings()
