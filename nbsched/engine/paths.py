"""Where the store lies when nobody says, and folders that nobody else can look into."""

from __future__ import annotations

import os
from pathlib import Path


def default_store() -> Path:
    """`NBSCHED_STORE`, else one file per user, so that kernels, server and command line agree."""
    given = os.environ.get("NBSCHED_STORE")
    if given:
        return Path(given).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "nbsched" / "store.db"


def make_private(folder: Path) -> None:
    """The folder is there; it, and what had to be made above it, is its owner's only."""
    missing = [folder, *folder.parents]
    for path in reversed(missing[: next(at for at, path in enumerate(missing) if path.is_dir())]):
        path.mkdir(mode=0o700, exist_ok=True)


def private_file(name: str, flags: int) -> int:
    """An opener: a file that it makes is its owner's only."""
    return os.open(name, flags, 0o600)
