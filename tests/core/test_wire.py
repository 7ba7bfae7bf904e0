from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.errors import ValueNotStorable
from nbsched.core.references import Reference
from nbsched.core.wire import decode, encode

KEYS = st.one_of(st.text(max_size=4), st.sampled_from(["$date", "$dict", "$ref", "$", "$float"]))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=6), st.dates(),
    st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(-999), timedelta(999)).map(
        lambda span: timedelta(seconds=int(span.total_seconds()))),
    st.builds(Reference, st.sampled_from(["step", "param", "fact", "event"]), st.lists(st.text(max_size=3)).map(tuple)),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3))
)


@given(VALUES)
def test_every_storable_value_comes_back_as_itself_through_json_text(value: Any) -> None:
    text = json.dumps(encode(value), allow_nan=False)
    assert decode(json.loads(text)) == value


def test_a_float_that_json_lacks_comes_back() -> None:
    assert math.isnan(decode(encode(math.nan)))
    assert decode(encode(-math.inf)) == -math.inf


def test_a_tuple_becomes_a_list_and_an_enum_its_value() -> None:
    class Colour(StrEnum):
        RED = "red"

    class Size(IntEnum):
        BIG = 3

    encoded = encode({"a": (1, Colour.RED), "b": Size.BIG})
    assert encoded == {"a": [1, "red"], "b": 3}
    assert [type(part) for part in encoded["a"]] == [int, str]
    assert type(encoded["b"]) is int


def test_a_zone_survives_as_its_offset() -> None:
    at = datetime.fromisoformat("2026-07-01T12:00:00+02:00")
    assert decode(encode(at)).utcoffset() == timedelta(hours=2)
    assert decode(encode(date(2026, 7, 1))) == date(2026, 7, 1)


@pytest.mark.parametrize(("value", "named"), [
    (object(), "value"), ({"a": [1, {2}]}, r"value\['a'\]\[1\]"), ({1: "x"}, r"value\[1\]"), (b"x", "value"),
])  # fmt: skip
def test_what_cannot_be_stored_is_named(value: Any, named: str) -> None:
    with pytest.raises(ValueNotStorable, match=named):
        encode(value)


def test_foreign_values_go_where_they_are_sent() -> None:
    encoded = encode({"a": {1}}, foreign=lambda value, name: {"$set": sorted(value), "name": name})
    assert encoded == {"a": {"$set": [1], "name": "value['a']"}}
    assert decode(encoded, foreign=lambda tagged: set(tagged["$set"])) == {"a": {1}}
