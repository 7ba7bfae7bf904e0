"""Functions for servers' runs, found by this file."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def pid() -> int:
    return os.getpid()


def tick(log: str) -> None:
    with open(log, "a") as file:
        file.write("tick\n")


def until_there(path: str) -> int:
    """Ends once the file is there, having said in another that it has begun."""
    Path(f"{path}.begun").touch()
    while not Path(path).exists():
        threading.Event().wait(0.02)
    return os.getpid()
