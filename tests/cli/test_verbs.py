"""What the command line asks and tells of runs, schedules and events."""

from __future__ import annotations

import json
import signal
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

ONE = "import nbsched as nb\nwith nb.pipeline('one') as p:\n    nb.shell('echo told', name='tell')\n"
RUN_KEYS = {
    "id", "name", "schedule", "state", "reason", "attempt", "scheduled_at", "until", "count", "started_at", "ended_at",
    "pipeline", "step", "index", "parent", "params", "result", "values", "error", "output", "key",
}  # fmt: skip
SCHEDULE_KEYS = {"name", "trigger", "tz", "next_at", "paused", "overlap", "missed", "last_run"}


@pytest.fixture
def one(nbsched: CommandLine) -> CommandLine:
    nbsched.file("one.py", ONE)
    return nbsched


def test_a_new_store_has_no_runs_and_json_is_an_empty_array(nbsched: CommandLine) -> None:
    assert nbsched.here("runs", "--json").json == []
    assert nbsched.here("schedules", "--json").json == []
    assert nbsched.here("runs").out == "no runs yet\n"


def test_the_common_options_may_stand_before_the_command(nbsched: CommandLine) -> None:
    other = str(nbsched.folder / "other.db")
    assert nbsched.here("--store", other, "--json", "runs").json == []
    assert (nbsched.folder / "other.db").is_file()
    assert not nbsched.store.exists()


def test_a_run_has_the_promised_keys_and_times_have_an_offset(one: CommandLine) -> None:
    one.here("run", "one.py")
    (found,) = one.here("runs", "--json", "--state", "succeeded", "--name", "one", "--limit", "1").json
    assert set(found) >= RUN_KEYS
    assert datetime.fromisoformat(found["ended_at"]).tzinfo is not None
    assert one.here("runs", "--json", "--state", "failed").json == []
    (step,) = one.here("runs", "--json", "--parent", str(found["id"])).json
    assert (step["name"], step["step"], step["parent"]) == ("tell", "tell", found["id"])


def test_a_run_is_shown_with_steps_attempts_and_events(one: CommandLine) -> None:
    run = one.here("run", "one.py", "--json").json
    shown = one.here("show", str(run["steps"]["tell"]["id"]), "--json").json
    assert set(shown) >= RUN_KEYS | {"steps", "attempts", "cells", "events"}
    assert [attempt["number"] for attempt in shown["attempts"]] == [1]
    assert [event["name"] for event in shown["events"]][-1] == "run.succeeded"
    assert "✓" in one.here("show", str(run["id"])).out


def test_logs_are_what_was_printed(one: CommandLine) -> None:
    run = one.here("run", "one.py", "--json").json
    assert one.here("logs", str(run["id"])).out == "--- tell\ntold\n"
    assert one.here("logs", str(run["id"]), "-f").out == "--- tell\ntold\n"
    assert one.here("logs", str(run["id"]), "--json").json["steps"] == {"tell": "told\n"}


def test_logs_follow_a_run_until_it_has_ended(nbsched: CommandLine) -> None:
    wait = "echo first; until [ -e go ]; do sleep 0.05; done; echo last"
    nbsched.file(
        "slow.py", f"import nbsched as nb\nwith nb.pipeline('slow'):\n    nb.shell({wait!r}, name='s')\n"
    )
    with nbsched.start("run", "slow.py") as process:
        assert process.stderr
        next(line for line in process.stderr if "s  running" in line)
        with nbsched.start("logs", "1", "-f") as logs:
            assert logs.stdout
            assert [logs.stdout.readline() for _ in range(2)] == ["--- s\n", "first\n"]
            nbsched.file("go", "")
            assert "last\n" in logs.communicate(timeout=20)[0]
        process.communicate(timeout=20)
    assert (process.returncode, logs.returncode) == (0, 0)


