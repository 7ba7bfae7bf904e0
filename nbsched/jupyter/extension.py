"""`%load_ext nbsched`: the magics and their completion, and nothing in the user's namespace."""

from __future__ import annotations

import os
from typing import Any

from nbsched.core import ports
from nbsched.core.errors import NbschedError
from nbsched.jupyter import hosting


def load_ipython_extension(shell: Any) -> None:
    """The magics are there; schedules that a closed kernel of this notebook left are told of."""
    from nbsched.jupyter import completion, pipelines
    from nbsched.jupyter.magics import NbschedMagics

    shell.register_magics(NbschedMagics)
    ports.set_written(pipelines.remember)
    completion.add(shell)
    hosting.host_here()
    if "NBSCHED_RUN" not in os.environ:
        try:
            _tell_of_paused(shell)
        except NbschedError as error:  # the magics are there all the same, and say it again
            print(f"nbsched: {error}")


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
