"""What can be waited for, and what answers."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import nbsched as nb
from nbsched.core.errors import ParameterError
from nbsched.core.model import Approval, Event, Wait
from nbsched.core.rawtext import RawText
from nbsched.core.waiting import TYPES, answer, described, first_instant, meets

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def asked(kind: Any) -> Approval:
    found: Approval = nb.approve("Well?", type=kind)
    return found


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (bool, "yes", True), (bool, "TRUE", True), (bool, "approve", True), (bool, "no", False), (bool, "0", False),
        (int, "5", 5), (float, "2", 2.0), (str, "5", "5"), (str, "true", "true"), (list, "[1, 2]", [1, 2]),
        (dict, '{"a": 1}', {"a": 1}), (date, "2026-01-31", date(2026, 1, 31)),
        (datetime, "2026-01-31T02:00:00+00:00", datetime(2026, 1, 31, 2, tzinfo=UTC)),
        (["EU", "US"], "US", "US"), ([1, 2], "2", 2), ("int", "7", 7),
    ],
)  # fmt: skip
def test_what_a_person_types_is_read_as_what_is_asked_for(kind: Any, text: str, value: Any) -> None:
    found = answer(asked(kind), RawText(text))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (bool, "yes", "asks for yes or no"), (bool, 1, "asks for yes or no"), (bool, RawText("maybe"), "yes or no"),
        (int, True, "of type int"), (int, "5", "of type int"), (int, RawText("five"), "not 'five'"),
        (str, 5, "of type str"), (float, "x", "of type float"), (list, RawText("{}"), "of type list"),
        (date, RawText("tomorrow"), "of type date"), (["EU", "US"], "XX", "one of 'EU', 'US', not 'XX'"),
        ([1, 2], True, "one of 1, 2, not True"), (["a"], None, "not None"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_with_what_is_asked_for(kind: Any, value: Any, words: str) -> None:
    with pytest.raises(ParameterError, match="'Well\\?' asks for") as error:
        answer(asked(kind), value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@given(kind=st.sampled_from(TYPES), text=st.text())
def test_whatever_is_typed_is_an_answer_of_its_type_or_refused(kind: str, text: str) -> None:
    types = {"date": date, "datetime": datetime, "bool": bool, "int": int, "float": (int, float), "str": str,
             "list": list, "dict": dict}  # fmt: skip
    with suppress(ParameterError):
        assert isinstance(answer(asked(kind), RawText(text)), types[kind])  # type: ignore[arg-type]


def event(name: str, key: str | None = None, /, **data: Any) -> Event:
    return Event(id="e1", name=name, at=NOW, seq=1, data=data, key=key)


@pytest.mark.parametrize(
    ("found", "met"),
    [
        (event("a.b", n=1), True), (event("a.b", n=2), False), (event("a.c", n=1), False),
        (event("a.b", "mine", n=1), True), (event("a.b", "other", n=1), False),
    ],
)  # fmt: skip
def test_a_sensor_sees_the_events_of_everybody_and_the_signals_of_its_run(found: Event, met: bool) -> None:
    work = nb.wait_for(nb.on("a.b", {"n": 1}), timeout="1h")
    assert meets(work, found, key="mine", scheduled_at="x") is met
    assert meets(work, found, key=None, scheduled_at="x") is (met and found.key is None)


def test_an_end_of_another_interval_is_not_that_of_the_same() -> None:
    work = nb.wait_for(nb.after("fetch"), timeout="1h", match="same_interval")
    ends = [event("run.succeeded", name="fetch", parent=None, scheduled_at=at) for at in ("one", "two")]
    assert [meets(work, end, key=None, scheduled_at="two") for end in ends] == [False, True]


@pytest.mark.parametrize(
    ("trigger", "hours"),
    [
        (nb.at(NOW + timedelta(hours=2)), 2), (nb.at(NOW - timedelta(hours=2)), 0), (nb.every("3h"), 3),
        (nb.any_of(nb.on("x"), nb.every("3h")), 3), (nb.any_of(nb.at(NOW), nb.every("3h")), 0), (nb.on("x"), None),
    ],
)  # fmt: skip
def test_the_first_instant_is_now_where_the_only_one_is_past(trigger: Any, hours: int | None) -> None:
    assert first_instant(trigger, NOW) == (None if hours is None else NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (Wait(name="w", trigger="after fetch"), "after fetch"), (Wait(name="w", files="/a/*"), "files /a/*"),
        (Wait(name="w", ref="/x/y.py:Ready.now"), "Ready.now()"), (Wait(name="w", ref="__main__:ready#2"), "ready()"),
        (Approval(name="a", message="Sure?"), "Sure?"),
    ],
)  # fmt: skip
def test_what_it_waits_for_is_told_in_a_few_words(work: Any, text: str) -> None:
    assert described(work) == text


def test_a_file_pattern_begins_in_the_folder_that_it_is_written_in() -> None:
    folder = __file__.rpartition("/")[0]
    assert nb.file("in/*.csv").pattern == f"{folder}/in/*.csv"
    assert nb.wait_for("file in/*.csv", timeout="1h").files == f"{folder}/in/*.csv"
    assert nb.file("/in/*.csv", settle=90) == nb.file("/in/*.csv", settle="1m30s")
