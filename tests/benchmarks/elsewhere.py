"""Work on the workers of Dask and of Celery, beside what these take for the same without nbsched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbsched as nb
from tests.away.engines import Process, Redis
from tests.benchmarks import works
from tests.benchmarks.measure import OURS, Spent, comparison, in_turns, spent
from tests.benchmarks.notebooks import written
from tests.benchmarks.results import Report, Row, table

WORKERS = 4
FUTURES, GROUP, LOCAL = "Dask's futures", "Celery's group", "nbsched on this machine"


@contextmanager
def runtime(executor: str, slots: int = WORKERS) -> Iterator[nb.Runtime]:
    """One that has had work carried out there."""
    with (
        tempfile.TemporaryDirectory() as folder,
        nb.Runtime(Path(folder) / "store.db", slots=slots) as opened,
    ):
        opened.run(each(works.same, range(4 * WORKERS), executor)).wait(check=True)
        yield opened


def each(function: Callable[..., Any], values: range, executor: str) -> Any:
    """A pipeline of one run for each value."""
    with nb.pipeline("each", executor=executor) as pipeline:
        nb.task(function).map(list(values))
    return pipeline


def took(opened: nb.Runtime, pipeline: Any, units: int) -> Spent:
    return spent(lambda: opened.run(pipeline).wait(check=True), units)


# --- Dask ---


@contextmanager
def cluster() -> Iterator[Any]:
    """A client of worker processes on this machine, which nbsched takes too."""
    from distributed import Client

    from nbsched.away.dask_cluster import OwnCluster

    own = OwnCluster(WORKERS)
    try:
        with (
            Client(own.address, set_as_default=False) as client,
            patch.dict(os.environ, NBSCHED_DASK_ADDRESS=own.address),
        ):
            yield client
    finally:
        own.close()


def report_dask(number: int = 2_000, resting: int = 1_000, many: int = 10_000, rounds: int = 5) -> Report:
    with cluster() as client:
        with runtime("dask") as opened:
            found = _functions(opened, client, number, rounds)
            slept = took(opened, each(works.rest, range(resting), "dask"), 1).wall
        notebook = _notebook(rounds)
        memory = _memory(many)
    ideal = resting * 0.1 / WORKERS
    rows = (
        Row(
            f"{resting:,} functions of 100 ms on {WORKERS} Dask workers",
            slept,
            "s",
            "the ideal",
            ideal,
            most=1.15,
        ),
        Row("a notebook of one cell on a warm Dask worker, more than here", notebook * 1e3, "ms", most=50),
        Row(
            f"memory of the process that has {many:,} steps carried out by Dask", memory / 1e6, "MB", most=300
        ),
    )
    lines = [[row.what, f"{row.ours:.1f} {row.unit}", row.target] for row in rows]
    return found + Report(table("Dask", ["", OURS, "target"], lines), rows)


def _functions(opened: nb.Runtime, client: Any, number: int, rounds: int) -> Report:
    def bare() -> None:
        client.gather(client.map(works.same, range(number), pure=False))

    contestants = {OURS: lambda: took(opened, each(works.same, range(number), "dask"), number),
                   FUTURES: lambda: spent(bare, number)}  # fmt: skip
    title = f"{number:,} functions on {WORKERS} Dask workers, each"
    return comparison(title, in_turns(contestants, rounds), {FUTURES: 1.3})


def _notebook(rounds: int) -> float:
    """Seconds that a notebook takes more on a worker than here, once both are warm."""
    with tempfile.TemporaryDirectory() as folder, runtime("dask", slots=1) as opened:
        source = written(Path(folder, "one.ipynb"), ["x = 1"])

        def once(executor: str) -> Spent:
            return spent(lambda: opened.run(nb.notebook(source), executor=executor).wait(check=True), 1)

        for _ in range(2 * WORKERS):
            once("dask")
        found = in_turns({OURS: lambda: once("dask"), LOCAL: lambda: once("local")}, 3 * rounds)
    return found[OURS].wall - found[LOCAL].wall


PEAK = """
import json, resource, sys, tempfile
from pathlib import Path
from tests.benchmarks import elsewhere, works
with elsewhere.runtime("dask") as opened:
    opened.run(elsewhere.each(works.same, range(int(sys.argv[1])), "dask")).wait(check=True)
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
"""


def _memory(number: int) -> float:
    """The most bytes that a process ever had which had so many steps carried out."""
    command = [sys.executable, "-c", PEAK, str(number)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


# --- Celery ---

APP = """
from celery import Celery
from nbsched.away.celery_worker import app_of
app = app_of({url!r}, "nbsched")
app.conf.update(result_backend={url!r}, include=["nbsched.celery"])
@app.task(ignore_result=False)
def same(value):
    return value
"""


@contextmanager
def broker() -> Iterator[Any]:
    """A worker of as many processes, with a task of its own too, and the app that knows it."""
    import importlib

    with tempfile.TemporaryDirectory() as home:
        folder, redis = Path(home), None
        try:
            redis = Redis(folder)
            (folder / "benchmark_app.py").write_text(APP.format(url=redis.url))
            command = [sys.executable, "-m", "celery", "-A", "benchmark_app", "worker", "-c", str(WORKERS)]
            with (
                patch.object(sys, "path", [home, *sys.path]),
                patch.dict(os.environ, NBSCHED_CELERY_BROKER=redis.url),
            ):
                app: Any = importlib.import_module("benchmark_app")
                worker = Process(folder, command)
                try:
                    while not app.app.control.inspect(timeout=0.5).ping():
                        time.sleep(0.1)
                    yield app
                finally:
                    worker.end()
        finally:
            if redis:
                redis.kill()


def report_celery(number: int = 1_000, rounds: int = 5) -> Report:
    from celery import group

    with broker() as app, runtime("celery") as opened:

        def bare() -> None:
            group(app.same.s(value) for value in range(number)).apply_async().get()

        contestants: Mapping[str, Callable[[], Spent]] = {
            OURS: lambda: took(opened, each(works.same, range(number), "celery"), number),
            GROUP: lambda: spent(bare, number),
        }
        bare()
        found = in_turns(contestants, rounds)
    title = f"{number:,} functions on a Celery worker of {WORKERS} processes with Redis, each"
    return comparison(title, found, {GROUP: 1.3})


def report(number: int = 2_000, resting: int = 1_000, many: int = 10_000, rounds: int = 5) -> Report:
    return report_dask(number, resting, many, rounds) + report_celery(number // 2, rounds)
