"""Functions that the runs of these tests call; found by this file, so that any runtime has them."""

from __future__ import annotations

import os
import time

import nbsched as nb


@nb.task
def add(a: int = 1, b: int = 2):
    return a + b


@nb.task
def same(x):
    return x


@nb.task
def fails():
    raise KeyError("amount")


@nb.task
def kinds(day, at):
    return [type(day).__name__, type(at).__name__, str(day), at.isoformat()]


@nb.task
def gives_an_object():
    return object()


@nb.task
def sleeps():
    for _ in range(1000):
        time.sleep(0.01)  # noqa: TID251 what takes its time is the point


@nb.task
def tells_the_token():
    token = os.environ["TOKEN"]
    print("the token is", token)
    nb.emit(token=token)
    raise RuntimeError(f"refused: {token}")


def of_every_kind(folder: str):
    from pathlib import Path

    from matplotlib.figure import Figure

    figure, file = Figure(figsize=(1, 1)), Path(folder, "made.txt")
    figure.add_subplot().plot([1, 2])
    file.write_text("as it was")
    nb.emit(figure=figure, file=file)
    file.write_text("changed")


def kinds_of(figure, file):
    return [type(figure).__name__, type(file).__name__, file.name, file.read_text()]