def test_a_schedule_is_registered_shown_paused_resumed_and_removed(one: CommandLine) -> None:
    said = one.here(
        "schedule", "0 2 * * * tz Europe/Berlin", "one.py", "--name", "nightly", "--overlap", "queue_one"
    )
    assert said.code == 0
    assert said.out.startswith("nightly: scheduled, 0 2 * * * tz Europe/Berlin; next ")
    assert said.out.count(" 02:00:00 +0") == 3
    assert "nbsched serve" in said.err
    (found,) = one.here("schedules", "--json").json
    assert set(found) == SCHEDULE_KEYS
    assert (found["name"], found["tz"], found["overlap"], found["paused"]) == (
        "nightly",
        "Europe/Berlin",
        "queue_one",
        None,
    )
    assert one.here("pause", "nightly", "--json").json["paused"] == "by user"
    assert "paused (by user)" in one.here("schedules").out
    assert one.here("resume", "nightly", "--json").json["paused"] is None
    assert one.here("unschedule", "nightly").code == 0
    assert one.here("schedules", "--json").json == []


def test_the_same_schedule_again_keeps_its_next_time(one: CommandLine) -> None:
    first, second = (one.here("schedule", "every 1h", "one.py", "--json").json for _ in range(2))
    assert first == second


def test_a_schedule_is_triggered_by_hand_and_waited_for(one: CommandLine) -> None:
    one.here("schedule", "@yearly", "one.py")
    found = one.here("trigger", "one", "--json").json
    assert (found["state"], found["schedule"]) == ("succeeded", "one")


def test_a_span_is_simulated(one: CommandLine) -> None:
    one.here("schedule", "30 2 * * * tz Europe/Berlin", "one.py")
    asked = (
        ("2027-03-28T00:00Z", "2027-03-30T00:00Z"), ("--from", "2027-03-28T00:00Z", "--to", "2027-03-30T00:00Z"),
        ("--from", "2027-03-28T00:00Z", "--for", "2d"),
    )  # fmt: skip
    for words in asked:
        found = one.here("simulate", *words, "--json").json
        assert [(row["at"], row["schedule"], row["verdict"]) for row in found] == [
            ("2027-03-28T03:00:00+02:00", "one", "run"), ("2027-03-29T02:30:00+02:00", "one", "run"),
        ]  # fmt: skip
    assert "02:30 does not exist that day: it fires at 03:00" in one.here("simulate", *asked[0]).out
    assert len(one.here("simulate", "--json").json) == 1
    assert one.here("runs", "--json").json == []


def test_a_backfill_runs_the_past_instants_and_waits_for_them(one: CommandLine) -> None:
    one.here("schedule", "0 2 * * * tz UTC", "one.py", "--name", "nightly")
    span = ("backfill", "nightly", "--from", "2026-01-01", "--to", "2026-01-04")
    instants = [f"2026-01-0{day}T02:00:00+00:00" for day in (1, 2, 3)]
    assert one.here(*span, "--dry-run", "--json").json == instants
    assert one.here("runs", "--json").json == []
    said = one.here(*span, "--max-parallel", "2")
    assert said.code == 0
    assert said.out.startswith("nightly: 3 instants, 3 succeeded\ninstant ")
    again = one.here(*span, "--json").json
    assert [(run["scheduled_at"], run["state"]) for run in again] == [(at, "succeeded") for at in instants]
    assert one.here(*span, "--dry-run").out == "nothing to run\n"


def test_a_backfill_that_failed_is_run_again_when_asked(nbsched: CommandLine) -> None:
    nbsched.file(
        "flaky.py", "import nbsched as nb\nwith nb.pipeline('flaky'):\n    nb.shell('[ -e go ]', name='s')\n"
    )
    nbsched.here("schedule", "0 2 * * * tz UTC", "flaky.py")
    span = ("backfill", "flaky", "--from", "2026-01-01T00:00Z", "--to", "2026-01-02")
    assert nbsched.here(*span).code == 1
    nbsched.file("go", "")
    assert nbsched.here(*span).code == 1
    assert nbsched.here(*span, "--rerun-failed").code == 0


