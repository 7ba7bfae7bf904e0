"""JSON Schema of answers, read off their types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from nbsched.server.schemas import schema_of


class Leaf(TypedDict):
    """A leaf.

    And more.
    """

    at: datetime
    tone: Literal["ok", "bad"]


class Tree(Leaf, total=False):
    """A tree."""

    leaves: list[Tree]
    pair: tuple[int, str | None]


class Signed(TypedDict):
    by: NotRequired[Mapping[str, float]]
    what: Any


def test_a_row_is_an_object_of_its_fields_and_no_others() -> None:
    named: dict[str, Any] = {}
    assert schema_of(list[Leaf], named) == {"type": "array", "items": {"$ref": "#/components/schemas/Leaf"}}
    assert named == {"Leaf": {
        "type": "object", "description": "A leaf.", "additionalProperties": False, "required": ["at", "tone"],
        "properties": {"at": {"type": "string", "format": "date-time"}, "tone": {"enum": ["ok", "bad"]}},
    }}  # fmt: skip


def test_a_row_may_hold_itself_have_what_its_base_has_and_leave_fields_out() -> None:
    named: dict[str, Any] = {}
    schema_of(Tree, named)
    assert named["Tree"]["required"] == ["at", "tone"]
    assert named["Tree"]["properties"]["leaves"]["items"] == {"$ref": "#/components/schemas/Tree"}
    assert named["Tree"]["properties"]["pair"] == {
        "type": "array", "prefixItems": [{"type": "integer"}, {"type": ["string", "null"]}], "minItems": 2,
        "maxItems": 2,
    }  # fmt: skip
    schema_of(Signed, named)
    assert named["Signed"]["required"] == ["what"]
    assert named["Signed"]["properties"]["by"]["additionalProperties"] == {"type": "number"}


def test_one_of_several_types_is_said_shortly_where_they_are_plain() -> None:
    assert schema_of(int | None, {}) == {"type": ["integer", "null"]}
    assert schema_of(dict[str, int] | None, {})["anyOf"][1] == {"type": "null"}


def test_a_type_without_a_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="has no JSON Schema here"):
        schema_of(complex, {})
