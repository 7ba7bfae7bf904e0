"""Cells of a kernel stay with it; everything else that is carried out may go to another engine's workers."""

from __future__ import annotations

from typing import Any

import pytest

from nbsched.core.errors import DefinitionError
from nbsched.core.executors import goes_away, is_portable, leaves
from nbsched.core.pipeline import StepTable, pipeline
from nbsched.core.policy import EXECUTORS, normalise
from nbsched.core.steps import StepHandle
from nbsched.core.triggers import at
from nbsched.core.waiting import approve, wait_for
from nbsched.core.work import cell, shell, task

DASK = {"executor": "dask"}
OUT_OF_REACH = r"^the cell 'c' runs in its notebook's kernel, .*where='process' or executor='local'$"


@task
def ok() -> None:
    """Nothing."""


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_is_an_option(name: str) -> None:
    assert normalise({"executor": name}) == {"executor": name}


@pytest.mark.parametrize(
    ("kind", "where", "may"),
    [
        ("notebook", None, True),
        ("function", "thread", True),
        ("function", "process", True),
        ("shell", None, True),
        ("cell", "process", True),
        ("cell", "thread", False),
        ("cell", "kernel", False),
        ("cell", None, False),
        ("wait", None, False),
        ("approval", None, False),
        ("map", None, False),
        ("pipeline", None, False),
    ],
)
def test_what_may_go_goes_when_it_is_asked_to(kind: str, where: str | None, may: bool) -> None:
    assert is_portable(kind, where) is may
    assert [goes_away(kind, where, policy) for policy in ({}, {"executor": "local"}, DASK)] == [
        False,
        False,
        may,
    ]


def executors_of(work: Any, given: dict[str, Any]) -> dict[str, str]:
    return {
        part.name: policy.get("executor", "local") for part, policy in leaves(work, {**work.policy, **given})
    }


def test_parts_have_the_executor_of_what_they_are_in_unless_they_have_their_own() -> None:
    with pipeline("inner") as inner:
        ok()
        ok.options(executor="local", name="home")()
    with pipeline("outer", executor="celery") as p:
        ok.options(name="plain")()
        ok.options(name="own", executor="dask")()
        inner()
        inner.options(executor="dask", name="second")()
        shell("echo $x", name="each").map(x=[1, 2])
    assert executors_of(p.work, {}) == {
        "plain": "celery", "own": "dask", "ok": "dask", "home": "local", "each": "celery",
    }  # fmt: skip
    assert executors_of(p.work, {"executor": "local"})["plain"] == "local"


@pytest.mark.parametrize("where", ["kernel", "thread"])
def test_a_cell_of_a_kernel_is_refused_for_workers(where: Any) -> None:
    with pytest.raises(DefinitionError, match=OUT_OF_REACH):
        cell("1", name="c", where=where, executor="dask")
    with pytest.raises(DefinitionError, match=OUT_OF_REACH), pipeline("p", executor="celery"):
        cell("1", name="c", where=where)


def test_a_pipeline_s_executor_reaches_the_cells_in_what_is_in_it() -> None:
    with pipeline("inner", params={"x": 1}) as inner:
        cell("1", name="c")
    for write in (inner, inner.options(name="b"), lambda: inner.map(x=[1, 2])):
        with pytest.raises(DefinitionError, match=OUT_OF_REACH), pipeline("outer", executor="dask"):
            write()
    with pytest.raises(DefinitionError, match=OUT_OF_REACH), pipeline("outer", executor="dask"):
        cell("x", name="c").map(x=[1, 2])


def test_steps_given_one_by_one_are_refused_when_they_are_put_together() -> None:
    table = StepTable("p", executor="dask")
    with pipeline("q") as q:
        cell("1", name="c")
    table.add(q.work.steps[0])
    with pytest.raises(DefinitionError, match=OUT_OF_REACH):
        table.build()


def test_what_stays_in_a_pipeline_of_workers_is_not_refused() -> None:
    found: list[StepHandle] = []
    with pipeline("p", executor="dask") as p:
        found += [
            cell("1", name="process", where="process"),
            cell("1", name="home", executor="local"),
            wait_for(at("2026-01-01T00:00Z"), timeout="1h", name="until"),
            approve("Go on?", name="sure"),
        ]
    assert len(p.work.steps) == len(found)
