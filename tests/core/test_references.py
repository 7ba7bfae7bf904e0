from __future__ import annotations

from typing import Any

import pytest

from nbsched.core import references
from nbsched.core.errors import DefinitionError
from nbsched.core.references import FACTS, Reference, event, references_in, referred, resolve, run_id


def test_there_is_a_reference_for_every_fact() -> None:
    assert [getattr(references, name) for name in FACTS] == [Reference("fact", (name,)) for name in FACTS]


def test_a_field_of_a_reference_is_a_reference() -> None:
    assert event["user"]["name"] == Reference("event", ("user", "name"))
    assert event["user"]["name"].written == "event['user']['name']"
    assert Reference("step", ("a", "b")).written == "a['b']"


@pytest.mark.parametrize("field", [0, None, slice(1)])
def test_a_field_is_named_by_text(field: Any) -> None:
    with pytest.raises(DefinitionError, match="give the name as text"):
        event[field]


def test_references_are_found_in_the_order_they_are_written() -> None:
    a, b, c = (Reference("step", (name,)) for name in "abc")
    assert list(references_in({"x": [a, 1, (b,)], "y": {"z": c}, "t": "text"})) == [a, b, c]


def test_resolving_replaces_references_and_keeps_the_rest() -> None:
    given = {"x": [run_id, (run_id, "text")], "y": {"z": 3}}
    assert resolve(given, lambda reference: reference.path[0]) == {
        "x": ["run_id", ("run_id", "text")],
        "y": {"z": 3},
    }


@pytest.mark.parametrize(("path", "expected"), [
    (("a", "x"), Reference("step", ("a", "x"))),
    (("day",), Reference("param", ("day",))),
    (("both", "x"), Reference("param", ("both", "x"))),
    (("steps", "both", "x"), Reference("step", ("both", "x"))),
    (("params", "both"), Reference("param", ("both",))),
    (("steps", "x"), Reference("step", ("steps", "x"))),
    (("steps", "a"), Reference("step", ("a",))),
    (("params", "x"), None),
    (("z",), None),
])  # fmt: skip
def test_a_path_means_a_parameter_before_a_step(path: tuple[str, ...], expected: Reference | None) -> None:
    assert referred(path, {"a", "both", "steps"}, {"day", "both"}) == expected
