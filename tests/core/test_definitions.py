from __future__ import annotations

import json
from datetime import date

import pytest

from nbsched.core.definitions import work_from_json, work_to_json
from nbsched.core.errors import ValueNotStorable
from nbsched.core.model import Approval, Cell, Function, Notebook, Pipeline, Shell, Step, Wait, Work
from nbsched.core.references import Reference

CELL = Cell(name="c", source="1", where="thread", cell_id="x", notebook="n")
FUNCTION = Function(
    name="f", ref="m:f", args=(1, Reference("step", ("a",))), params={"day": date(2026, 1, 31)}
)
NOTEBOOK = Notebook(
    name="n", path="/n.ipynb", params={"$odd": [1, 2]}, policy={"retries": 3, "timeout": "1m"}
)
SHELL = Shell(name="s", command="true", env={"A": Reference("fact", ("run_id",))}, cwd="/")
WAITS = (
    Wait(name="e", trigger="after fetch", match="latest", policy={"timeout": "1h"}),
    Wait(name="f", files="/in/*.csv", settle="5s", poke="1m"),
    Wait(name="r", ref="m:ready", params={"name": Reference("step", ("a",))}),
)
APPROVAL = Approval(name="a", message="Where?", type="choice", choices=("EU", 1, 2.5))
PIPELINE = Pipeline(
    name="p", declared={"limit": {"$type": "int"}}, max_parallel=2,
    steps=(Step(name="a", work=CELL), Step(name="b", work=FUNCTION, needs=("a",), when="a.x > 1", teardown=True),
           Step(name="c", work=Pipeline(name="c", steps=(Step(name="d", work=SHELL),)))),
)  # fmt: skip


@pytest.mark.parametrize("work", [CELL, FUNCTION, NOTEBOOK, SHELL, *WAITS, APPROVAL, PIPELINE])
def test_work_comes_back_as_itself_through_json_text(work: Work) -> None:
    assert work_from_json(json.loads(json.dumps(work_to_json(work)))) == work


def test_what_is_at_its_default_is_left_out() -> None:
    assert work_to_json(Shell(name="s", command="true")) == {"kind": "shell", "name": "s", "command": "true"}


def test_an_argument_that_cannot_be_stored_is_named() -> None:
    with pytest.raises(ValueNotStorable, match=r"params\['x'\]"):
        work_to_json(Function(name="f", ref="m:f", params={"x": object()}))
