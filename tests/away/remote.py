"""What is sent to workers, which do not have this file."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import nbsched as nb


def where() -> int:
    return os.getpid()


def frame(n: int) -> Any:
    import pandas as pd

    print("a frame is made")
    nb.emit(rows=n)
    return {"frame": pd.DataFrame({"x": range(n)})}


def total(frame: Any, by: int) -> int:
    return int(frame["x"].sum()) * by


def told() -> list[Any]:
    context = nb.context()
    return [context.run_id, context.attempt, context.pipeline, context.step]


def slow(path: str) -> int:
    """Until the file is there; beside it, who has begun it."""
    with Path(f"{path}.begun").open("a") as file:
        file.write(f"{os.getpid()} {nb.context().attempt}\n")
    print("begun", flush=True)
    while not Path(path).exists():
        time.sleep(0.02)
    return nb.context().attempt


def dies(path: str) -> int:
    """Takes its process with it the first time."""
    if nb.context().attempt == 1:
        Path(path).write_text(str(os.getpid()))
        os.kill(os.getpid(), 9)
    return nb.context().attempt


def fails(least: int) -> int:
    if nb.context().attempt < least:
        raise OSError("not yet")
    return nb.context().attempt


def has_children(path: str) -> None:
    """With a process of its own, both of which sleep."""
    child = subprocess.Popen(["sleep", "600"])
    Path(path).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(600)


def tells() -> str:
    print("it is", os.environ["TOKEN"])
    return os.environ["TOKEN"]


def notes(path: str, text: str) -> str:
    with Path(path).open("a") as file:
        file.write(f"{text}\n")
    return text


def big() -> Any:
    """A value in a file of more than one piece."""
    import numpy as np

    return np.arange(100_000)
