"""The nearest file of settings, and what it and the environment say together."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbsched.core.errors import UsageError
from nbsched.core.settings import FOREIGN_BROKER, VARIABLES, Settings, located, settings_of

OWN = "nbsched.toml"
PROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has settings in it."""

    path: str
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As it is told to people."""
        return self.path if os.path.basename(self.path) == OWN else f"{self.path} [tool.nbsched]"


def settings_here() -> Settings:
    """The settings for the folder in which this process works; UsageError names what is wrong in them."""
    return settings_near(working_folder())


def settings_near(folder: Path) -> Settings:
    """What the nearest file, in the folder or above it, and over it the environment say."""
    source, environment = source_near(folder), dict(variables())
    if "NBSCHED_FILES" in environment and "://" not in environment["NBSCHED_FILES"]:
        environment["NBSCHED_FILES"] = os.path.abspath(os.path.expanduser(environment["NBSCHED_FILES"]))
    if source is None:
        return settings_of({}, environment, "")
    beside = os.path.dirname(source.path)
    found = settings_of(source.data, environment, source.name)
    return located(found, lambda files: os.path.normpath(os.path.join(beside, os.path.expanduser(files))))


def variables() -> Iterator[tuple[str, str]]:
    """The variables of the environment that say something, with what they say."""
    for name in (*VARIABLES, FOREIGN_BROKER):
        if text := os.environ.get(name, "").strip():
            yield name, text


def source_near(folder: Path) -> Source | None:
    """The nearest file with settings, in the folder or above it; UsageError when it cannot be read."""
    folder = folder.absolute()
    for place in (folder, *folder.parents):
        for name in (OWN, PROJECT):
            path = os.path.join(place, name)
            try:
                version = os.stat(path)
            except OSError:  # there is none, or none that we may know of
                continue
            data = _said(path, version.st_mtime_ns, version.st_size)
            if data is not None:
                return Source(path, data)
    return None


@lru_cache(maxsize=64)
def _said(path: str, mtime_ns: int, size: int) -> Mapping[str, Any] | None:
    """What this version of the file says of us; None when it says nothing."""
    own = os.path.basename(path) == OWN
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check the file") from None
    if not own and b"nbsched" not in content:
        return None  # whatever else is wrong with it is not ours to say
    try:
        data = tomllib.loads(content.decode())
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}; correct it") from None
    found = data if own else _ours(data)
    if found is None or isinstance(found, dict):
        return found
    raise UsageError(
        f"{path}: tool.nbsched {found!r} is not a table: write the settings under [tool.nbsched]"
    )


def _ours(data: Mapping[str, Any]) -> Any:
    tool = data.get("tool")
    return tool.get("nbsched") if isinstance(tool, dict) else None


def working_folder() -> Path:
    """Where relative paths begin; the root when that folder is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.sep)
