"""Where the store lies when nobody says."""

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
