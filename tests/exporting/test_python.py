"""A pipeline exported to Python is an equal one when its file is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbsched as nb
from nbsched.core.errors import DefinitionError, ParameterError
from nbsched.core.model import Cell, Pipeline, Shell, Step, Work
from nbsched.core.policy import RULES
from nbsched.core.references import Reference
from tests.exporting.anything import pipelines
from tests.exporting.conftest import as_json, exported

Read = Callable[[str], Any]


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_pipeline_comes_back_equal(folder: Path, read_again: Read, data: st.DataObject) -> None:
    pipeline = data.draw(pipelines(folder))
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_comes_back(read_again: Read, rule: str) -> None:
    with nb.pipeline("rules", retries=1) as pipeline:
        nb.shell("true") >> nb.shell("true", rule=rule)
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


def test_edges_that_a_value_implies_are_not_written_again() -> None:
    with nb.pipeline("edges") as pipeline:
        first, second = nb.shell("true", name="first"), nb.shell("true", name="second")
        third = nb.shell("true", env={"A": first}, name="third")
        second >> third
    assert [line.strip() for line in exported(pipeline, "python").splitlines() if ">>" in line] == [
        "second >> third"
    ]


def test_steps_written_out_of_order_keep_their_order_and_values(read_again: Read) -> None:
    late = Step(
        name="late",
        work=Shell(name="late", command="true", cwd="/", env={"A": Reference("step", ("early", "x"))}),
        needs=("early",),
    )
    early = Step(name="early", work=Shell(name="early", command="true", cwd="/"))
    pipeline = Pipeline(name="cells", steps=(late, early))
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


def test_given_parameters_are_the_defaults(read_again: Read) -> None:
    with nb.pipeline("given", params={"region": "EU", "limit": int}) as pipeline:
        nb.shell("true", env={"A": pipeline.params["region"]})
    assert as_json(read_again(exported(pipeline, "python", params={"limit": 3})).p)["declared"] == {
        "region": "EU",
        "limit": 3,
    }
    with pytest.raises(ParameterError, match="limit"):
        exported(pipeline, "python", params={"limit": "many"})
    with pytest.raises(ParameterError, match="nosuch"):
        exported(pipeline, "python", params={"nosuch": 1})


def test_the_schedule_is_written_and_what_it_cannot_say_is_noted(read_again: Read) -> None:
    with nb.pipeline("timed") as pipeline:
        nb.shell("true")
    text = exported(pipeline, "python", schedule="0 2 * * * tz Europe/Berlin")
    assert read_again(text).p.schedule == "0 2 * * * tz Europe/Berlin"
    assert text.notes == ()


def test_a_cell_of_a_notebook_is_equal_but_for_where_it_was_typed(read_again: Read) -> None:
    cell = Cell(name="one", source="1", cell_id="c", notebook="/n.ipynb")
    text = exported(Pipeline(name="typed", steps=(Step(name="one", work=cell),)), "python")
    assert as_json(read_again(text).p)["steps"][0]["work"] == {"kind": "cell", "name": "one", "source": "1"}
    assert "kernel of the cell 'one'" in text.notes[0]


def test_a_pipeline_inside_is_a_block_of_its_own_and_the_outer_one_is_what_runs(read_again: Read) -> None:
    with nb.pipeline("inner", params={"n": 1}) as inner:
        nb.shell("true", env={"N": inner.params["n"]})
    with nb.pipeline("outer") as outer:
        inner.options(name="part", rule="all_done")(n=2)
        inner.options(name="each").map(n=[1, 2])
    text = exported(outer, "python")
    assert as_json(read_again(text).p) == as_json(outer)
    assert text.count("with nb.pipeline(") == 3


def test_a_branch_comes_back(read_again: Read) -> None:
    with nb.pipeline("forks", params={"n": 1}) as pipeline:
        found = nb.shell("echo 1", name="found")
        nb.branch(found, {"1": nb.shell("true", name="one"), "2": nb.shell("true", name="two")})
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


@dataclass(frozen=True, kw_only=True)
class Strange(Work):
    """A kind of work that the export does not know."""


def test_a_kind_of_step_that_has_no_source_is_refused_by_name() -> None:
    strange = Pipeline(name="outer", steps=(Step(name="odd", work=Strange(name="odd")),))
    with pytest.raises(DefinitionError, match="step 'odd' is a strange"):
        exported(strange, "python")