def test_a_stopped_backfill_is_carried_on_by_the_same_command(nbsched: CommandLine) -> None:
    nbsched.file(
        "slow.py",
        "import nbsched as nb\nwith nb.pipeline('slow'):\n    nb.shell('[ -e go ] || sleep 60', name='s')\n",
    )
    nbsched.here("schedule", "0 2 * * * tz UTC", "slow.py")
    span = ("backfill", "slow", "--from", "2026-01-01", "--to", "2026-01-04", "--json")
    with nbsched.start(*span) as process:
        assert process.stderr
        next(line for line in process.stderr if " started" in line)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "carries it on" in err
    assert len(json.loads(out)) == 3
    nbsched.file("go", "")
    assert [run["state"] for run in nbsched.here(*span).json] == ["succeeded"] * 3
    assert len(nbsched.here("runs", "--json").json) == 3


def test_a_failed_run_is_retried(nbsched: CommandLine) -> None:
    nbsched.file(
        "flaky.py", "import nbsched as nb\nwith nb.pipeline('flaky'):\n    nb.shell('[ -e go ]', name='s')\n"
    )
    assert nbsched.here("run", "flaky.py").code == 1
    nbsched.file("go", "")
    found = nbsched.here("retry", "1", "--json").json
    assert (found["state"], found["retry_of"]) == ("succeeded", 1)


def test_a_run_of_another_process_is_cancelled(nbsched: CommandLine) -> None:
    nbsched.file(
        "slow.py", "import nbsched as nb\nwith nb.pipeline('slow'):\n    nb.shell('sleep 60', name='s')\n"
    )
    with nbsched.start("run", "slow.py") as process:
        assert process.stderr
        next(line for line in process.stderr if "s  running" in line)
        assert nbsched.here("cancel", "1").code == 0
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_a_signal_and_an_answer_from_another_terminal_let_a_run_go_on(nbsched: CommandLine) -> None:
    nbsched.file(
        "ask.py",
        "import nbsched as nb\nwith nb.pipeline('ask'):\n"
        "    nb.wait_for('on go', timeout='1h', name='go') >> nb.approve('How many?', type=int, name='many')\n",
    )
    with nbsched.start("run", "ask.py", "--key", "k1") as process:
        assert process.stderr
        next(line for line in process.stderr if line.endswith("go  pending  waits for on go\n"))
        assert nbsched.here("resolve", "1", "two").sentence.endswith("not 'two': answer with one")
        assert nbsched.here("publish", "go", '{"n": 1}', "--key", "k1").out == "go: published\n"
        assert nbsched.here("resolve", "1", "2").out.startswith("run ")
        process.communicate(timeout=20)
    assert process.returncode == 0
    steps = nbsched.here("show", "1", "--json").json["steps"]
    assert (steps["go"]["result"], steps["many"]["result"]) == ({"n": 1}, 2)
    assert [event["key"] for event in nbsched.here("events", "--name", "go", "--json").json] == ["k1"]
    assert "waits for nobody" in nbsched.here("resolve", "1", "2").sentence


def test_serve_fires_what_is_scheduled_and_ends_on_sigterm(one: CommandLine) -> None:
    with one.start("serve", "--slots", "1") as daemon:
        assert daemon.stderr
        assert "serves" in daemon.stderr.readline()
        assert one.here("schedule", "every 200ms", "one.py", "--limit", "2").err == ""
        assert next(line for line in daemon.stderr if " one succeeded" in line)
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=20)
    assert daemon.returncode == 0


