"""What the forms decide, without a page: as Node says, and as Python reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nbsched.core.triggers import parse_trigger
from nbsched.lines import expand, words
from tests.ui.node import run_node

HERE = Path(__file__).parent
FORM = HERE.parents[1] / "nbsched" / "panel" / "view" / "form"


def _answers(module: str, expression: str, given: Any) -> Any:
    """The expression's value for each of the given ones, called `one`; `m` is the module."""
    script = (
        f"import * as m from {json.dumps((FORM / module).as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        f"console.log(JSON.stringify(JSON.parse(text).map(one => {expression})))"
    )
    return json.loads(run_node("--input-type=module", "--eval", script, given=json.dumps(given)))


def test_the_forms_decide_as_they_should() -> None:
    run_node("--test", str(HERE / "form_logic.test.mjs"))


TRIGGERS = [
    "15 * * * *", "30 2 * * *", "0 7 * * 1-5", "5 18 * * 0,3,5", "0 4 31 * *", "0 4 L * *", "every 15m",
    "every 2w from 2026-01-01T00:00+00:00", "at 2026-12-01T09:00+01:00", "on data.available",
    'on data.* where {"n": 1, "region": "EU"}', "after fetch", 'after "my fetch" failed within 2h',
    "0 2 * * * tz Asia/Tokyo dst skip", "any(0 2 * * *; on data.available)", "at 2026-10-25T02:30+01:00",
]  # fmt: skip


def test_what_the_builder_makes_of_a_trigger_means_the_same_to_python() -> None:
    read = "(found => m.triggerText(found.when, found.zone).text + ' | ' + found.zone)(m.whenOf(one, 'Europe/Berlin'))"
    for trigger, written in zip(TRIGGERS, _answers("trigger.js", read, TRIGGERS), strict=True):
        text, _, zone = written.partition(" | ")
        assert parse_trigger(text, tz=zone) == parse_trigger(trigger, tz="Europe/Berlin")


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]
)
def test_a_wall_clock_means_the_same_instant_to_python(zone: str) -> None:
    walls = [datetime(2026, 1, 1) + timedelta(minutes=30 * n) for n in range(0, 48 * 365, 7)]
    walls += [
        datetime(2026, month, 25) + timedelta(minutes=15 * n) for month in (3, 10) for n in range(96 * 7)
    ]
    texts = [wall.isoformat(timespec="minutes") for wall in walls]
    found = _answers("zoned.js", f"m.instantOf(one, {json.dumps(zone)})", texts)
    for wall, answer in zip(walls, found, strict=True):
        meant = wall.replace(tzinfo=ZoneInfo(zone))
        exists = meant.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall
        assert ("iso" in answer) == exists, (wall, answer)
        if exists:
            assert datetime.fromisoformat(answer["iso"]) == meant.astimezone(UTC)


HOSTILE = [
    "plain",
    "two words",
    "it's",
    '"both" it\'s',
    "$HOME",
    "{x}",
    '{"k": 1}',
    "a\\b",
    "é",
    "--name",
    "#",
    "{{x}}",
    "$$",
]


def test_a_cells_line_is_read_by_the_magic_as_it_was_meant() -> None:
    made = _answers(
        "magic.js", "m.scheduleLine('on x where {\"k\": 1}', 'UTC', {name: one, retries: 2})", HOSTILE
    )
    for name, line in zip(HOSTILE, made, strict=True):
        magic, *rest = [expand(word, {"x": "expanded", "HOME": "expanded"}) for word in words(line)]
        assert [magic, *rest] == ["%%schedule", 'on x where {"k": 1}', "--name", name, "--retries", "2"], line
