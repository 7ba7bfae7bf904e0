"""Schedules and pipelines for notebooks, inside Jupyter: durable, live, no server.

Names are imported when they are first used, so that `import nbsched` costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__version__ = "0.5.0"

_CALLS = (
    "backfill", "cancel", "export", "get_run", "next_times", "pause", "publish", "reschedule", "resolve", "resume",
    "retry", "run", "runs", "schedule", "schedules", "set_priority", "simulate", "subscribe", "trigger", "unschedule",
    "why",
)  # fmt: skip
_HOMES = {
    **dict.fromkeys(_CALLS, "api"),
    **dict.fromkeys(("after", "all_of", "any_of", "at", "cron", "every", "on", "parse_trigger"), "core.triggers"),
    **dict.fromkeys(("as_work", "cell", "chord", "notebook", "shell", "task"), "core.work"),
    **dict.fromkeys(("approve", "file", "wait_for"), "core.waiting"),
    **dict.fromkeys(("branch", "product_map", "zip_map"), "core.flow"),
    **dict.fromkeys(("chain", "group"), "core.steps"),
    **dict.fromkeys(("context", "emit", "fail", "retry_later", "skip"), "inside"),
    **dict.fromkeys(
        ("event", "interval", "interval_end", "interval_start", "run_id", "run_key", "scheduled_at",
         "scheduled_date"),
        "core.references",
    ),
    **dict.fromkeys(("Fail", "NbschedError", "RetryLater", "RunFailed", "Skip", "UnknownName", "UsageError"),
                    "core.errors"),
    **dict.fromkeys(("Run", "Schedule"), "engine.live"),
    "Backoff": "core.policy",
    "Event": "core.model",
    "State": "core.states",
    "Runtime": "engine.runtime",
    "pipeline": "core.pipeline",
    "dashboard": "jupyter.widget",
    "form": "jupyter.forms",
    "load_ipython_extension": "jupyter.extension",
    "unload_ipython_extension": "jupyter.extension",
}  # fmt: skip

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "nbsched.api" not in sys.modules:
        importlib.import_module("nbsched.api")
        if "ipykernel" in sys.modules:
            importlib.import_module("nbsched.jupyter.hosting").host_here()
    value = getattr(importlib.import_module(f"nbsched.{home}"), name)
    globals()[name] = value
    return value


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "nbsched"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    extension = importlib.import_module("nbsched.server.extension")
    return [{"module": "nbsched", "app": extension.NbschedExtension}]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
