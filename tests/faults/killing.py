"""python killing.py WHEN K SCRIPT: the script, killed by SIGKILL just before or after the K-th commit to its store.

With K = 0 it is left alive; how many commits it made is then the last line that it prints.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import sqlite3
import sys
from typing import Any

WHEN, AT, SCRIPT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
_real = sqlite3.connect


class Killing(sqlite3.Connection):
    commits = 0

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, *given)
        Killing.commits += 1
        die = Killing.commits == AT
        if die and WHEN == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        cursor = super().execute(sql, *given)
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor


def connect(*args: Any, **options: Any) -> sqlite3.Connection:
    return _real(*args, **{**options, "factory": Killing})


sqlite3.connect = connect  # type: ignore[assignment]
atexit.register(lambda: AT or print(Killing.commits))
sys.argv = [SCRIPT]
runpy.run_path(SCRIPT, run_name="__main__")
