"""The runtime that the module-level calls use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from nbsched.engine.runtime import Runtime, innermost

_KEY = "_nbsched_runtime"
"""On `sys`, so that a reloaded package finds the runtime that is there."""

_starting = threading.Lock()
_new: list[Callable[[], Runtime]] = [Runtime]


def made_by(maker: Callable[[], Runtime]) -> None:
    """The process's runtime, when there is none yet, is the one that `maker` gives."""
    _new[:] = [maker]


def runtime() -> Runtime:
    """The runtime of the innermost `with` block, else the process's own, which is started when first asked for."""
    inside = innermost()
    if inside is not None:
        return inside
    with _starting:
        found: Runtime | None = getattr(sys, _KEY, None)
        if found is None or not found.open:
            found = _new[0]().start()
            setattr(sys, _KEY, found)
        return found


def running() -> Runtime | None:
    """The runtime that `runtime()` would give without starting one."""
    found: Runtime | None = innermost() or getattr(sys, _KEY, None)
    return found if found is not None and found.open else None
