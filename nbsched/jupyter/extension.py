"""`%load_ext nbsched`: the magics and their completion, and nothing in the user's namespace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nbsched.core import ports
from nbsched.engine import default, runtime
from nbsched.engine.runtime import Runtime
from nbsched.jupyter import identity


def load_ipython_extension(shell: Any) -> None:
    """The magics are there; schedules that a closed kernel of this notebook left are told of."""
    from nbsched.jupyter import completion, pipelines
    from nbsched.jupyter.magics import NbschedMagics

    shell.register_magics(NbschedMagics)
    ports.set_written(pipelines.remember)
    completion.add(shell)
    open_as(shell)
    if "NBSCHED_RUN" not in os.environ:
        _tell_of_paused(shell)


def join(shell: Any) -> None:
    """Runtimes of this process are its kernel's, with the notebook's own cells."""
    runtime.process_is("kernel", lambda: identity.notebook(shell).key)


def open_as(shell: Any, host: Mapping[str, Any] | None = None) -> None:
    """The runtime that this kernel's calls use, when one is needed, is the one of its notebook."""
    options = dict(host or {})
    join(shell)
    default.made_by(lambda: Runtime(**options))


def unload_ipython_extension(shell: Any) -> None:
    """Completion is as before; schedules go on, and the magics stay until the kernel ends, as IPython's do."""
    from nbsched.jupyter import completion

    completion.remove(shell)


def _tell_of_paused(shell: Any) -> None:
    """One line, when schedules of this notebook wait for a person to resume them."""
    from nbsched.jupyter.scheduling import of_this_notebook

    left = [schedule.name for schedule in of_this_notebook(shell) if schedule.paused == "kernel gone"]
    if left:
        one = len(left) == 1
        print(f"{len(left)} schedule{'' if one else 's'} of this notebook {'is' if one else 'are'} paused: "
              "%schedule resume")  # fmt: skip
