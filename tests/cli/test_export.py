"""`nbsched export`: of a file, of a schedule, of what was run last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nbsched.core.definitions import work_to_json
from nbsched.core.model import Pipeline
from nbsched.executors.lookup import load_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

DEMO = """
import nbsched as nb

@nb.task(retries=1)
def prepare(n):
    return {"rows": n * 2}

with nb.pipeline("demo", params={"n": 5}, retries=2, timeout="1h") as p:
    data = prepare(p.params["n"])
    tell = nb.shell("echo told", name="tell", cwd=".", env={"ROWS": data["rows"]}, setup=True)
    last = nb.shell("true", name="last", cwd=".", rule="all_done", teardown=True, when=data["rows"] > 1)
    tell >> last
"""


@pytest.fixture
def demo(nbsched: CommandLine) -> CommandLine:
    nbsched.file("demo.py", DEMO)
    return nbsched


def work(file: Path) -> Pipeline:
    found = load_file(file).p.work
    assert isinstance(found, Pipeline)
    return found


def ordered(pipeline: Pipeline) -> dict[str, Any]:
    """As JSON; a run knows its needs, not the order in which they were written."""
    found = work_to_json(pipeline)
    return {**found, "steps": [{**step, "needs": sorted(step.get("needs", ()))} for step in found["steps"]]}


def test_a_files_pipeline_is_written_to_a_file_that_defines_an_equal_one(demo: CommandLine) -> None:
    said = demo("export", "demo.py", "--to", "python", "--file", "again.py")
    assert said.code == 0, said.err
    assert said.out == "demo.py: written to again.py for python\n"
    assert work(demo.folder / "again.py") == work(demo.folder / "demo.py")
    assert demo("run", "again.py").code == 0


def test_what_was_run_last_is_exported_by_its_name(demo: CommandLine) -> None:
    assert demo.here("run", "demo.py", "-p", "n=7").code == 0
    said = demo.here("export", "demo", "--to", "python")
    assert said.code == 0, said.err
    found = work(demo.file("last.py", said.out))
    assert ordered(found) == {**ordered(work(demo.folder / "demo.py")), "declared": {"n": 7}}


def test_a_schedule_is_exported_with_its_trigger_and_parameters(demo: CommandLine) -> None:
    demo.here(
        "schedule", "0 2 * * * tz UTC", "demo.py", "--name", "nightly", "-p", "n=9", "--overlap", "queue_all"
    )
    python = demo.here("export", "nightly", "--to", "python")
    assert "schedule='0 2 * * * tz UTC'" in python.out
    assert "params={'n': 9}" in python.out
    assert "not exported: the schedule's overlap queue_all" in python.err
    cron = demo.here("export", "nightly", "--to", "cron", "--path", "demo.py")
    assert f"run {demo.folder}/demo.py --pipeline demo -p n=9 " in cron.out


def test_in_json_there_are_the_text_and_the_notes(demo: CommandLine) -> None:
    said = demo.here("export", "demo.py", "--to", "github", "--schedule", "@daily", "--json")
    assert said.json["text"].startswith("# The pipeline 'demo'")
    assert any("overlap" in note for note in said.json["notes"])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("nosuch", "--to", "python"), "no schedule or run 'nosuch'"),
        (("demo.py", "--to", "jenkins"), "invalid choice: 'jenkins'"),
        (("demo.py",), "--to"),
        (("demo.py", "--to", "cron"), "has no schedule"),
        (("demo.py", "--to", "cron", "--schedule", "every 90s"), "no word for the trigger"),
        (("demo.py", "--to", "python", "-p", "m=1"), "no parameter 'm'"),
        (("demo.py", "--to", "python", "--pipeline", "other"), "no pipeline 'other'"),
        (("demo", "--to", "python", "--pipeline", "demo"), "--pipeline chooses in a file"),
        (("demo.py", "--to", "python", "--file", "no/such/folder.py"), "cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(demo: CommandLine, words: tuple[str, ...], part: str) -> None:
    said = demo.here("export", *words)
    assert said.code == 2
    assert part in said.sentence
