"""What takes long is not made all the time."""

from __future__ import annotations

import threading

import pytest

from nbsched.panel import paced
from nbsched.panel.paced import Paced, TooSoon


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(paced, "ticks", lambda: now[0])
    return now


def slow(clock: list[float], seconds: float) -> str:
    clock[0] += seconds
    return "made"


def test_what_takes_long_is_left_alone_for_many_times_as_long(clock: list[float]) -> None:
    made = Paced()
    assert made.make("graph", lambda: slow(clock, 0.05)) == "made"
    with pytest.raises(TooSoon) as soon:
        made.make("graph", lambda: slow(clock, 0.05))
    assert soon.value.seconds == pytest.approx(paced.REST * 0.05)
    clock[0] += soon.value.seconds
    assert made.make("graph", lambda: slow(clock, 0.05)) == "made"


def test_it_is_never_left_alone_for_long(clock: list[float]) -> None:
    made = Paced()
    made.make("graph", lambda: slow(clock, 60))
    clock[0] += paced.LONGEST_S
    assert made.make("graph", lambda: "again") == "again"


def test_what_is_quick_is_made_whenever_it_is_asked_for(clock: list[float]) -> None:
    made = Paced()
    assert [made.make("row", lambda: slow(clock, 0.001)) for _ in range(3)] == ["made"] * 3


def test_what_is_wanted_at_once_is_made_at_once_and_rests_then(clock: list[float]) -> None:
    made = Paced()
    made.make("graph", lambda: slow(clock, 0.05))
    assert made.make("graph", lambda: slow(clock, 0.05), at_once=True) == "made"
    with pytest.raises(TooSoon):
        made.make("graph", lambda: "never")


def test_one_thing_does_not_wait_for_another(clock: list[float]) -> None:
    made = Paced()
    made.make(1, lambda: slow(clock, 0.05))
    assert made.make(2, lambda: threading.active_count() > 0)
