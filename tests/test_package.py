"""What is installed is what was promised: one version, one wheel, a light import."""

from __future__ import annotations

import gzip
import json
import os
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
BUNDLE = ROOT / "nbsched" / "labextension"
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


def files_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


def package_files() -> Iterator[str]:
    return (
        f"nbsched/{name}" for name in files_below(ROOT / "nbsched") if not name.startswith("labextension/")
    )


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


def test_the_wheel_installs_the_extension_of_jupyterlab(in_wheel: set[str]) -> None:
    place = f"nbsched-{nbsched.__version__}.data/data/share/jupyter/labextensions/nbsched"
    assert {f"{place}/{name}" for name in (*files_below(BUNDLE), "install.json")} <= in_wheel
    assert not any(name.startswith("nbsched/labextension/") for name in in_wheel)


def test_what_jupyterlab_loads_is_built_from_this_source() -> None:
    subprocess.run(
        [sys.executable, ROOT / "labextension" / "hatch_build.py", "--check"], check=True, timeout=30
    )
    about = json.loads((BUNDLE / "package.json").read_text())
    assert (BUNDLE / about["jupyterlab"]["_build"]["load"]).is_file()


def test_the_bundle_is_small() -> None:
    """What Lab loads when it starts; and compressed all of it, with the pages that are loaded when they are wanted."""
    scripts = list((BUNDLE / "static").glob("*.js"))
    at_start = [
        one for one in scripts if not one.name.startswith("lib_") or one.name.startswith("lib_index_js")
    ]
    assert sum(one.stat().st_size for one in at_start) < 150_000
    assert sum(len(gzip.compress(one.read_bytes())) for one in scripts) < 90_000


def test_python_and_npm_say_one_version() -> None:
    told = [ROOT / "labextension" / name for name in ("package.json", "package-lock.json")]
    for path in (*told, BUNDLE / "package.json"):
        assert json.loads(path.read_text())["version"] == nbsched.__version__, path


def test_no_address_of_a_registry_is_in_the_lock_file() -> None:
    assert '"resolved"' not in (ROOT / "labextension" / "package-lock.json").read_text()


def test_what_is_in_the_wheel_can_be_imported_and_shown(built: Path, tmp_path: Path) -> None:
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    source = (
        "import nbsched, nbsched.server.extension\n"
        "from nbsched.jupyter.widget import Panel\n"
        "print(nbsched.__file__, len(Panel._esm) > 10_000, nbsched._jupyter_labextension_paths()[0]['dest'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=40, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ran.stdout.split() == [str(tmp_path / "nbsched" / "__init__.py"), "True", "nbsched"]


def test_the_source_archive_can_be_tested(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.split("/", 1)[-1] for name in opened.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "tests/test_package.py"} <= names
    assert {
        "labextension/hatch_build.py",
        "labextension/src/index.ts",
        "nbsched/labextension/package.json",
    } <= names
    assert not any("node_modules" in name or name.startswith("labextension/lib/") for name in names)


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
        "import sys, nbsched.api, nbsched.executors.function, nbsched.verbs.examination\n"
        "heavy = {'IPython', 'jupyter_client', 'nbclient', 'papermill', 'psutil', 'traitlets', 'zmq',\n"
        "         'celery', 'cloudpickle', 'distributed', 'fsspec'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
