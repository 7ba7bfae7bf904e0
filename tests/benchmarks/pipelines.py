"""Steps that do nothing, in a chain and side by side, beside Prefect and Dagster in environments of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import nbsched as nb
from tests.benchmarks import works
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns, spent
from tests.benchmarks.tasks import runtime

Carry = Callable[[str, int], Spent]
"""What each of so many steps of the shape takes."""

PEERS = {
    "Prefect, its server on SQLite": ("prefect", "prefect_steps.py"),
    "Dagster, nothing kept": ("dagster", "dagster_steps.py", "memory"),
    "Dagster, kept in SQLite": ("dagster", "dagster_steps.py", "sqlite"),
    "Dagster, kept in SQLite, a process each": ("dagster", "dagster_steps.py", "processes"),
}
SHAPES = {"chain": 50, "fan-out": 100}
OF_PROCESSES = 6
"""So few of those that take seconds each."""
QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120", "DAGSTER_DISABLE_TELEMETRY": "1",
}  # fmt: skip


def report_steps(
    rounds: int = 3, shapes: Mapping[str, int] = SHAPES, of_processes: int = OF_PROCESSES
) -> str:
    with ExitStack() as stack:
        carry: dict[str, Carry] = {OURS: stack.enter_context(_ours())}
        carry |= {name: stack.enter_context(_peer(*peer)) for name, peer in PEERS.items()}
        return "\n".join(
            _table(shape, number, of_processes, carry, rounds) for shape, number in shapes.items()
        )


def _table(shape: str, number: int, of_processes: int, carry: Mapping[str, Carry], rounds: int) -> str:
    def turn(name: str) -> Spent:
        return carry[name](shape, of_processes if "processes" in PEERS.get(name, ()) else number)

    found = in_turns({name: partial(turn, name) for name in carry}, rounds)
    title = f"A {shape} of {number} steps that do nothing, each ({of_processes} where each is a process)"
    return comparison(title, found, dict.fromkeys(PEERS, 0.1), 1e-3)


@contextmanager
def _ours() -> Iterator[Carry]:
    """Defined, run and waited for, each step on the disk before the next."""
    task = nb.task(works.nothing)

    def once(opened: nb.Runtime, shape: str, number: int) -> None:
        with nb.pipeline("steps") as steps:
            made = [task() for _ in range(number)]
            if shape == "chain":
                nb.chain(made)
        opened.run(steps).wait(check=True)

    with runtime() as opened:
        yield lambda shape, number: spent(lambda: once(opened, shape, number), number)


@contextmanager
def _peer(package: str, program: str, *args: str) -> Iterator[Carry]:
    """A warm process of the peer, which has carried out a step before."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        env = {**os.environ, **QUIET, "PREFECT_HOME": home, "DAGSTER_HOME": home}
        Path(home, "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        process = subprocess.Popen(
            [_python_with(package), Path(__file__).parent / "peers" / program, *args], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            assert _line(process) == "ready", f"{package} does not start"
            yield lambda shape, number: _asked(process, shape, number)
        finally:
            process.communicate()


def _asked(process: subprocess.Popen[str], shape: str, number: int) -> Spent:
    before = _cpu_of_session(process.pid)
    assert process.stdin is not None
    process.stdin.write(f"{shape} {number}\n")
    process.stdin.flush()
    wall = float(_line(process))
    return Spent(wall / number, (_cpu_of_session(process.pid) - before) / number)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _cpu_of_session(leader: int) -> float:
    """The seconds of the process and of all that it started: a peer's server is one of its own."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == leader:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def environment(package: str) -> Path:
    """Where the peer is alone: it would not go together with the others."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "nbsched-benchmarks", package)


def _python_with(package: str) -> Path:
    """The interpreter of the peer's environment, which is made the first time."""
    folder = environment(package)
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", package], check=True)
        (folder / "ready").touch()
    return python
