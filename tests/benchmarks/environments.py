"""Environments of peers that would not go together with the others, made the first time they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "prefect": ["prefect"],
    "dagster": ["dagster"],
    "dbos": ["dbos"],
    "events": ["pyee", "blinker"],
}
"""What is installed into each of them."""
_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    print(name, importlib.metadata.version(name))
"""


class NotInstalled(Exception):
    """The peer's environment could not be made."""


def environment(name: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "nbsched-benchmarks", name)


def cache_bytecode() -> None:
    """Processes started from now on compile a module once, whatever this one was told: else imports are too dear."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(environment("bytecode"))


def is_there(name: str) -> bool:
    return (environment(name) / "ready").exists()


def python_of(name: str) -> Path:
    """The interpreter of the environment; NotInstalled when it is not there and cannot be made."""
    folder = environment(name)
    python = folder / "bin" / "python"
    if not is_there(name):
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
            install = [python, "-m", "pip", "install", "-q", *PACKAGES[name]]
            subprocess.run(install, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise NotInstalled(f"{name} cannot be installed: {error.stderr.decode()[-500:]}") from None
        (folder / "ready").touch()
    return python


def versions() -> list[str]:
    """Name and version of each peer that has an environment."""
    found = []
    for name, packages in PACKAGES.items():
        if is_there(name):
            asked = [python_of(name), "-c", _VERSIONS, *packages]
            found += subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    return found
