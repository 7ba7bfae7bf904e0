"""Steps that do nothing, in a chain and side by side, beside Prefect and Dagster in environments of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import nbsched as nb
from tests.benchmarks import works
from tests.benchmarks.environments import NotInstalled, python_of
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns, spent
from tests.benchmarks.results import Report, Row
from tests.benchmarks.tasks import runtime
from tests.benchmarks.workers import worker

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


def report(rounds: int = 3, shapes: Mapping[str, int] = SHAPES, of_processes: int = OF_PROCESSES) -> Report:
    with ExitStack() as stack:
        carry: dict[str, Carry] = {OURS: stack.enter_context(_ours())}
        missing = []
        for name, peer in PEERS.items():
            try:
                carry[name] = stack.enter_context(_peer(*peer))
            except NotInstalled as error:
                missing.append(Row("Steps that do nothing", None, "", f"{name}: {error}"))
        found = [_table(shape, number, of_processes, carry, rounds) for shape, number in shapes.items()]
    return sum(found[1:], found[0]) + Report("", tuple(missing))


def _table(shape: str, number: int, of_processes: int, carry: Mapping[str, Carry], rounds: int) -> Report:
    def turn(name: str) -> Spent:
        return carry[name](shape, of_processes if "processes" in PEERS.get(name, ()) else number)

    found = in_turns({name: partial(turn, name) for name in carry}, rounds)
    title = f"A {shape} of {number} steps that do nothing, each ({of_processes} where each is a process)"
    return comparison(title, found, dict.fromkeys(carry.keys() - {OURS}, 0.1), 1e-3)


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
    python = python_of(package)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        Path(home, "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
        env = {**QUIET, "PREFECT_HOME": home, "DAGSTER_HOME": home}
        with worker(program, *args, python=python, env=env) as opened:
            yield lambda shape, number: opened.took(shape, number, units=number)
