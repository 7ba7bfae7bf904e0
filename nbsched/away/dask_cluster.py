"""The Dask cluster that is meant when nobody names one; as a program, one of worker processes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from nbsched.core.errors import UsageError


def found() -> dict[str, Any]:
    """How to reach the cluster of this process's client, or of Dask's own settings; empty when there is neither."""
    import dask.config
    from distributed import Client

    try:
        current = Client.current()
    except ValueError:
        address = dask.config.get("scheduler-address", None)
        return {"address": address} if address else {}
    return {"address": current.scheduler.address, "security": current.security}


PRELOAD = ["nbsched.away.piece"]
"""What a worker needs for its first piece of work."""


class OwnCluster:
    """Worker processes on this machine, which end with this process at the latest; UsageError if they do not start.

    The scheduler is a process of its own too: it would take this one's time.
    """

    def __init__(self, workers: int | None) -> None:
        command = [sys.executable, "-m", __name__, str(workers or os.cpu_count() or 1)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout
        self.address = self._process.stdout.readline().decode().strip()
        if not self.address:
            self.close()
            raise UsageError(f"Dask workers cannot be started here: see what `{' '.join(command)}` says")

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """They have ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._process.wait()


def main(workers: int) -> None:
    """Prints the cluster's address, and ends with standard input."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, preload=PRELOAD
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
