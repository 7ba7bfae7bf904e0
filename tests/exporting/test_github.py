"""A pipeline as a workflow of GitHub Actions."""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbsched as nb
from nbsched.core.errors import DefinitionError
from nbsched.core.triggers import cron, next_times
from nbsched.exporting.utc import in_utc, standard_offset
from tests.exporting.conftest import exported

yaml = pytest.importorskip("yaml")


def workflow(schedule: str | None = "0 2 * * * tz Europe/Berlin", **given: Any) -> Any:
    declared = {"region": "EU", "limit": int, "fast": True, "day": date(2026, 1, 2), "größe": 1}
    with nb.pipeline("my training", params=declared, timeout="90m") as p:
        nb.shell("true")
    text = exported(
        p, "github", schedule=schedule, **{"path": "/repo/jobs/p.py", "repository": "/repo"} | given
    )
    read = yaml.safe_load(text)
    read["on"] = read.pop(True)  # what YAML 1.1 makes of it
    return read, text


def test_the_workflow_has_its_schedule_its_inputs_and_one_job() -> None:
    read, text = workflow()
    assert read["name"] == "my training"
    assert read["on"]["schedule"] == [{"cron": "0 1 * * *"}]
    assert "an hour later while its summer time holds" in text
    inputs = read["on"]["workflow_dispatch"]["inputs"]
    assert {name: (given["type"], given["required"]) for name, given in inputs.items()} == {
        "region": ("string", False), "limit": ("number", True), "fast": ("boolean", False), "day": ("string", False)
    }  # fmt: skip
    assert any("größe" in note for note in text.notes)
    (job,) = read["jobs"].values()
    assert job["timeout-minutes"] == 90
    assert [step.get("uses") or step["run"].split()[0] for step in job["steps"]] == [
        "actions/checkout@v4", "actions/setup-python@v5", "pip", "nbsched", "actions/upload-artifact@v4"
    ]  # fmt: skip
    assert job["steps"][-1]["if"] == "always()"


def command(read: Any, **inputs: str) -> list[str]:
    """The words that a shell makes of the job's command."""
    (step,) = [step for step in read["jobs"]["run"]["steps"] if str(step.get("run")).startswith("nbsched ")]
    env = {f"PARAM_{name}": inputs.get(name, "") for name in ("region", "limit", "fast", "day")}
    script = step["run"].replace("nbsched ", "printf '%s\\n' ", 1)
    return subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_command_is_given_only_what_was_filled_in() -> None:
    read, _ = workflow()
    plain = ["run", "jobs/p.py", "--pipeline", "my training", "--store", "nbsched.db"]
    assert command(read) == plain
    assert command(read, region='"a b"', limit="3") == [*plain, "-p", 'region="a b"', "-p", "limit=3"]
    env = next(step["env"] for step in read["jobs"]["run"]["steps"] if "env" in step)
    assert env["PARAM_region"] == "${{ inputs.region && toJSON(inputs.region) }}"
    assert env["PARAM_limit"] == "${{ inputs.limit }}"


def test_what_is_given_for_the_export_is_no_input_and_nothing_that_github_computes() -> None:
    read, _ = workflow(params={"region": "${{ secrets.X }}"})
    assert "region" not in read["on"]["workflow_dispatch"]["inputs"]
    (step,) = [step for step in read["jobs"]["run"]["steps"] if str(step.get("run")).startswith("nbsched ")]
    assert "${{ '${{' }} secrets.X }}" in step["run"]


def test_without_a_schedule_it_is_started_by_hand() -> None:
    assert "schedule" not in workflow(schedule=None)[0]["on"]


def test_a_pipeline_in_no_file_is_refused() -> None:
    with pytest.raises(DefinitionError, match="'my training' is in no file that GitHub could run"):
        workflow(path=None)


@pytest.mark.parametrize(
    ("expr", "zone", "utc"),
    [
        ("0 2 * * *", "Europe/Berlin", ["0 1 * * *"]),
        ("30 0 * * 1", "Europe/Berlin", ["30 23 * * 0"]),
        ("0 9 * * 1-5", "Asia/Kolkata", ["30 3 * * 1,2,3,4,5"]),
        ("*/15 * * * *", "America/New_York", ["*/15 * * * *"]),
        ("0 20-22 * * 5", "America/New_York", ["0 1,2,3 * * 6"]),
        ("0 0 1 * *", "UTC", ["0 0 1 * *"]),
    ],
)
def test_an_expression_in_utc(expr: str, zone: str, utc: list[str]) -> None:
    assert in_utc(cron(expr, tz=zone)) == utc


@given(
    minute=st.sampled_from(["0", "*/20", "5,50", "*"]), hour=st.sampled_from(["0", "*/6", "22-23", "*", "3,12"]),
    weekday=st.sampled_from(["*", "1-5", "0,6", "3"]),
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Tokyo", "America/Phoenix", "Pacific/Marquesas", "Pacific/Apia"]),
)  # fmt: skip
def test_in_utc_the_instants_are_the_same(minute: str, hour: str, weekday: str, zone: str) -> None:
    trigger = cron(f"{minute} {hour} * * {weekday}", tz=zone)
    after = datetime(2026, 1, 1, tzinfo=UTC)
    until = after + timedelta(days=9)
    text = f"any({'; '.join(f'{expr} tz UTC' for expr in in_utc(trigger))})"
    mine = [at for at in next_times(trigger, 500, after=after) if at <= until]
    assert mine == [at for at in next_times(text, 500, after=after) if at <= until][: len(mine)]


@pytest.mark.parametrize("expr", ["0 0 1 * *", "0 0 * 6 *"])
def test_a_day_of_the_month_that_is_another_one_in_utc_is_refused(expr: str) -> None:
    with pytest.raises(DefinitionError, match="in UTC it is on another day"):
        in_utc(cron(expr, tz="Europe/Berlin"))


def test_the_standard_time_is_that_of_winter_on_both_halves_of_the_earth() -> None:
    assert standard_offset("Europe/Berlin") == timedelta(hours=1)
    assert standard_offset("Australia/Sydney") == timedelta(hours=10)
