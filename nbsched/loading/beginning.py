"""The work of a file is run or scheduled."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbsched.core.errors import DefinitionError, UsageError
from nbsched.core.model import Function, Wait, Work, parts
from nbsched.core.policy import located, normalise
from nbsched.core.triggers import parse_trigger
from nbsched.engine.calls import Calls
from nbsched.loading.files import StepNotebook, load
from nbsched.stepcells import referring

Asked = Mapping[str, Any]
"""What is asked of the work, as JSON: `params`, `policy`, `pipeline`, and what the verb takes beside them."""


def run(rt: Calls, file: Path, asked: Asked) -> int:
    """The file's work runs; the run's id. Texts like `@scheduled_date` are references."""
    work, params = _work(file, asked, "run"), referring(asked.get("params") or {}, inside=True)
    return rt.run(work, params, key=asked.get("key"), **_policy(file, asked)).id


def schedule(rt: Calls, file: Path, asked: Asked) -> str:
    """The file's work is scheduled; the schedule's name. Texts like `@scheduled_date` are references."""
    trigger = parse_trigger(asked["trigger"], tz=asked.get("tz"))
    work, params = _work(file, asked, "schedule"), referring(asked.get("params") or {}, inside=True)
    return rt.schedule(work, trigger, params=params, **asked["options"], **_policy(file, asked)).name


BEGINNINGS: Mapping[str, Callable[[Calls, Path, Asked], int | str]] = {"run": run, "schedule": schedule}


def _work(file: Path, asked: Asked, verb: str) -> Work:
    work = load(str(file), asked.get("pipeline"))
    if isinstance(work, StepNotebook):
        raise UsageError(
            f"the steps of {file.name} need its kernel: open it and use %pipeline {verb} {work.name} there"
        )
    for part in parts(work):
        if isinstance(part, (Function, Wait)) and part.bound:
            raise DefinitionError(
                f"the function of {part.name!r} can be found in no other process: define it at the top level of "
                f"{file.name} or of a module"
            )
    return work


def _policy(file: Path, asked: Asked) -> dict[str, Any]:
    """The policy, with its files from the folder of the work's file on."""
    return located(normalise(asked.get("policy") or {}), lambda path: os.path.join(file.parent, path))
