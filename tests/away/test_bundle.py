from __future__ import annotations

import json

from nbsched.away.bundle import Bundle


def parcel(id: str) -> bytes:
    return json.dumps({"id": id}).encode() + b"\n..."


def test_parcels_are_carried_out_in_their_order_and_their_messages_told_once() -> None:
    bundle = Bundle([parcel("a"), parcel("b")])
    assert bundle.next() == parcel("a")
    bundle.ended(["a ended"])
    assert bundle.next() == parcel("b")
    bundle.ended(["b ended"])
    assert bundle.next() is None
    assert bundle.messages() == ["a ended", "b ended"]
    assert bundle.messages() == []


def test_what_has_not_begun_goes_back_when_it_is_broken_up() -> None:
    bundle = Bundle([parcel("a"), parcel("b"), parcel("c")])
    bundle.next()
    bundle.ended(["a ended"])
    bundle.next()
    ended, *back = bundle.break_up()
    assert ended == "a ended"
    assert [json.loads(text) for text in back] == [{"t": "back", "id": "c"}]
    assert bundle.next() is None
    bundle.ended(["b ended"])
    assert bundle.messages() == ["b ended"]
