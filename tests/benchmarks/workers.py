"""Warm processes that carry out work when they are asked to."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Spent
from tests.benchmarks.processes import cpu_below, gathering_orphans, machine_cpu

PEERS = Path(__file__).parent / "peers"
PATIENCE_S = 900
"""For one answer."""
SETTLE_S = 0.3
"""After a turn: what it has left others to do is counted as its, and disturbs nobody else's turn."""


class Worker:
    """Answers each list of words with a value; both are JSON, a line each."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self.process, self.home = process, home

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, *words: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """What it answers; RuntimeError with what it complained of when it does not."""
        assert self.process.stdout is not None
        told, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline() if told else ""
        if not line:
            complaint = (self.home / "stderr").read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{self.process.args} gives no answer\n{complaint}")
        return json.loads(line)

    def ask(self, *words: Any) -> Any:
        self.send(*words)
        return self.answer()

    def took(self, *words: Any, units: int = 1, settle_s: float = SETTLE_S) -> Spent:
        """The seconds that it answers, and the CPU that was taken meanwhile, for each unit."""
        me = os.getpid()
        cpu, machine = cpu_below(me), machine_cpu()
        wall = self.ask(*words)
        time.sleep(settle_s)
        return Spent(wall / units, (cpu_below(me) - cpu) / units, (machine_cpu() - machine) / units)


@contextmanager
def worker(
    program: str, *args: object, python: str | Path = sys.executable, env: Mapping[str, str] | None = None
) -> Iterator[Worker]:
    """A process of a program in `peers`, ready; its temporary and Jupyter's files are in a folder that goes with it."""
    with gathering_orphans(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        own = {variable: _made(home / name) for variable, name in FOLDERS.items()}
        with (home / "stderr").open("w") as errors:
            process = subprocess.Popen(
                [python, PEERS / program, *map(str, args)], env={**os.environ, **own, **(env or {})}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
            )  # fmt: skip
        try:
            opened = Worker(process, home)
            assert opened.answer() == "ready"
            yield opened
        finally:
            _end(process)


FOLDERS = {
    "TMPDIR": "tmp",
    "IPYTHONDIR": "ipython",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "XDG_RUNTIME_DIR": "xdg",
}


def _made(folder: Path) -> str:
    folder.mkdir(mode=0o700)
    return str(folder)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
