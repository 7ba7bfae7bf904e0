from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from nbsched.core.errors import DefinitionError, ParameterError, ValueNotStorable
from nbsched.core.parameters import bind_params, declare
from nbsched.core.pipeline import pipeline
from nbsched.core.references import Reference, scheduled_date
from nbsched.core.wire import decode, encode

DECLARED = declare({"region": "EU", "limit": int})


def test_defaults_stand_and_given_values_take_their_place() -> None:
    assert bind_params(DECLARED, {"limit": 3}) == {"region": "EU", "limit": 3}
    assert bind_params(DECLARED, {"limit": 3, "region": "US"}) == {"region": "US", "limit": 3}


def test_the_declaration_is_plain_data() -> None:
    assert DECLARED == {"region": "EU", "limit": {"$type": "int"}}
    assert decode(encode(DECLARED)) == DECLARED


def test_a_required_parameter_must_be_given() -> None:
    with pytest.raises(ParameterError, match=r"'limit' \(int\) has no value"):
        bind_params(DECLARED, {})


def test_an_unknown_parameter_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ParameterError, match="no parameter 'limt': did you mean 'limit'"):
        bind_params(DECLARED, {"limt": 3})
    with pytest.raises(ParameterError, match="the pipeline declares none"):
        bind_params({}, {"limit": 3})


@pytest.mark.parametrize(("declared", "value"), [
    (int, 3), (int, -1), (float, 3), (float, 0.5), (0.5, 1), (str, "x"), (bool, True), (list, [1]), (dict, {"a": 1}),
    (None, "anything"), (None, 3), (date, date(2026, 1, 31)), (datetime, datetime(2026, 1, 31, tzinfo=UTC)),
    (int, scheduled_date), ("EU", Reference("event", ("region",))),
])  # fmt: skip
def test_a_value_of_the_declared_type_is_taken(declared: Any, value: Any) -> None:
    bound = bind_params(declare({"x": declared}), {"x": value})
    assert bound == {"x": value}
    assert type(bound["x"]) is type(value)


@pytest.mark.parametrize(("declared", "value"), [
    (int, "3"), (int, 3.0), (int, True), (3, None), (float, "0.5"), (float, True), (str, 3), (bool, 1), (False, 0),
    (list, "ab"), (dict, []), (date, datetime(2026, 1, 31, tzinfo=UTC)), (date, "yesterday"), (datetime, 5),
])  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(declared: Any, value: Any) -> None:
    with pytest.raises(ParameterError, match="parameter 'x' must be"):
        bind_params(declare({"x": declared}), {"x": value})


def test_dates_may_be_given_as_iso_text() -> None:
    declared = declare({"day": date, "at": datetime, "from_": date(2025, 1, 1)})
    bound = bind_params(
        declared, {"day": "2026-01-31", "at": "2026-01-31T02:00:00+00:00", "from_": "2026-02-01"}
    )
    assert bound["day"] == date(2026, 1, 31)
    assert bound["at"] == datetime(2026, 1, 31, 2, tzinfo=UTC)
    assert bound["from_"] == date(2026, 2, 1)


def test_a_default_may_be_a_fact_of_the_run() -> None:
    assert bind_params(declare({"day": scheduled_date})) == {"day": scheduled_date}


@pytest.mark.parametrize("params", [{"x": set}, {"x": object}, {"x y": 1}, {3: 1}, {"x": {"$type": "int"}}])
def test_what_cannot_be_declared_is_refused(params: Any) -> None:
    with pytest.raises(ParameterError):
        declare(params)


def test_a_default_that_cannot_be_stored_is_refused_by_name() -> None:
    with pytest.raises(ValueNotStorable, match="'x'"):
        declare({"x": object()})


def test_a_default_cannot_be_a_value_of_another_pipeline() -> None:
    one = pipeline("one", params={"a": 1})
    with pytest.raises(DefinitionError, match="pipeline 'one'"):
        pipeline("two", params={"b": one.params["a"]})
