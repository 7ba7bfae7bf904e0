"""`nbsched serve --unit`: what it prints is a service that works."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.cli.unit import unit
from tests.real import until

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


def read(text: str) -> dict[str, list[str]]:
    """The settings of the unit, each with all it is given, as systemd reads them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value.replace("%%", "%"))
    return found


def words(value: str) -> list[str]:
    return [word.replace("$$", "$") for word in shlex.split(value)]


@given(st.lists(TEXT, min_size=1), TEXT)
def test_every_word_and_variable_is_read_back_as_it_was(command: list[str], path: str) -> None:
    found = read(unit(command, "/home/ada", {"PATH": path, "SECRET": "s3cret"}))
    assert words(found["ExecStart"][0]) == command
    assert [shlex.split(one) for one in found["Environment"]] == [[f"PATH={path}"]]


@pytest.fixture
def service(nbsched: Any) -> Iterator[Any]:
    """Starts what the unit says, as systemd does: in its folder, with its environment only."""
    started: list[subprocess.Popen[str]] = []

    def start(found: Mapping[str, list[str]]) -> subprocess.Popen[str]:
        own = dict(shlex.split(one)[0].split("=", 1) for one in found["Environment"])
        home = {
            name: os.environ[name]
            for name in ("HOME", "JUPYTER_DATA_DIR", "IPYTHONDIR")
            if name in os.environ
        }
        started.append(
            subprocess.Popen(
                words(found["ExecStart"][0]), cwd=found["WorkingDirectory"][0], env=own | home, text=True,
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_service_runs_stops_on_sigterm_and_carries_on_when_started_again(
    nbsched: Any, service: Any
) -> None:
    said = nbsched("serve", "--unit", "--slots", "3", "--resource", "gpu=1", "--lease", "2s")
    assert (said.code, said.err) == (0, "")
    found = read(said.out)
    assert found["Restart"] == ["on-failure"]
    first = service(found)
    assert "nbsched serves" in first.stderr.readline()
    nbsched.here(
        "schedule", "every 300ms", str(nbsched.file("tick.py", TICKS)), "--name", "ticks", "--missed", "all"
    )
    runs = lambda: nbsched.here("runs", "--schedule", "ticks", "--limit", "1000", "--json").json  # noqa: E731
    until(lambda: sum(run["state"] == "succeeded" for run in runs()) >= 2)
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0
    assert {run["state"] for run in runs()} <= {"succeeded", "queued", "pending"}
    before = len(runs())
    second = service(found)
    until(lambda: sum(run["state"] == "succeeded" for run in runs()) >= before + 2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
    assert len({run["scheduled_at"] for run in runs()}) == len(runs())


TICKS = """
import nbsched as nb

with nb.pipeline("ticks") as p:
    nb.shell("true", name="tick")
"""


def test_nothing_is_started_or_written_for_it(nbsched: Any) -> None:
    said = nbsched.here("serve", "--unit")
    assert str(nbsched.store) in said.out
    assert not nbsched.store.exists()
    assert list(Path(nbsched.folder).iterdir()) == []
