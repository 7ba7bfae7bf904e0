"""The executors of one host, each made when it is first needed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nbsched.core.executors import LOCAL
from nbsched.core.model import Cell, Function, Notebook, Wait, Work
from nbsched.core.settings import CelerySettings, DaskSettings
from nbsched.engine.clock import Clock
from nbsched.engine.settings import settings_here
from nbsched.executors.contract import Executor

if TYPE_CHECKING:
    from nbsched.away.courier import Engine
    from nbsched.away.distant import DistantExecutor


class Executors:
    """What carries work out here, and elsewhere."""

    def __init__(self, clock: Clock, lease: timedelta, *, apart: bool = False) -> None:
        self._clock, self._lease, self._apart = clock, lease, apart
        self._made: dict[str, Executor] = {}

    def of(self, work: Work, place: str) -> Executor:
        """What carries such work out at the place: here, or with an engine's workers."""
        kind = _kind(work) if place == LOCAL else place
        if kind not in self._made:
            self._made[kind] = (
                distant(kind, self._lease, apart=self._apart) if kind == place else _local(kind, self._clock)
            )
        return self._made[kind]

    def close(self) -> None:
        """The engines are let go of."""
        for executor in self._made.values():
            if close := getattr(executor, "close", None):
                close()


def distant(engine: str, lease: timedelta, *, apart: bool = False) -> DistantExecutor:
    """What sends work to the engine's workers as the settings here say; UsageError names what is wrong in them."""
    from nbsched.away.distant import DistantExecutor

    settings = settings_here()
    asked = settings.dask if engine == "dask" else settings.celery
    made = _dask(settings.dask) if engine == "dask" else _celery(settings.celery)
    return DistantExecutor(
        made, lease_s=lease.total_seconds(), files=asked.files, limit=asked.limit, apart=apart
    )


def _dask(asked: DaskSettings) -> Engine:
    from nbsched.away.dask import DaskEngine

    return DaskEngine(asked.address, asked.workers)


def _celery(asked: CelerySettings) -> Engine:
    from nbsched.away.celery import CeleryEngine

    return CeleryEngine(asked.broker, asked.queue, asked.queues)


def _kind(work: Work) -> str:
    if isinstance(work, Notebook) or (isinstance(work, Cell) and work.where == "process"):
        return "notebook"
    if isinstance(work, Cell):
        return "cell"
    if isinstance(work, Wait):
        return "files"
    return "function" if isinstance(work, Function) else "shell"


def _local(kind: str, clock: Clock) -> Executor:
    if kind == "notebook":
        from nbsched.executors.notebook import NotebookExecutor

        return NotebookExecutor()
    if kind == "cell":
        from nbsched.executors.cell import CellExecutor

        return CellExecutor()
    if kind == "function":
        from nbsched.executors.function import FunctionExecutor

        return FunctionExecutor()
    if kind == "files":
        from nbsched.executors.files import FilesExecutor

        return FilesExecutor(clock.now)
    from nbsched.executors.shell import ShellExecutor

    return ShellExecutor()
