"""The kernel as a host: its calls use a runtime that belongs to its notebook."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from nbsched.engine import default
from nbsched.engine.runtime import Runtime, process_is
from nbsched.jupyter import identity


def host_here(options: Mapping[str, Any] | None = None) -> None:
    """Runtimes of this process are its notebook's, if a person's kernel runs here.

    A kernel that carries out a run of nbsched is no host: what it fires would multiply.
    """
    if "IPython" not in sys.modules or "NBSCHED_RUN" in os.environ:
        return
    from IPython.core.getipython import get_ipython

    shell, given = get_ipython(), dict(options or {})
    if getattr(shell, "kernel", None) is not None:
        process_is("kernel", lambda: identity.notebook(shell).key)
        default.made_by(lambda: Runtime(**given))
