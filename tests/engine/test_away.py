"""Work that another engine's workers carry out: it takes nothing of its host, and ends like all other work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, UnknownName
from nbsched.core.model import Outcome
from nbsched.engine import crew
from nbsched.engine.preparing import Surroundings
from nbsched.executors.contract import Assignment
from nbsched.testing import VirtualRuntime
from tests.engine.conftest import START

Until = Callable[..., None]


class Workers:
    """Workers that hold everything that is sent to them until they are told to end it."""

    def __init__(self) -> None:
        self.there: dict[int, Assignment] = {}
        self.stopped: list[int] = []
        self.most = 0
        self.open = False
        self.opened = anyio.Event()

    async def execute(self, assignment: Assignment) -> Outcome:
        run = assignment.context.run_id
        self.there[run] = assignment
        self.most = max(self.most, len(self.there))
        try:
            if not self.open:
                await self.opened.wait()
        except BaseException:
            self.stopped.append(run)
            raise
        finally:
            del self.there[run]
        return Outcome(kind="succeeded", result=assignment.params.get("value"))

    def end(self, rt: nb.Runtime) -> None:
        """All that is there ends, and all that is sent from now on ends at once."""
        self.open = True
        rt.scheduler.call_soon(self.opened.set)


class Sending(nb.Runtime):
    """A runtime whose work is carried out by `workers`, wherever it says."""

    workers: Workers

    def _around(self) -> Surroundings:
        return replace(super()._around(), executor_of=lambda *_: self.workers)


class SendingVirtually(Sending, VirtualRuntime):
    """The same on a virtual clock."""


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def away(tmp_path: Path, workers: Workers) -> Iterator[Sending]:
    runtime = Sending(tmp_path / "store.db", slots=1)
    runtime.workers = workers
    with runtime:
        yield runtime


def dask(function: Any, **policy: Any) -> Any:
    return nb.task(function, executor="dask", **policy)


def test_what_is_away_takes_no_slot(away: Sending, workers: Workers, works: ModuleType, until: Until) -> None:
    runs = [away.run(dask(works.ok), {"value": value}) for value in range(20)]
    until(away, lambda: len(workers.there) == 20)
    shell = away.run(nb.shell("true", name="here", timeout="1h"))
    until(away, lambda: len(workers.there) == 21)  # there is the one slot for it
    assert away.run(nb.shell("true", name="waits")).state == "queued"
    workers.end(away)
    assert [run.wait(10).result for run in (*runs, shell)] == [*range(20), None]


def test_no_more_are_under_way_than_a_host_can_see_to(
    away: Sending, workers: Workers, works: ModuleType, until: Until
) -> None:
    away.scheduler._crew.room.away = 3
    runs = [away.run(dask(works.ok)) for _ in range(8)]
    until(away, lambda: len(workers.there) == 3)
    assert sum(run.state == "queued" for run in runs) == 5
    workers.end(away)
    assert [run.wait(10).state for run in runs] == ["succeeded"] * 8
    assert workers.most == 3
    until(away, lambda: away.scheduler._crew.room.away == 3)


def test_a_host_sees_to_a_thousand(away: Sending) -> None:
    assert away.scheduler._crew.room.away == crew.MOST_AWAY == 1000


def test_a_pipeline_s_bounds_count_what_is_away_and_what_is_here(
    away: Sending, workers: Workers, works: ModuleType, until: Until
) -> None:
    with nb.pipeline("p", max_parallel=2, executor="dask") as p:
        dask(works.ok).map(value=[1, 2, 3])
        nb.shell("true", executor="local", name="here")
    run = away.run(p)
    until(away, lambda: len(workers.there) == 2)
    workers.end(away)
    assert run.wait(10).state == "succeeded"
    assert run.steps["ok"].result == [1, 2, 3]
    assert workers.most == 2


def test_what_is_away_is_stopped_when_it_is_cancelled(
    away: Sending, workers: Workers, works: ModuleType, until: Until
) -> None:
    run = away.run(dask(works.ok))
    until(away, lambda: workers.there)
    run.cancel()
    assert run.wait(10).state == "cancelled"
    assert workers.stopped == [run.id]


def test_what_is_away_runs_out_of_time_and_is_tried_again(
    tmp_path: Path, workers: Workers, works: ModuleType, until: Until
) -> None:
    rt = SendingVirtually(START, tmp_path / "store.db", slots=1)
    rt.workers = workers
    with rt:
        run = rt.run(dask(works.ok, timeout="1m", retries=1, backoff=nb.Backoff(wait="1s", jitter=0)))
        until(rt, lambda: workers.there)
        rt.clock.move_to(START + timedelta(seconds=61))
        until(rt, lambda: workers.stopped == [run.id])
        until(rt, lambda: run.state == "queued")
        workers.end(rt)
        rt.advance_blocking("2s")
        assert (run.state, [attempt.outcome for attempt in run.attempts]) == (
            "succeeded",
            ["timeout", "succeeded"],
        )


def test_a_closing_host_hands_over_what_is_away(
    tmp_path: Path, workers: Workers, works: ModuleType, until: Until
) -> None:
    first = Sending(tmp_path / "store.db", slots=1)
    first.workers = workers
    with first:
        run = first.run(dask(works.ok)).id
        until(first, lambda: workers.there)
    assert workers.stopped == [run]
    workers.open = True
    second = Sending(tmp_path / "store.db", slots=1)
    second.workers = workers
    with second:
        assert (second.get_run(run).wait(10).state, second.get_run(run).attempt) == ("succeeded", 2)


# What may be asked for ----------------------------------------------------------------------------------


def test_a_cell_of_this_kernel_is_refused_for_workers_however_they_are_asked_for(tmp_path: Path) -> None:
    with nb.Runtime(tmp_path / "store.db", kind="kernel", notebook="/a.ipynb") as rt:
        cell = nb.cell("1", name="c")
        with nb.pipeline("p") as p:
            nb.cell("1", name="c")
        for refused in (
            lambda: rt.run(cell, executor="dask"),
            lambda: rt.schedule(cell, "@daily", executor="celery"),
            lambda: rt.run(p, executor="dask"),
            lambda: rt.schedule(p, "@daily", executor="dask"),
            lambda: rt.why(p, executor="dask"),
        ):
            with pytest.raises(DefinitionError, match=r"^the cell 'c' runs in its notebook's kernel"):
                refused()
        assert rt.runs() == rt.schedules() == []


def test_resources_of_what_goes_away_are_the_workers_to_offer(
    away: Sending, workers: Workers, works: ModuleType
) -> None:
    workers.open = True
    wanted = {"resources": {"gpu": 2}}
    assert away.run(dask(works.ok, **wanted)).wait(10).state == "succeeded"
    assert away.run(works.ok, executor="celery", **wanted).wait(10).state == "succeeded"
    with nb.pipeline("p", executor="dask", **wanted) as p:
        nb.task(works.ok)()
        nb.wait_for(nb.at("2026-01-01T00:00Z"), timeout="1h", name="until")
    assert away.run(p).wait(10).state == "succeeded"
    with nb.pipeline("q", executor="dask", **wanted) as q:
        nb.task(works.ok)()
        nb.task(works.ok, executor="local", name="here")()
    for work, policy in ((nb.task(works.ok, **wanted), {}), (q, {}), (p, {"executor": "local"})):
        with pytest.raises(UnknownName, match="no resource 'gpu': no host offers 2"):
            away.run(work, **policy)
