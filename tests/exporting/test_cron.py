"""A pipeline as crontab lines."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Notebook, Pipeline, Step
from nbsched.core.triggers import next_times
from nbsched.exporting import as_pipeline
from nbsched.exporting.cron import portable
from tests.exporting.conftest import exported


def pipeline(name: str = "nightly") -> nb.core.pipeline.PipelineBuilder:
    with nb.pipeline(name, params={"region": "EU"}) as p:
        nb.shell("true")
    return p


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_line_runs_the_file_in_its_folder_with_a_key_for_the_minute() -> None:
    given = {"path": "/my jobs/p.py", "program": "/bin/nbsched", "params": {"region": "it's 5%"}}
    text = exported(pipeline(), "cron", schedule="0 2 * * 1-5 tz Europe/Berlin", **given)
    zone, line = lines(text)
    assert zone == "CRON_TZ=Europe/Berlin"
    assert line.startswith(
        "0 2 * * 1-5 cd '/my jobs' && /bin/nbsched run '/my jobs/p.py' --pipeline nightly -p "
    )
    assert "%" not in line.replace("\\%", "")
    words = shlex.split(line.replace("\\%", "%"))
    assert words[words.index("-p") + 1] == 'region="it\'s 5%"'
    assert words[words.index("--key") + 1] == "nightly@$(date -u +%Y-%m-%dT%H:%MZ)"


def test_several_expressions_are_several_lines() -> None:
    text = exported(
        pipeline(), "cron", schedule="any(0 2 * * * tz UTC; 5/15 * * * * tz Asia/Kolkata)", path="/p.py"
    )
    assert [line.split(" cd ")[0] for line in lines(text)] == [
        "CRON_TZ=UTC", "0 2 * * *", "CRON_TZ=Asia/Kolkata", "5-59/15 * * * *"
    ]  # fmt: skip


@pytest.mark.parametrize("expr", ["5/15 * * * *", "@weekly", "0 1,3/4 2-9 JAN *", "*/5 * * * MON-FRI"])
def test_what_every_cron_reads_means_the_same(expr: str) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC)
    assert next_times(portable(expr), 50, after=after, tz="UTC") == next_times(
        expr, 50, after=after, tz="UTC"
    )


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("every 5m", r"'\*/5 \* \* \* \*'"),
        ("every 6h", r"'0 \*/6 \* \* \*'"),
        ("every 1d", r"'0 0 \* \* \*'"),
        ("every 90s", "give five cron fields, or keep it in `nbsched serve`"),
        ("on data.ready", "cron has no word for the trigger 'on data.ready' of 'nightly'"),
        ("at 2026-12-01T09:00+01:00", "no word"),
        ("0 0 L * * tz UTC", "days counted within their month"),
        ("0 0 2 * * * tz UTC seconds first", "seconds"),
        (None, "has no schedule"),
    ],
)
def test_a_trigger_that_cron_does_not_know_is_refused_with_the_nearest(
    schedule: str | None, said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        exported(pipeline(), "cron", schedule=schedule, path="/p.py")


def test_a_pipeline_in_no_file_is_to_be_exported_to_python_first() -> None:
    with pytest.raises(DefinitionError, match=r"'nightly' is in no file.*export it to python first"):
        exported(pipeline(), "cron", schedule="@daily")


def test_kernel_cells_need_their_notebook() -> None:
    cells = Pipeline(name="cells", steps=(Step(name="one", work=Cell(name="one", source="1")),))
    with pytest.raises(DefinitionError, match="'one' of 'cells' needs its notebook's kernel"):
        exported(cells, "cron", schedule="@daily", path="/p.py")
    assert "run /n.ipynb --pipeline cells " in exported(cells, "cron", schedule="@daily", path="/n.ipynb")


def test_a_notebook_alone_is_run_with_its_parameters_and_policy() -> None:
    policy = {"retries": 3, "timeout": "20m", "rerun": False, "tags": ["a", "b"], "on_failure": {"call": "m:f"},
              "resources": {"gpu": 1}}  # fmt: skip
    work = Notebook(
        name="report", path="/jobs/report.ipynb", params={"n": 1, "day": nb.scheduled_date}, policy=policy
    )
    text = exported(as_pipeline(work), "cron", schedule="@daily", path=work.path)
    assert "run /jobs/report.ipynb -p n=1 " in text
    assert "--retries 3" in text
    assert "--timeout 20m" in text
    assert "--no-rerun" in text
    assert "--tags a b" in text
    assert "--resources gpu=1" in text
    assert "--pipeline" not in text
    assert [note.split(",")[0].split("=")[0] for note in text.notes[:2]] == ["parameter 'day'", "on_failure"]


def test_what_cron_does_not_keep_is_said() -> None:
    text = exported(pipeline(), "cron", schedule="@daily", path="/p.py")
    assert [note.split(" (")[0] for note in text.notes] == [
        "the schedule's overlap 'skip'", "the schedule's missed 'latest'"
    ]  # fmt: skip
    assert all(f"# Not exported: {note}." in text for note in text.notes)
