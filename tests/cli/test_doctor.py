"""`nbsched doctor` says how kernels come to be, and why no sooner way is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from nbsched.kernels.launch import Launch
from nbsched.kernels.ways import choose

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine, Said

linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
BASH = ["bash-kernel", "-f", "{connection_file}"]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a kernelspec for the length of the test."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for variable in ("NBSCHED_KERNELS", "NBSCHED_PRELOAD"):
        monkeypatch.delenv(variable, raising=False)

    def add(name: str, language: str, argv: list[str], **more: Any) -> None:
        spec = tmp_path / "jupyter" / "kernels" / name / "kernel.json"
        spec.parent.mkdir(parents=True)
        facts = {"argv": argv, "display_name": name, "language": language, **more}
        spec.write_text(json.dumps(facts))

    return add


def notebook(folder: Path, *cells: str, kernel: str = "python3") -> str:
    spec = {"name": kernel, "language": "python", "display_name": kernel}
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata={"kernelspec": spec}
    )
    nbformat.write(made, folder / "a.ipynb")
    return "a.ipynb"


def found(said: Said) -> dict[str, str]:
    return {row["what"]: row["found"] for row in said.json}


def wrong(said: Said) -> set[str]:
    return {row["what"] for row in said.json if not row["ok"]}


def test_each_installed_kernel_has_its_way_and_why_no_sooner_one(nbsched: CommandLine, install: Any) -> None:
    install("bash", "bash", BASH)
    install("odd", "Odd", ["odd", "{connection_file}"])
    said = nbsched.here("doctor", "--json")
    kernels = {what: way for what, way in found(said).items() if what.startswith("kernel ")}
    assert said.code == 0
    assert set(kernels) == {f"kernel {name}" for name in KernelSpecManager().find_kernel_specs()}
    assert kernels["kernel bash"].startswith("pool: ")
    assert kernels["kernel odd"].startswith("cold: ")
    assert "no way is known to tell a started Odd kernel" in kernels["kernel odd"]


def test_what_the_doctor_says_is_what_is_chosen(nbsched: CommandLine, install: Any) -> None:
    install("bash", "bash", BASH)
    said = found(nbsched.here("doctor", "--json"))
    for kernel in ("python3", "bash"):
        choice = choose(Launch(kernel=kernel, cwd=Path.cwd(), env=os.environ))
        assert said[f"kernel {kernel}"].split(": ", 1) == [part for part in (choice.way, choice.why) if part]


@linux
def test_the_kernel_of_this_python_is_forked(nbsched: CommandLine, install: Any) -> None:
    assert found(nbsched.here("doctor", "--json"))["kernel python3"] == "fork"
    assert "kernel python3" in nbsched.here("doctor").out


@pytest.mark.parametrize("way", ["pool", "cold"])
def test_a_way_that_the_environment_asks_for_is_named(
    nbsched: CommandLine, install: Any, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("NBSCHED_KERNELS", way)
    said = found(nbsched.here("doctor", "--json"))
    assert said["NBSCHED_KERNELS"] == way
    assert said["kernel python3"].startswith(f"{way}: ")


def test_a_way_that_is_none_is_not_well(
    nbsched: CommandLine, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_KERNELS", "warm")
    said = nbsched.here("doctor", "--json")
    assert said.code == 1
    assert {"NBSCHED_KERNELS", "kernel python3"} <= wrong(said)
    assert "unset it, or set it to fork, pool or cold" in found(said)["NBSCHED_KERNELS"]


def test_a_kernel_that_the_environment_makes_impossible_is_not_well(
    nbsched: CommandLine, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("bash", "bash", BASH)
    monkeypatch.setenv("NBSCHED_KERNELS", "fork")
    said = nbsched.here("doctor", "--json")
    assert "kernel bash" in wrong(said)
    assert found(said)["kernel bash"].endswith("; unset NBSCHED_KERNELS")


def test_libraries_asked_for_are_named_and_those_that_are_not_there(
    nbsched: CommandLine, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_PRELOAD", "nbformat.v4, nosuch.part")
    said = nbsched.here("doctor", "--json")
    assert wrong(said) == {"NBSCHED_PRELOAD"}
    assert found(said)["NBSCHED_PRELOAD"].startswith("nbformat.v4, nosuch.part; not installed: nosuch.part")
    monkeypatch.setenv("NBSCHED_PRELOAD", "nbformat")
    assert found(nbsched.here("doctor", "--json"))["NBSCHED_PRELOAD"] == "nbformat"


def test_a_kernelspec_that_cannot_be_read_is_not_well(
    nbsched: CommandLine, install: Any, tmp_path: Path
) -> None:
    install("broken", "python", [])
    (tmp_path / "jupyter" / "kernels" / "broken" / "kernel.json").write_text("{")
    said = nbsched.here("doctor", "--json")
    assert wrong(said) == {"kernel broken"}
    assert "install it again, or remove it" in found(said)["kernel broken"]


def test_a_kernel_whose_provisioner_is_not_installed_is_not_well(nbsched: CommandLine, install: Any) -> None:
    install("far", "python", [], metadata={"kernel_provisioner": {"provisioner_name": "far-away"}})
    said = nbsched.here("doctor", "--json")
    assert wrong(said) == {"kernel far"}
    assert found(said)["kernel far"] == "no kernel 'far': install it, or name another with kernel="


@linux
def test_of_a_notebook_its_kernel_and_the_libraries_imported_ahead_are_told(
    nbsched: CommandLine, install: Any
) -> None:
    install("bash", "bash", BASH)
    path = notebook(nbsched.folder, "import os, nbformat\nimport a_module_of_mine", "%pip list\nimport zmq")
    said = nbsched.here("doctor", path, "--json")
    assert said.code == 0
    assert {what for what in found(said) if what.startswith("kernel ")} == {"kernel python3"}
    assert found(said)["imported ahead"] == "nbformat, zmq"
    assert found(nbsched.here("doctor", notebook(nbsched.folder, "1"), "--json"))["imported ahead"] == (
        "nothing but what every kernel needs"
    )


def test_a_notebook_that_is_not_forked_has_nothing_imported_ahead(nbsched: CommandLine, install: Any) -> None:
    install("bash", "bash", BASH)
    path = notebook(nbsched.folder, "import nbformat", kernel="bash")
    said = found(nbsched.here("doctor", path, "--json"))
    assert said["kernel bash"].startswith("pool: ")
    assert said["imported ahead"].startswith("nothing: ")


def test_a_notebook_whose_kernel_is_not_installed_is_not_well(nbsched: CommandLine, install: Any) -> None:
    path = notebook(nbsched.folder, "1", kernel="nosuch")
    said = nbsched.here("doctor", path, "--json")
    assert (said.code, wrong(said)) == (1, {"kernel nosuch"})
    assert found(said)["kernel nosuch"] == ("no kernel 'nosuch': install it, or name another with kernel=")
    assert "imported ahead" not in found(said)


@pytest.mark.parametrize(
    ("path", "part"), [("nosuch.ipynb", "check the path"), ("b.ipynb", "not a notebook")]
)
def test_what_is_no_notebook_is_refused(nbsched: CommandLine, path: str, part: str) -> None:
    nbsched.file("b.ipynb", "[]")
    said = nbsched.here("doctor", path)
    assert said.code == 2
    assert part in said.sentence


@linux
def test_a_library_that_may_not_be_imported_ahead_is_told_once_it_is_known(
    nbsched: CommandLine, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = nbsched.folder / "site-packages"
    installed.mkdir()
    (installed / "loud.py").write_text("print('welcome')")
    monkeypatch.setenv("PYTHONPATH", str(installed))
    monkeypatch.setenv("NBSCHED_STORE", str(nbsched.store))
    path = notebook(nbsched.folder, "import loud, nbformat")
    program = f"""