def test_events_are_listed_and_followed(one: CommandLine) -> None:
    one.here("run", "one.py")
    names = [event["name"] for event in one.here("events", "--name", "run.*", "--json").json]
    assert names.count("run.succeeded") == 2
    with one.start("events", "-f", "--json", "--name", "run.succeeded", "--after", "1") as following:
        assert following.stdout
        events = [json.loads(following.stdout.readline()) for _ in range(2)]
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=20)
    assert {event["data"]["name"] for event in events} == {"one", "tell"}
    assert following.returncode == 130
    assert one.here("events", "--dead", "--json").json == []


def test_next_times_are_told_without_a_schedule(nbsched: CommandLine) -> None:
    found = nbsched.here("next", "0 2 * * *", "--tz", "Europe/Berlin", "-n", "2", "--json").json
    assert [text[11:19] for text in found] == ["02:00:00"] * 2
    assert nbsched.here("next", "every", "5m", "-n", "3").out.count("\n") == 3


def test_the_doctor_finds_a_sound_store(nbsched: CommandLine) -> None:
    said = nbsched.here("doctor", "--json")
    assert said.code == 0
    assert all(finding["ok"] for finding in said.json)
    assert {"python", "store", "privacy", "soundness"} <= {finding["what"] for finding in said.json}


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("schedule", "-h"), ("--version",)])
def test_help_and_version_are_on_stdout_and_exit_0(nbsched: CommandLine, words: tuple[str, ...]) -> None:
    said = nbsched.here(*words)
    assert (said.code, said.err) == (0, "")
    assert "nbsched" in said.out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("nosuch",), "no nbsched verb 'nosuch'"),
        ((), "required: VERB"),
        (("show", "x"), "'x' is not a whole number"),
        (("show", "99"), "no run 99"),
        (("cancel", "99"), "no run 99"),
        (("pause", "nosuch"), "no schedule 'nosuch'"),
        (("trigger", "nosuch"), "no schedule 'nosuch'"),
        (("unschedule", "nosuch"), "no schedule 'nosuch'"),
        (("runs", "--state", "done"), "invalid choice: 'done'"),
        (("next", "61 * * * *"), "61"),
        (("next", "every 5m", "--tz", "Mars/Base"), "Mars/Base"),
        (("schedule", "every 5 parsecs", "one.py"), "parsecs"),
        (("schedule", "@daily", "nosuch.ipynb"), "nosuch.ipynb"),
        (("schedule", "@daily", "one.py", "--retries", "-1"), "whole number"),
        (("schedule", "@daily", "one.py", "-p", "nosuch=1"), "nosuch"),
        (("schedule", "@daily", "one.py", "--rate", "10"), "write '10/m'"),
        (("schedule", "@daily", "one.py", "--deadline", "soon"), "soon"),
        (("run", "one.py", "--ageing", "0s"), "ageing"),
        (("serve", "--ageing", "soon"), "soon"),
        (("events", "--dead", "-f"), "cannot follow"),
        (("backfill", "one"), "--from"),
        (("backfill", "one", "--from", "2026-01-01", "--to", "2026-01-02"), "no schedule 'one'"),
        (("simulate", "yesterday"), "not an instant"),
        (("simulate", "2026-01-01"), "has no zone"),
        (("simulate", "--from", "2026-01-01T00:00Z", "--to", "2026-01-02T00:00Z", "--for", "1d"), "twice"),
        (("simulate", "2026-01-01T00:00Z", "--from", "2026-01-01T00:00Z"), "twice"),
        (("simulate", "--for", "long"), "--for"),
    ],
)
def test_a_mistake_is_one_sentence_and_stores_nothing(
    one: CommandLine, words: tuple[str, ...], part: str
) -> None:
    said = one.here(*words)
    assert said.code == 2
    assert part in said.sentence
    assert one.here("schedules", "--json").json == []
    assert one.here("runs", "--json").json == []


def test_a_store_that_is_no_store_is_one_sentence(nbsched: CommandLine) -> None:
    path = nbsched.file("bad.db", "not a database, but long enough to look at" * 100)
    said = nbsched.here("runs", "--store", str(path))
    assert said.code in (1, 2)
    assert "bad.db" in said.sentence
