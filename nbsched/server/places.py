"""Paths as the server's front ends give them: from its folder on."""

from __future__ import annotations

import os
from pathlib import Path

from nbsched.core.errors import UsageError


def file_in(root: Path, path: str) -> Path:
    """The file; UsageError when there is none, or when the path leads out of the folder.

    As in Jupyter's own file browser a link in the folder may lead elsewhere.
    """
    whole = os.path.abspath(root / path)
    if "\0" in path or not Path(whole).is_relative_to(os.path.abspath(root)):
        raise UsageError(f"{path!r} lies outside the server's folder: give a path from there on")
    if not os.path.isfile(whole):
        raise UsageError(f"there is no file {path!r} in the server's folder: check the path")
    return Path(whole)


def path_in(root: Path, file: str) -> str:
    """The file's path from the folder on, as it is where it lies elsewhere."""
    for folder in (root, root.resolve()):
        if Path(file).is_relative_to(folder):
            return Path(file).relative_to(folder).as_posix()
    return file
