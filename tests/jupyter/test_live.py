"""The output of a background run as one bundle."""

from __future__ import annotations

from nbsched.jupyter.live import LONGEST, Piece, add, bundled


def pieces(*told: dict[str, object]) -> list[Piece]:
    found: list[Piece] = []
    for data in told:
        add(found, data)
    return found


def test_printed_texts_grow_together_and_displays_stand_between_them() -> None:
    found = pieces(
        {"text": "a\n"}, {"text": "b\n"}, {"message": {"data": {"text/plain": "x"}}}, {"text": "c"}
    )
    assert found == ["a\nb\n", {"text/plain": "x"}, "c"]
    assert bundled("head", found)["text/plain"] == "head\na\nb\nx\nc"


def test_printed_text_is_never_markup_and_loses_its_colours() -> None:
    html = bundled("<i>head</i>", pieces({"text": "\x1b[31m<script>alert(1)</script>\x1b[0m"}))["text/html"]
    assert html == "<div>&lt;i&gt;head&lt;/i&gt;</div><pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>"


def test_an_image_is_shown_as_one() -> None:
    found = pieces({"message": {"data": {"image/png": "AAAA\nBBBB", "text/plain": "<Figure>"}}})
    assert '<img src="data:image/png;base64,AAAABBBB">' in bundled("head", found)["text/html"]


def test_a_flood_keeps_its_end() -> None:
    (kept,) = pieces({"text": "x" * LONGEST}, {"text": "end"})
    assert isinstance(kept, str)
    assert len(kept) == LONGEST
    assert kept.endswith("xend")


def test_other_events_are_no_output() -> None:
    assert pieces({"state": "running"}, {"message": {"state": "x"}}) == []
