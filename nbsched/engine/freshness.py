"""Which steps have read a file that is another now; cheap enough for a picture that is drawn often."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbsched.core.definitions import work_from_json
from nbsched.core.fingerprints import OUTPUT, SOURCE, Parts, file_name
from nbsched.core.model import RunRecord, Work
from nbsched.core.states import State
from nbsched.engine.caching import UNREADABLE
from nbsched.engine.code import code_of
from nbsched.engine.files import has_changed, version
from nbsched.engine.modules import mark_of
from nbsched.store import cache


def stale_steps(read: Callable[..., Any], pipeline: str, shown: Iterable[RunRecord]) -> dict[str, str]:
    """Of each such step of the pipeline which file has changed; `shown` are runs of its steps."""
    done = {run.step: run.id for run in shown if run.state is State.SUCCEEDED and run.retry_of is None}
    found: dict[str, str] = {}
    for row in read(cache.last_of_steps, pipeline):
        if done.get(row["step"], 0) > row["id"]:
            continue  # it has been done since, and nothing was remembered of that
        work = work_from_json({"name": row["step"], **json.loads(row["work"])})
        if changed := staleness(work, json.loads(row["parts"])):
            found[row["step"]] = changed
    return found


def staleness(work: Work, parts: Parts) -> str | None:
    """Which file that a run has read is another now; large ones are told by their size, without reading them."""
    for name, before in parts.items():
        file = isinstance(before, Mapping) and "path" in before and not name.startswith(OUTPUT)
        if file and _is_another(name, before, work, parts):
            called = f"{SOURCE} of {before['name']}" if name == SOURCE else file_name(name)
            return f"{called} changed since"
    return None


def _is_another(name: str, before: Mapping[str, Any], work: Work, parts: Parts) -> bool:
    now = version(before["path"])
    if (now["size"], now["mtime_ns"]) == (before["size"], before["mtime_ns"]):
        return False
    try:
        return (
            has_changed(before)
            if name.startswith("input ")
            else _mark(name, before, work, parts) != before["hash"]
        )
    except OSError:
        return True
    except UNREADABLE:  # it is for another process to tell
        return False


def _mark(name: str, before: Mapping[str, Any], work: Work, parts: Parts) -> str:
    if name != SOURCE:
        return mark_of(before["path"])
    given = [part.removeprefix("params.").partition(" ")[0] for part in parts if part.startswith("params.")]
    return str(code_of(work, given).source["hash"])
