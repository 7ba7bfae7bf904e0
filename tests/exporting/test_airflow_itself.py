"""An exported file in a real Airflow, in a venv of its own: it is imported, and its DAG runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from tests.exporting.conftest import exported

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
WORKS = """
import nbsched as nb

@nb.task
def prepare(n, day):
    return {"rows": n * 2, "day": day.isoformat()}

@nb.task(where="process")
async def score(rows):
    return rows / 100

@nb.task
def skips():
    nb.skip("nothing to do")
"""
SHOW = """
import json, runpy, sys
dag = runpy.run_path(sys.argv[1])["dag"]
dag.validate() if hasattr(dag, "validate") else None
tasks = {task.task_id: {"type": type(task).__name__, "rule": task.trigger_rule.value,
                        "before": sorted(task.upstream_task_ids), "teardown": task.is_teardown} for task in dag.tasks}
told = {"tasks": tasks, "zone": str(dag.timezone), "catchup": dag.catchup, "params": dag.params.dump(),
        "timetable": type(dag.timetable).__name__}
print("TOLD", json.dumps(told))
"""
RUN = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("exported", sys.argv[1])
module = sys.modules["exported"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
run = module.dag.test()
print("TOLD", json.dumps({ti.task_id: str(getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()}))
"""


def call(*words: str | Path, **given: Any) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **given)
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a venv with Airflow; NBSCHED_AIRFLOW_PYTHON names one that is there already."""
    if found := os.environ.get("NBSCHED_AIRFLOW_PYTHON"):
        return Path(found)
    venv = tmp_path_factory.mktemp("airflow") / "venv"
    call(sys.executable, "-m", "venv", venv)
    installing = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "apache-airflow>=2.9,<4"]
    done = subprocess.run(installing, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Airflow cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return venv / "bin" / "python"


@pytest.fixture
def told(python: Path, tmp_path: Path) -> Any:
    """What Airflow's Python says to a script about an exported file."""
    (tmp_path / "dags").mkdir()
    env = {
        **os.environ, "AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"), "PYTHONPATH": str(ROOT),
        "NBSCHED_STORE": str(tmp_path / "store.db"),
    }  # fmt: skip

    def ask(script: str, text: str, *, migrated: bool = False) -> Any:
        if migrated:
            call(python, "-m", "airflow", "db", "migrate", env=env, cwd=tmp_path)
        (tmp_path / "dags" / "exported.py").write_text(text)
        said = call(python, "-c", script, tmp_path / "dags" / "exported.py", env=env, cwd=tmp_path)
        (line,) = [line for line in said.splitlines() if line.startswith("TOLD ")]
        return json.loads(line.removeprefix("TOLD "))

    return ask


@pytest.fixture
def demo(tmp_path: Path) -> Any:
    (tmp_path / "works.py").write_text(WORKS)
    with nb.pipeline("demo", params={"n": 5}, retries=1, max_parallel=2) as pipeline:
        data = nb.task(f"{tmp_path}/works.py:prepare").options(retries=0)(
            pipeline.params["n"], nb.scheduled_date
        )
        scored = nb.task(f"{tmp_path}/works.py:score")(data["rows"])
        tell = nb.shell('test "{{ $ROWS" = "{{ 10"', env={"ROWS": data["rows"]}, name="tell", retries=0)
        yes = nb.shell("true", when=scored < 1, name="yes")
        no = nb.shell("true", when=scored > 1, name="no")
        skips = nb.task(f"{tmp_path}/works.py:skips")()
        end = nb.shell("true", rule="none_failed", name="end")
        [yes, no, skips, tell] >> end >> nb.shell("true", teardown=True, name="clean")
    return pipeline


def test_airflow_reads_the_file_as_the_pipeline_it_was(told: Any, demo: Any) -> None:
    found = told(SHOW, exported(demo, "airflow", schedule="0 2 * * * tz Europe/Berlin"))
    steps = {step.name: step for step in demo.work.steps}
    gates = {name: f"{name}.when" for name, step in steps.items() if step.when}
    assert set(found["tasks"]) == {*steps, *gates.values()}
    for name, step in steps.items():
        assert found["tasks"][gates.get(name, name)]["before"] == sorted(step.needs)
        assert found["tasks"][name]["teardown"] is step.teardown
    assert {name: task["type"] for name, task in found["tasks"].items()} == {
        "prepare": "PythonOperator", "score": "PythonOperator", "tell": "BashOperator", "yes": "BashOperator",
        "yes.when": "ShortCircuitOperator", "no": "BashOperator", "no.when": "ShortCircuitOperator",
        "skips": "PythonOperator", "end": "BashOperator", "clean": "BashOperator",
    }  # fmt: skip
    assert found["tasks"]["end"]["rule"] == "none_failed"
    assert (found["zone"], found["catchup"], found["params"]) == ("Europe/Berlin", False, {"n": 5})
    assert found["timetable"] == "CronDataIntervalTimetable"


@pytest.mark.parametrize(
    "schedule", [None, "every 90s", "at 2026-12-01T09:00+01:00", "@daily", "on data.ready"]
)
def test_airflow_reads_every_kind_of_schedule(told: Any, demo: Any, schedule: str | None) -> None:
    assert told(SHOW, exported(demo, "airflow", schedule=schedule))["catchup"] is False


def test_the_dag_runs_and_its_values_and_conditions_are_the_pipelines(told: Any, demo: Any) -> None:
    assert told(RUN, exported(demo, "airflow", schedule="@daily"), migrated=True) == {
        "prepare": "success", "score": "success", "tell": "success", "yes.when": "success", "yes": "success",
        "no.when": "success", "no": "skipped", "skips": "skipped", "end": "success", "clean": "success",
    }  # fmt: skip
