"""What cells show, as text, as HTML and as what it is compared by."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.outputs import LONGEST, comparable, merged, output_html, output_text, written_over


def printed(text: Any, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def displayed(**data: Any) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "data": {kind.replace("_", "/"): value for kind, value in data.items()},
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("10%\r50%\r100%\n", "100%\n"),
        ("longer\rshort\n", "shortr\n"),
        ("line\r\nnext", "line\nnext"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("", ""),
    ],
)
def test_what_is_written_over_is_not_seen(said: str, left: str) -> None:
    assert written_over(said) == left


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(max_size=3)), max_size=8))
def test_a_text_printed_in_pieces_is_one_and_nothing_is_lost(pieces: list[tuple[str, str]]) -> None:
    outputs = [printed(text, name) for name, text in pieces]
    found = merged(outputs)
    assert "".join(map(output_text, found)) == "".join(map(output_text, outputs))
    assert all(one["name"] != other["name"] for one, other in pairwise(found))


def test_printed_text_errors_and_plain_results_are_never_markup() -> None:
    bad = "<script>alert(1)</script>"
    error = {"output_type": "error", "ename": bad, "evalue": bad, "traceback": [bad]}
    for output in (printed(bad), error, displayed(text_plain=bad), displayed(image_png=f'"><{bad}')):
        assert "<script" not in output_html(output)


def test_what_was_meant_as_html_is_html_and_an_image_is_one() -> None:
    assert output_html(displayed(text_html=["<b>", "x</b>"], text_plain="x")) == "<div><b>x</b></div>"
    assert output_html(displayed(image_png="AA\nBB\n")) == '<img src="data:image/png;base64,AABB">'


def test_a_flood_says_what_it_leaves_out() -> None:
    found = output_html(printed("x" * LONGEST + "end"))
    assert found.startswith("<pre>… 3 characters before\nx")
    assert found.endswith("end</pre>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (printed("<f at 0x7f00aa00>"), printed("<f at 0x7f11bb11>")),
        (printed(["a\n", "b"]), printed("a\nb")),
        (
            displayed(text_html="<style>#T_1a2b3 {}</style>"),
            displayed(text_html="<style>#T_9f8e7 {}</style>"),
        ),
        (displayed(image_png="AA\nBB"), displayed(image_png="AABB\n")),
        (
            {**displayed(text_plain="1"), "execution_count": 3},
            {**displayed(text_plain="1"), "execution_count": 9},
        ),
        (
            {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["Cell In[3], line 1"]},
            {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["Cell In[5], line 1"]},
        ),
    ],
)
def test_ids_and_numbers_of_executions_make_no_difference(one: Any, other: Any) -> None:
    assert comparable([one]) == comparable([other])


def test_everything_else_makes_a_difference() -> None:
    assert comparable([printed("1")]) != comparable([printed("2")])
    assert comparable([printed("1")]) != comparable([printed("1", "stderr")])
    assert comparable([displayed(image_png="AA")]) != comparable([displayed(image_png="AB")])
    assert comparable([printed("1")]) != comparable([])
