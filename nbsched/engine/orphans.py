"""What a dead host leaves running and unfinished."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from pathlib import Path

from nbsched.engine.births import birth_of
from nbsched.store import recovery
from nbsched.store.database import Database
from nbsched.store.hosts import Host

_log = logging.getLogger("nbsched")


def clear_up(database: Database, host: Host) -> None:
    """Nothing that the host started runs any more, and its output notebooks hold all cells that had finished."""
    for pid, birth in database.read(recovery.processes_of, host.id):
        if pid != host.pid and birth_of(pid) == birth:
            with suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
    for output in database.read(recovery.notebooks_of, host.id):
        _recover(Path(output))


def _recover(output: Path) -> None:
    from nbsched.kernels.journal import recover

    try:
        recover(output)
    except (OSError, ValueError, KeyError) as error:
        _log.warning("the output notebook %s could not be completed: %s", output, error)
