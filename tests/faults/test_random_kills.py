"""Random pipelines whose steps kill their host end as if nothing had happened, once another carries them on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from nbsched.engine.visiting import Visitor
from tests.engine.random_pipelines import OPTIONS, check, ends_of, nodes
from tests.engine.reference import Node, ends, whole

ROOT = Path(__file__).parents[2]
MOST_KILLS = 2


def play(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.random_host", str(folder)], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True, timeout=40, check=False,
    )  # fmt: skip


def deadly(found: Sequence[Node]) -> list[Node]:
    """As drawn, but that no more than so many kill: each takes a start of the program."""
    mortal = [node.name for node in found if node.moment][:MOST_KILLS]
    return [node if node.name in mortal else replace(node, moment=None) for node in found]


def survives(found: Sequence[Node], options: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), deadly(found)
        drawn = {"nodes": [asdict(node) for node in found], "options": {**options, "wait": "0s"}}
        (folder / "drawn.json").write_text(json.dumps(drawn))
        kills = 0
        while (done := play(folder)).returncode == -signal.SIGKILL:
            kills += 1
            assert kills <= MOST_KILLS
        assert done.returncode == 0, done.stderr
        expected = ends(found)
        with Visitor(folder / "store.db") as visitor:
            (run,) = visitor.runs()
            mortal = sum(node.moment is not None and expected[node.name].tries > 0 for node in found)
            assert min(mortal, 1) <= kills <= mortal  # one kill may end two of them
            assert ends_of(run) == expected
            assert (run.state, run.reason) == whole(found, expected, cancelled=False)
            check(run, found)


@settings(max_examples=4, deadline=None)
@given(found=nodes(7, ["dies"] * 5), options=OPTIONS)
def test_a_random_pipeline_that_kills_its_hosts_ends_as_if_nothing_had_happened(
    found: list[Node], options: dict[str, Any]
) -> None:
    survives(found, options)


@pytest.mark.slow
@pytest.mark.timeout(580)
@settings(max_examples=25, deadline=None)
@given(found=nodes(12, ["dies"] * 5), options=OPTIONS)
def test_many_random_pipelines_that_kill_their_hosts_end_as_if_nothing_had_happened(
    found: list[Node], options: dict[str, Any]
) -> None:
    survives(found, options)
