"""A file that has to be executed to tell its work is read by a process of its own, which runs or schedules it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from nbsched.core.errors import NbschedError, UsageError
from nbsched.engine.calls import Calls
from nbsched.engine.visiting import Visitor
from nbsched.loading.beginning import BEGINNINGS, Asked

LONGEST_S = 60


def begin(rt: Calls, verb: str, file: Path, asked: Asked) -> int | str:
    """The file's work is run or scheduled; nothing of the file is executed in this process."""
    if file.suffix != ".py":
        return BEGINNINGS[verb](rt, file, asked)
    said = _told(rt, file, json.dumps([str(rt.store_path), verb, str(file), dict(asked)]))
    if "refused" in said:
        raise UsageError(said["refused"])
    found: int | str = said["done"]
    return found


def _told(rt: Calls, file: Path, question: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "nbsched.loading"], input=question, capture_output=True, text=True,
            errors="replace", cwd=file.parent, env=_environment(rt), timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{file.name} was not read within {LONGEST_S} s: move what takes long into its tasks"
        ) from None
    if done.returncode or not done.stdout:
        last = "".join(done.stderr.strip().splitlines()[-1:])
        raise UsageError(
            f"{file.name} ended the process that read it ({last or done.returncode}): correct it"
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environment(rt: Calls) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "NBSCHED_RUN"}
    return {**inherited, "NBSCHED_STORE": str(rt.store_path)}


def answer(question: str, out: IO[str]) -> None:
    """What was asked is done, and told."""
    store, verb, file, asked = json.loads(question)
    try:
        with Visitor(store) as rt:
            said: dict[str, Any] = {"done": BEGINNINGS[verb](rt, Path(file), asked)}
    except NbschedError as error:
        said = {"refused": str(error)}
    json.dump(said, out)