import nbsched as nb
from nbsched.cli import main
main(["doctor", {path!r}, "--json"])
nb.notebook({path!r}).run().wait(check=True)
main(["doctor", {path!r}, "--json"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=nbsched.folder, check=True, capture_output=True, text=True
    )
    decoder = json.JSONDecoder()
    before, end = decoder.raw_decode(ran.stdout)
    after, _ = decoder.raw_decode(ran.stdout[end:].lstrip())
    known = [{row["what"]: row["found"] for row in rows} for rows in (before, after)]
    assert known[0]["imported ahead"] == "loud, nbformat"
    assert "import loud" not in known[0]
    assert known[1]["imported ahead"] == "nbformat"
    assert known[1]["import loud"].endswith("not ahead: importing it says something")


def test_an_engine_that_is_not_well_is_the_exit_code(
    nbsched: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("celery")
    for name in ("NBSCHED_CELERY_BROKER", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
    said = nbsched.here("doctor", "--executor", "celery", "--json")
    assert (said.code, wrong(said)) == (1, {"connection"})
    assert found(said)["connection"].startswith("no broker is named: ")
    nbsched.file("nbsched.toml", "executr = 1")
    assert wrong(nbsched.here("doctor", "--executor", "celery", "--json")) == {"settings"}


def test_only_engines_can_be_looked_at(nbsched: CommandLine) -> None:
    said = nbsched.here("doctor", "--executor", "local")
    assert said.code == 2
    assert "invalid choice: 'local' (choose from" in said.sentence


def test_the_settings_are_shown_without_passwords(nbsched: CommandLine, tmp_path: Path) -> None:
    nbsched.file("nbsched.toml", 'executor = "celery"\ncelery.broker = "redis://me:geheim@h/0"\n')
    said = nbsched.here("doctor", "--json")
    assert found(said)["settings"] == f"{tmp_path}/nbsched.toml: executor celery"
    assert found(said)["settings [celery]"].startswith("broker redis://me:***@h/0, queue nbsched")
    assert "geheim" not in said.out
    nbsched.file("nbsched.toml", "executr = 1")
    said = nbsched.here("doctor", "--json")
    assert "settings" in wrong(said)
    assert (
        found(said)["settings"] == f"{tmp_path}/nbsched.toml: no setting 'executr': did you mean 'executor'?"
    )
