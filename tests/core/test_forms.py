"""What a form is told of a notebook's parameters."""

from __future__ import annotations

import json

from nbsched.core.declared import declared_parameters
from nbsched.core.forms import ParameterRow, parameter_row

CELL = """
from typing import Literal
region: Literal["EU", "US"] = "EU"  # where
limit = 10  # at most so many
share: float = 1
day: date = None
since = date(2026, 1, 31)
flags: list[str] = ["a"]
anything = None
both: int | str = 3
needed: int
"""


def rows() -> dict[str, ParameterRow]:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": CELL}
    found = declared_parameters({"cells": [cell], "metadata": {}})
    assert found is not None
    return {name: parameter_row(one) for name, one in found.items()}


def test_each_parameter_is_told_with_the_one_type_it_has() -> None:
    types = {name: row["type"] for name, row in rows().items()}
    assert types == {
        "region": "str", "limit": "int", "share": "float", "day": "date", "since": "date", "flags": "list",
        "anything": "any", "both": "int", "needed": "int",
    }  # fmt: skip


def test_a_parameter_is_told_with_its_default_its_comment_and_what_else_a_form_needs() -> None:
    found = rows()
    assert json.loads(json.dumps(found["region"])) == {
        "name": "region", "type": "str", "default": "EU", "required": False, "optional": False,
        "choices": ["EU", "US"], "help": "where",
    }  # fmt: skip
    assert found["limit"]["help"] == "at most so many"
    assert (found["needed"]["required"], found["needed"]["default"]) == (True, None)
    assert [name for name, row in found.items() if row["optional"]] == ["limit", "day", "since", "anything"]
