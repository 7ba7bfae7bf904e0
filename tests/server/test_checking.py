"""What is refused of a request, each in one sentence that names the field, the reason and the remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.errors import UsageError
from nbsched.server.checking import LARGEST_BODY, read_body, read_path, read_query
from nbsched.server.table import ROUTES

BODIES = {(route.method, route.path): route.body for route in ROUTES}
QUERIES = {(route.method, route.path): route.query for route in ROUTES}
SCHEDULE, RUN = BODIES["POST", "/schedules"], BODIES["POST", "/runs"]
GOOD = {"path": "a.ipynb", "trigger": "@daily"}


def said(body: Any, schema: Any = SCHEDULE) -> str:
    given_ = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(UsageError) as refused:
        read_body(given_, schema)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_body_that_is_as_asked_is_read() -> None:
    body = {**GOOD, "retries": 3, "timeout": "1h", "limit": None, "backoff": {"wait": "10s"}, "tags": ["a"]}
    assert read_body(json.dumps(body).encode(), SCHEDULE) == body
    assert read_body(b"", BODIES["POST", "/prune"]) == {}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"retires": 1}, "no field 'retires': did you mean 'retries'"),
        ({"overlap": "skp"}, "no overlap 'skp': did you mean 'skip'?"),
        ({"retries": "3"}, "retries '3' is not a whole number: give that (how often a failed attempt is tried again)"),
        ({"path": ""}, "path is empty: give a notebook, or a Python file that defines a pipeline, from the server's "),
        ({"limit": 0}, "limit 0 is not a whole number or null of 1 or more: give that (at most this many runs)"),
        ({"limit": 2**40}, "limit 1099511627776 is not a whole number or null from 1 to 2147483647: give that "),
        ({"backoff": {"factr": 2}}, "no field 'backoff.factr': did you mean 'factor'?"),
        ({"tags": ["a", 1]}, "tags.1 1 is not text: give that"),
        ({"trigger": None}, "trigger None is not text: give that (when: '0 2 * * *', @daily, 'every 5m', 'on data."),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_is_named_with_the_remedy(more: Any, sentence: str) -> None:
    assert said({**GOOD, **more}).startswith(sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"path": "a.ipynb"}, "the field 'trigger' is missing: give when: '0 2 * * *', @daily, 'every 5m', 'on data."),
        ({"pth": "a.ipynb", "trigger": "@daily"}, "no field 'pth': did you mean 'path'?"),
        ([1], "the body [1] is not an object: give that"),
        (b"{", "the body is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"),
        (b'{"path": NaN}', "the body is not JSON (NaN is none of its numbers): give an object such as {}"),
        (b'{"path": "\\ud800"}', "the body holds half a character (a lone surrogate): give text in UTF-8"),
        (b"\xff\xfe\xfa", "the body holds half a character (a lone surrogate): give text in UTF-8"),
        (b"[" * 100_000, "the body is nested too deeply: give less, or the path of a file"),
        (b" " * LARGEST_BODY + b"{}", "the body has 2,000,002 bytes: give at most 2,000,000, or the path of a file"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_told_why(body: Any, sentence: str) -> None:
    assert said(body).startswith(sentence)


def test_where_nothing_is_to_be_given_nothing_may_be() -> None:
    assert said({"x": 1}, BODIES["POST", "/runs/{id}/cancel"]) == "no field 'x': nothing is to be given here"


def test_a_query_is_typed_and_what_the_front_end_adds_to_it_is_none_of_ours() -> None:
    query = {"limit": [b"5"], "state": [b"failed"], "token": [b"x"], "1700000000000": [b""]}
    assert read_query(query, QUERIES["GET", "/runs"]) == {"limit": 5, "state": "failed"}
    assert read_query({"cancel_running": [b"true"]}, QUERIES["DELETE", "/schedules/{name}"]) == {
        "cancel_running": True
    }


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limt": [b"5"]}, "no field 'limt': did you mean 'limit'?"),
        ({"limit": [b"-1"]}, "limit -1 is not a whole number from 0 to 10000: give that (at most so many)"),
        ({"limit": [b"1" * 5000]}, "limit '111111111111...1111111111111' is not a whole number from 0 to 10000: give"),
        ({"limit": [b"1", b"2"]}, "'limit' is given 2 times: give it once"),
        ({"name": [b"\xff"]}, "'name' is not in UTF-8: encode it so"),
        ({"state": [b"fail"]}, "no state 'fail': did you mean 'failed'?"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_told_why(query: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_query(query, QUERIES["GET", "/runs"])
    assert str(refused.value).startswith(sentence)


def test_a_part_of_a_path_is_typed_or_refused() -> None:
    assert read_path({"id": "7"}) == {"id": 7}
    with pytest.raises(UsageError, match=r"id 'seven' is not a whole number .*the run's number"):
        read_path({"id": "seven"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(SCHEDULE["properties"])) | st.text(), JSON))
def test_any_json_is_read_or_refused_in_one_sentence(body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    try:
        found = read_body(text, SCHEDULE)
    except UsageError:
        assert ": " in said(text)
    else:
        assert found == body
