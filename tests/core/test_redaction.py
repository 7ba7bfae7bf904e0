"""A secret is taken out of texts however it is written, and wherever a stream is cut."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.redaction import MASK, Redaction

SECRET = "pa/ss 'wörd'+\"x\"\\n&<"
WRITTEN: list[Callable[[str], str]] = [
    str, repr, ascii, json.dumps, lambda s: json.dumps(s, ensure_ascii=False), quote, quote_plus,
    lambda s: quote(s, safe=""), lambda s: quote(s, safe="").lower(), html.escape,
    lambda s: html.escape(s, quote=False), lambda s: repr(s.encode()),
    lambda s: base64.b64encode(s.encode()).decode(), lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
]  # fmt: skip


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(
    "secret", [SECRET, "hunter2", "a b", "ключ", "line one\nline two", "sk-1234567890abcdef=="]
)
def test_a_secret_is_masked_however_it_is_written(written: Callable[[str], str], secret: str) -> None:
    clean = Redaction([secret]).text(f"before {written(secret)} after")
    assert clean.replace("b'", "'").replace('b"', '"') in (
        f"before {MASK} after", f"before '{MASK}' after", f'before "{MASK}" after'
    )  # fmt: skip


@pytest.mark.parametrize("user", ["", "a", "ab", "abc:"])
def test_a_secret_in_the_middle_of_base64_is_masked(user: str) -> None:
    encoded = base64.b64encode(f"{user}sk-1234567890:rest".encode()).decode()
    clean = Redaction(["sk-1234567890"]).text(encoded)
    assert MASK in clean
    assert b"34567" not in base64.b64decode(clean.replace(MASK, "") + "==", validate=False)


def test_values_are_redacted_with_their_keys_and_keep_their_kinds() -> None:
    value = {"token": "x", "list": ["a token", 3, None], "pair": ("token",), "n": 1.5}
    assert Redaction(["token"]).value(value) == {
        MASK: "x",
        "list": [f"a {MASK}", 3, None],
        "pair": (MASK,),
        "n": 1.5,
    }


def test_without_secrets_nothing_is_touched() -> None:
    value = {"a": ["b"]}
    assert Redaction([""]).value(value) is value
    assert not Redaction()


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    stream = Redaction(["abc", "abcdef"]).stream()
    assert stream.feed("xabc") + stream.feed("defy abc") + stream.end() == f"x{MASK}y {MASK}"


@given(
    st.lists(st.sampled_from(["tok", "token", "t", "to", "ken", "\n", "x", "kent", "oken"]), max_size=12),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_a_stream_cut_anywhere_is_redacted_as_if_it_were_whole(parts: list[str], cuts: list[int]) -> None:
    text, stream = "".join(parts), Redaction(["token", "kent"]).stream()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    told = "".join(map(stream.feed, pieces)) + stream.end()
    assert "token" not in told
    assert "kent" not in told
    if "tokent" not in text:
        assert told == Redaction(["token", "kent"]).text(text)


def test_the_outputs_of_a_cell_are_redacted_where_a_stream_was_cut() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "the to"},
        {"output_type": "stream", "name": "stderr", "text": "between"},
        {"output_type": "stream", "name": "stdout", "text": ["ken is", " here, to"]},
        {"output_type": "execute_result", "data": {"text/plain": "'token'"}, "metadata": {}},
    ]
    told = Redaction(["token"]).outputs(outputs)
    assert [output.get("text") for output in told] == ["the ", "between", f"{MASK} is here, to", None]
    assert told[3]["data"] == {"text/plain": f"'{MASK}'"}
