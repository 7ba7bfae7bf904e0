"""What is installed is what was promised: one version, one wheel, a light import."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

import nbsched

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {
    "IPython", "anywidget", "ipykernel", "ipywidgets", "jupyter_client", "nbclient", "nbformat", "numpy",
    "pandas", "papermill", "pyarrow", "rich", "sqlalchemy", "tornado", "zmq",
}  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the wheel and the sdist, built as an index would get them."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=50)
    return folder


@pytest.fixture(scope="session")
def in_wheel(built: Path) -> set[str]:
    [wheel] = built.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def package_files() -> Iterator[str]:
    for path in (ROOT / "nbsched").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix()


def test_the_version_is_written_once() -> None:
    assert metadata.version("nbsched") == nbsched.__version__
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT


def test_every_file_of_the_package_is_in_the_wheel(in_wheel: set[str]) -> None:
    assert set(package_files()) <= in_wheel
    assert "nbsched/py.typed" in in_wheel


def test_the_wheel_holds_the_package_and_nothing_else(in_wheel: set[str]) -> None:
    installed = f"nbsched-{nbsched.__version__}"
    folders = {name.split("/")[0] for name in in_wheel}
    assert folders == {"nbsched", f"{installed}.dist-info", f"{installed}.data"}
    assert f"{installed}.data/data/etc/jupyter/jupyter_server_config.d/nbsched.json" in in_wheel
    assert f"nbsched-{nbsched.__version__}.dist-info/licenses/LICENSE" in in_wheel


def test_the_source_archive_can_be_tested(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[-1] for name in opened.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "tests/test_package.py"} <= names


def imported_by(statement: str) -> set[str]:
    """The top-level modules that the statement loads in a fresh interpreter."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_nbsched_loads_nothing_heavy() -> None:
    assert imported_by("import nbsched") & HEAVY == set()


def test_the_base_install_asks_for_no_extra() -> None:
    extras = {name.split(">")[0] for name in PROJECT["optional-dependencies"]["test"]}
    base = {requirement.split(">")[0] for requirement in PROJECT["dependencies"]}
    assert base & extras == set()


def test_all_is_the_sum_of_the_extras_for_users() -> None:
    groups = PROJECT["optional-dependencies"]
    users = sorted(set(groups) - {"all", "bench", "dev", "test"})
    [everything] = groups["all"]
    assert sorted(everything.removeprefix("nbsched[").removesuffix("]").split(",")) == users


def test_what_calls_functions_needs_nothing_of_jupyter() -> None:
    """So that a worker of another system, which has none of it, can import them."""
    source = (
        "import sys, nbsched.executors.function, nbsched.verbs.examination\n"
        "heavy = {'IPython', 'jupyter_client', 'nbclient', 'papermill', 'psutil', 'traitlets', 'zmq'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
