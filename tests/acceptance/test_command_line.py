"""The command line as programs use it: keys, exit codes, stores."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PIPELINE = """
import time
import nbsched as nb

@nb.task
def one(x):
    return x

@nb.task
def fails():
    raise ValueError("broken")

with nb.pipeline("good", params={"n": 1}) as good:
    first = one.options(name="first")(x=good.params["n"])
    first >> nb.shell("echo $((1 + 1))", name="second")

with nb.pipeline("bad") as bad:
    fails()

with nb.pipeline("long"):
    nb.shell("echo begun; exec sleep 60", name="sleeps")
"""


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Runs a command; gives its exit code, its JSON or text, and its stderr."""
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    monkeypatch.setenv("NBSCHED_STORE", str(tmp_path / "store.db"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, Any, str]:
        from nbsched.cli import main

        code = main(words)
        said = capsys.readouterr()
        return code, json.loads(said.out) if "--json" in words and said.out else said.out, said.err

    return run


def test_what_programs_read_of_a_pipelines_run(cli: Callable[..., Any]) -> None:
    code, run, _ = cli("run", "pipeline.py", "--pipeline", "good", "-p", "n=4", "--key", "K", "--json")
    assert (code, run["state"], run["key"], run["params"]) == (0, "succeeded", "K", {"n": 4})
    assert list(run["steps"]) == ["first", "second"]
    assert (run["steps"]["first"]["result"], run["steps"]["first"]["params"]) == (4, {"x": 4})
    assert run["steps"]["second"]["result"] == "2"
    again = cli("run", "pipeline.py", "--pipeline", "good", "-p", "n=4", "--key", "K", "--json")[1]
    assert again["id"] == run["id"]
    code, shown, _ = cli("show", str(run["id"]), "--json")
    assert {"steps", "attempts", "events", *run} == set(shown)
    assert {"id", "name", "at", "seq", "data"} == set(shown["events"][0])
    (attempt,) = cli("show", str(run["steps"]["second"]["id"]), "--json")[1]["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "succeeded")
    assert [row["id"] for row in cli("runs", "--json")[1]] == [run["id"]]
    assert [row["step"] for row in cli("runs", "--parent", str(run["id"]), "--json")[1]] == [
        "second",
        "first",
    ]
    assert cli("logs", str(run["id"]))[1].split() == ["---", "second", "2"]


def test_exit_codes_tell_success_failure_and_usage(cli: Callable[..., Any]) -> None:
    assert cli("run", "pipeline.py", "--pipeline", "good")[0] == 0
    assert cli("run", "pipeline.py", "--pipeline", "bad")[0] == 1
    for words in (
        ["run"], ["run", "nowhere.ipynb"], ["run", "pipeline.py"], ["run", "pipeline.py", "--pipeline", "godo"],
        ["run", "pipeline.py", "--pipeline", "good", "-p", "m=1"], ["show", "99"], ["show", "x"], ["frob"], [],
        ["next", "61 * * * *"], ["pause", "nothing"], ["runs", "--state", "gone"], ["simulate", "2026-01-01"],
        ["run", "pipeline.py", "--pipeline", "good", "--executor", "moon"], ["backfill", "good"],
    ):  # fmt: skip
        code, out, err = cli(*words)
        assert (code, out, err.count("\n")) == (2, "", 1), (words, err)


@pytest.mark.parametrize("how", [signal.SIGINT, "cancel"])
def test_a_cancelled_run_exits_with_130(how: Any, cli: Callable[..., Any], tmp_path: Path) -> None:
    words = [sys.executable, "-u", "-m", "nbsched", "run", "pipeline.py", "--pipeline", "long"]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        follow = ["events", "-f", "--name", "run.started", "--after", "0", "--json"]
        events = [sys.executable, "-u", "-m", "nbsched", *follow]
        with subprocess.Popen(events, stdout=subprocess.PIPE, text=True) as follower:
            for line in follower.stdout or ():
                if json.loads(line)["data"]["step"] == "sleeps":
                    break
            follower.kill()
        if how == "cancel":
            assert cli("cancel", "1")[0] == 0
        else:
            os.kill(process.pid, how)
        process.communicate(timeout=20)
    assert process.returncode == 130
    (run,) = cli("runs", "--json")[1]
    assert run["state"] == "cancelled"


def test_a_store_is_named_before_or_after_the_verb_or_by_the_environment(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    cli("run", "pipeline.py", "--pipeline", "good")
    other = str(tmp_path / "other.db")
    assert len(cli("runs", "--json")[1]) == 1
    before, after = ["--json", "--store", other, "runs"], ["runs", "--json", f"--store={other}"]
    for words in (before, after):
        assert cli(*words)[:2] == (0, [])


def test_what_programs_read_of_a_schedule(cli: Callable[..., Any]) -> None:
    work = ("pipeline.py", "--pipeline", "good", "-p", "n=2")
    code, schedule, _ = cli("schedule", "0 2 * * * tz Europe/Berlin", *work, "--name", "nightly", "--json")
    assert code == 0
    assert set(schedule) == {"name", "trigger", "tz", "next_at", "paused", "overlap", "missed", "last_run"}
    assert (schedule["tz"], schedule["paused"], schedule["overlap"], schedule["missed"]) == (
        "Europe/Berlin", None, "skip", "latest"
    )  # fmt: skip
    assert cli("pause", "nightly", "--json")[1]["paused"] == "by user"
    assert cli("schedules", "--json")[1][0]["paused"] == "by user"
    assert cli("resume", "nightly", "--json")[1]["paused"] is None
    run = cli("trigger", "nightly", "--json")[1]
    assert (run["schedule"], run["params"], run["state"]) == ("nightly", {"n": 2}, "succeeded")
    assert cli("schedules", "--json")[1][0]["last_run"] == run["id"]
    assert cli("unschedule", "nightly")[0] == 0
    assert cli("schedules", "--json")[1] == []
    assert len(cli("runs", "--schedule", "nightly", "--json")[1]) == 1


def test_next_times_are_iso_text_in_the_zone(cli: Callable[..., Any]) -> None:
    code, times, _ = cli("next", "0 2 * * *", "--tz", "Asia/Kolkata", "-n", "3", "--json")
    assert code == 0
    assert len(times) == 3
    assert all(text.endswith("T02:00:00+05:30") for text in times)
