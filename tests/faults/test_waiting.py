"""What waits while its host is killed."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.real import until


def test_what_waits_outlives_its_host_with_its_first_deadline(
    host: Callable[..., Any], visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there, begun = tmp_path / "there", tmp_path / "there.begun"
    killed = host("1s")
    looked = visitor.run(
        nb.wait_for(works.until_there, params={"path": str(there)}, timeout="1h", rerun=False)
    )
    told = visitor.run(nb.wait_for(nb.on("data.available"), timeout="1h"))
    late = visitor.run(nb.wait_for(nb.on("never"), timeout="4s"))
    asked = visitor.run(nb.approve("Sure?"))
    until(lambda: begun.exists() and begun.read_text())  # a file is there before its first line
    killed.signal(signal.SIGKILL)
    killed.process.wait()
    visitor.publish("data.available", {"n": 1})
    visitor.resolve(asked, True)
    other = host("1s")
    until(lambda: begun.read_text().count("\n") == 2)
    there.touch()
    assert looked.wait(10).result == other.pid
    assert (looked.attempt, [one.outcome for one in looked.attempts]) == (1, ["succeeded"])
    assert (told.wait(10).result, asked.wait(10).result) == ({"n": 1}, True)
    late.wait(10)
    assert (late.state, late.reason) == ("failed", "timeout")
    assert late.started_at is not None
    assert late.ended_at is not None
    assert 4 <= (late.ended_at - late.started_at).total_seconds() < 7
    other.close()
