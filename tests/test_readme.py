"""README says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsched.core.states import TRANSITIONS, State

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def state_table() -> str:
    """The table of states as README shows it, one line per verb of a state, in the code's order."""
    return "\n".join(["| from | verb | to |", "|---|---|---|", *state_lines()])


def state_lines() -> Iterator[str]:
    for (state, verb), targets in TRANSITIONS.items():
        *others, last = [to.value for to in State if to in targets]
        to = f"{', '.join(others)} or {last}" if others else last
        yield f"| {state or '–'} | {verb} | {to} |"


def test_the_table_of_states_is_the_one_that_runs() -> None:
    assert state_table() in README, f"README needs this table of states:\n\n{state_table()}"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README))))
def test_what_the_readme_links_to_exists(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_binder_link_opens_a_notebook_that_exists() -> None:
    [opened] = set(re.findall(r"mybinder\.org/v2/[^)\s]*urlpath=lab/tree/([^)\s\"]+)", README))
    assert (ROOT / opened).is_file()


def test_the_house_has_every_room_of_the_package() -> None:
    house = README.split("## The house")[1].split("```")[1]
    rooms = {path.stem for path in (ROOT / "nbsched").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert {room for room in rooms if not room.startswith("_")} <= set(re.findall(r"\w+", house))
