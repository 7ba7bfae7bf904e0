"""Work that another engine's workers carry out: it takes nothing of its host, and ends like all other work."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.core.model import Outcome
from nbsched.core.settings import VARIABLES
from nbsched.engine import crew
from nbsched.engine.preparing import Surroundings
from nbsched.executors.contract import Assignment
from nbsched.store.insert import insert

Until = Callable[..., None]


class Workers:
    """Workers that hold everything that is sent to them until they are told to end it."""

    def __init__(self) -> None:
        self.there: dict[int, Assignment] = {}
        self.stopped: list[int] = []
        self.most = 0
        self.open = False
        self.opened = anyio.Event()
        self.endings: list[Outcome] = []

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
        well = Outcome(kind="succeeded", result=assignment.params.get("value"))
        return self.endings.pop() if self.endings else well

    def end(self, rt: nb.Runtime) -> None:
        """All that is there ends, and all that is sent from now on ends at once."""
        self.open = True
        rt.scheduler.call_soon(self.opened.set)


class Sending(nb.Runtime):
    """A runtime whose work is carried out by `workers`, wherever it says."""

    workers: Workers

    def _around(self) -> Surroundings:
        return replace(super()._around(), executor_of=lambda *_: self.workers)


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


def test_the_time_of_what_is_away_is_kept_where_it_is_and_not_spent_in_a_queue(
    away: Sending, workers: Workers, works: ModuleType, until: Until
) -> None:
    run = away.run(dask(works.ok, timeout="100ms", retries=1, backoff=nb.Backoff(wait="1ms", jitter=0)))
    until(away, lambda: workers.there)
    assert workers.there[run.id].policy.timeout == timedelta(milliseconds=100)
    threading.Event().wait(0.3)
    assert (run.state, workers.stopped) == ("running", [])
    workers.endings = [Outcome(kind="timeout", reason="timeout")]
    workers.end(away)
    until(away, lambda: run.state.final)
    assert [attempt.outcome for attempt in run.attempts] == ["timeout", "succeeded"]


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


# The settings' executor -----------------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes the settings of the folder in which the test works."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def write(text: str) -> None:
        (tmp_path / "nbsched.toml").write_text(text)

    return write


def places(rt: nb.Runtime, run: Any) -> dict[str, str]:
    """The lanes of what the run has in it, by name."""
    found = rt.database.read(
        lambda db: db.execute(
            "SELECT name, lane FROM runs WHERE id = ?1 OR parent = ?1", (run.id,)
        ).fetchall()
    )
    return {row["name"]: row["lane"] for row in found}


def policy_of(rt: nb.Runtime, run: Any) -> dict[str, Any]:
    (text,) = rt.database.read(
        lambda db: db.execute("SELECT policy FROM runs WHERE id = ?", (run.id,)).fetchone()
    )
    found: dict[str, Any] = json.loads(text)
    return found


def test_work_goes_to_the_settings_executor_unless_it_says_otherwise(
    away: Sending, workers: Workers, works: ModuleType, configured: Callable[[str], None]
) -> None:
    configured('executor = "celery"')
    workers.open = True
    run = away.run(works.ok)
    assert (places(away, run), policy_of(away, run)) == ({"ok": "away"}, {"executor": "celery"})
    assert places(away, away.run(works.ok, executor="local", timeout="1h")) == {"ok": "slot"}
    assert policy_of(away, away.run(dask(works.ok))) == {"executor": "dask"}
    with nb.pipeline("inner") as inner:
        nb.shell("true", name="in")
    with nb.pipeline("p") as p:
        nb.task(works.ok, timeout="1h")()
        nb.task(works.ok, executor="local", name="home", timeout="1h")()
        nb.task(works.ok, name="each").map(value=[1, 2])
        inner()
        nb.wait_for(nb.at("2026-01-01T00:00Z"), timeout="1h", name="until")
    run = away.run(p).wait(10)
    assert places(away, run) | {"p": ""} == {
        "p": "", "ok": "away", "home": "slot", "each": "none", "inner": "none", "until": "wait",
    }  # fmt: skip
    assert {places(away, item)["each"] for item in run.steps["each"].steps.values()} == {"away"}
    assert places(away, run.steps["inner"]) == {"inner": "none", "in": "away"}
    assert places(away, away.run(p, executor="local"))["ok"] == "slot"


def test_a_schedule_keeps_the_executor_with_which_it_was_defined(
    away: Sending, workers: Workers, works: ModuleType, configured: Callable[[str], None]
) -> None:
    configured('executor = "dask"')
    workers.open = True
    away.schedule(works.ok, "@yearly", name="s", timeout="1h")
    configured("")
    assert places(away, away.trigger("s")) == {"ok": "away"}
    (filled,) = away.backfill("s", "2024-01-01", "2024-06-01")  # type: ignore[misc]
    assert places(away, filled) == {"ok": "away"}
    away.schedule(works.ok, "@yearly", name="s", timeout="1h")
    assert places(away, away.trigger("s")) == {"ok": "slot"}


def test_what_cannot_go_away_stays_when_only_the_settings_send_it(
    tmp_path: Path, configured: Callable[[str], None]
) -> None:
    configured('executor = "dask"')
    with nb.Runtime(tmp_path / "store.db", kind="kernel", notebook="/a.ipynb") as rt:
        cell = rt.run(nb.cell("1", name="c"), expires="1ms")
        assert (places(rt, cell), "executor" in policy_of(rt, cell)) == ({"c": "cell"}, False)
        with nb.pipeline("p") as p:
            nb.cell("1", name="c")
            nb.cell("1", name="t", where="thread")
            nb.cell("1", name="x", where="process")
        rt.schedule(p, "@daily")
        new = rt._define.run(p, None, None, {})
        run = rt.database.write(lambda db: insert(db, new, 0))
        found = places(rt, rt.get_run(run))
        assert {name: found[name] for name in "ctx"} == {"c": "cell", "t": "slot", "x": "away"}
        rt.cancel(run)


def test_settings_that_are_wrong_refuse_work_and_change_nothing(
    away: Sending, works: ModuleType, configured: Callable[[str], None]
) -> None:
    configured('executor = "dusk"')
    for refused in (lambda: away.run(works.ok), lambda: away.schedule(works.ok, "@daily")):
        with pytest.raises(UsageError, match=r"nbsched.toml: no executor 'dusk': did you mean 'dask'\?$"):
            refused()
    assert away.runs() == away.schedules() == []
    assert away.run(works.ok, executor="local", timeout="1h").id  # which asks nothing of them


def test_a_resource_of_the_settings_counts_as_offered(
    away: Sending, works: ModuleType, configured: Callable[[str], None]
) -> None:
    configured("resources.gpu = 2")
    assert away.run(works.ok, resources={"gpu": 2}).state == "queued"  # until a host is there that has it
    with pytest.raises(UnknownName, match="no host offers 3"):
        away.run(works.ok, resources={"gpu": 3})
