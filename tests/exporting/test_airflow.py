"""A pipeline exported to Airflow has the same steps, edges, rules and values."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbsched as nb
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Step
from nbsched.core.policy import RULES
from nbsched.core.triggers import parse_trigger
from nbsched.exporting import Subject, Timing, export
from tests.exporting.anything import pipelines, works
from tests.exporting.conftest import exported
from tests.exporting.stand_in import AirflowFailException, AirflowSkipException, dag_of

DUE = datetime.datetime(2026, 1, 5, 1, tzinfo=datetime.UTC)


class Instant(datetime.datetime):
    """As Airflow's context has them."""

    def in_timezone(self, zone: datetime.tzinfo) -> datetime.datetime:
        return self.astimezone(zone)


def context(dag: Any, results: dict[str, Any], **params: Any) -> dict[str, Any]:
    """What a task is told, with the results of the tasks before it."""
    ti = SimpleNamespace(xcom_pull=lambda task_ids: results.get(task_ids), task_id="it", try_number=1)
    due = Instant.fromtimestamp(DUE.timestamp(), datetime.UTC)
    return {
        "ti": ti, "params": params, "dag": dag, "run_id": "run-1", "data_interval_end": due,
        "data_interval_start": due - datetime.timedelta(days=1),
        "dag_run": SimpleNamespace(conf={"field": {"inner": 7}}),
    }  # fmt: skip


def rendered(template: str, told: dict[str, Any]) -> str:
    return jinja2.Environment(keep_trailing_newline=True).from_string(template).render(**told)


def expected_rule(step: Step) -> str:
    return step.work.policy.get("rule", "all_success")


@given(st.data(), st.sampled_from([2, 3]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_pipeline_has_its_steps_edges_and_rules(folder: Path, data: st.DataObject, version: int) -> None:
    pipeline = data.draw(pipelines(folder, cells=["process"], flat=True)).work
    dag = dag_of(exported(pipeline, "airflow", schedule="@daily"), version)
    keys = {step.name: step.name.replace(" ", "_") for step in pipeline.steps}
    gated = {step.name for step in pipeline.steps if step.when and not step.teardown}
    assert set(dag.tasks) == {*keys.values(), *(f"{keys[name]}.when" for name in gated)}
    for step in pipeline.steps:
        task = dag.tasks[keys[step.name]]
        if step.name in gated:
            assert task.upstream == [f"{keys[step.name]}.when"]
            assert task.trigger_rule == "all_success"
            task = dag.tasks[f"{keys[step.name]}.when"]
        assert task.upstream == [keys[need] for need in step.needs]
        assert step.teardown or task.trigger_rule == expected_rule(step)
        assert dag.tasks[keys[step.name]].is_teardown is step.teardown


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_airflows_of_the_same_name(rule: str) -> None:
    with nb.pipeline("rules") as pipeline:
        nb.shell("true", name="first") >> nb.shell("true", rule=rule, name="second")
    assert dag_of(exported(pipeline, "airflow")).tasks["second"].trigger_rule == rule


def test_a_function_gets_its_values_typed() -> None:
    with nb.pipeline("typed", params={"day": datetime.date(2026, 1, 1), "n": 1}) as pipeline:
        first = nb.task(works.plain)(1)
        nb.task(works.plain).options(name="second")(
            first["rows"]["all"], [first], day=pipeline.params["day"], at=nb.scheduled_date, n=pipeline.params["n"],
            e=nb.event["field"]["inner"], odd="{{ no }}", span=nb.interval,
        )  # fmt: skip
        nb.task(works.later).options(name="later")(first)
    dag = dag_of(exported(pipeline, "airflow", schedule="0 2 * * * tz Europe/Berlin"))
    told = context(dag, {"plain": {"rows": {"all": 5}}}, day="2026-03-01", n=4)
    args, kwargs = dag.tasks["second"].given["python_callable"](**told)
    assert args == (5, [{"rows": {"all": 5}}])
    assert kwargs == {
        "day": datetime.date(2026, 3, 1), "at": datetime.date(2026, 1, 5), "n": 4, "e": 7, "odd": "{{ no }}",
        "span": (DUE - datetime.timedelta(days=1), DUE),
    }  # fmt: skip
    assert dag.tasks["later"].given["python_callable"](**told) == {"rows": {"all": 5}}


def test_a_command_gets_its_values_as_text_and_is_no_template_itself() -> None:
    with nb.pipeline("shells", params={"region": "EU"}) as pipeline:
        first = nb.shell("docker ps --format '{{.Names}}'", name="first")
        nb.shell(
            "./run.sh", name="second", cwd="/tmp",
            env={"A": first["x"]["y"], "R": pipeline.params["region"], "D": nb.scheduled_date, "T": "{{ 'no' }}",
                 "N": 1, "L": [first["n"], 2]},
        )  # fmt: skip
    dag = dag_of(exported(pipeline, "airflow", schedule="@daily"))
    told = context(dag, {"first": {"x": {"y": 5}, "n": None}}, region="US")
    command = dag.tasks["first"].given["bash_command"]
    assert rendered(command, told) == "set -eo pipefail\ndocker ps --format '{{.Names}}'\n"
    assert not dag.tasks["second"].given["bash_command"].endswith(".sh"), (
        "Airflow would look for a file of that name"
    )
    env = {name: rendered(value, told) for name, value in dag.tasks["second"].given["env"].items()}
    assert env == {"A": "5", "R": "US", "D": "2026-01-05", "T": "{{ 'no' }}", "N": "1", "L": "[None, 2]"}
    assert dag.tasks["second"].given["append_env"] is True


@pytest.mark.parametrize(("accuracy", "holds"), [(0.95, True), (0.5, False)])
def test_a_condition_is_a_task_that_decides(accuracy: float, holds: bool) -> None:
    with nb.pipeline("gated", params={"least": 0.9}) as pipeline:
        train = nb.shell("true", name="train")
        enough = train["scores"]["accuracy"] > pipeline.params["least"]
        nb.shell("true", name="deploy", when=enough & (train["x"] == "a.b"), rule="none_failed")
    gate = dag_of(exported(pipeline, "airflow")).tasks["deploy.when"]
    told = context(None, {"train": {"scores": {"accuracy": accuracy}, "x": "a.b"}}, least=0.9)
    assert gate.given["python_callable"](**told) is holds
    assert gate.given["ignore_downstream_trigger_rules"] is False
    assert gate.trigger_rule == "none_failed"


def test_skip_and_fail_end_the_task_as_they_end_a_step() -> None:
    def give_up(how: str) -> None:
        getattr(nb, how)("enough")

    with nb.pipeline("signals") as pipeline:
        for how in ("skip", "fail"):
            nb.task(give_up).options(name=how)(how)
    dag = dag_of(exported(pipeline, "airflow"))
    for how, raised in (("skip", AirflowSkipException), ("fail", AirflowFailException)):
        with pytest.raises(raised, match="enough"):
            dag.tasks[how].given["python_callable"](**context(dag, {}))


def test_the_policy_is_airflows_where_it_has_the_words() -> None:
    with nb.pipeline(
        "policies", retries=2, timeout="2h", tags=["ml"], max_parallel=3, max_running=1
    ) as pipeline:
        nb.shell(
            "true",
            name="a",
            timeout="90s",
            priority="high",
            max_running=2,
            backoff=nb.Backoff("5s", max_wait="1m"),
        )
        nb.shell("true", name="b", retries=0, depends_on_previous=True)
    dag = dag_of(exported(pipeline, "airflow"))
    given = dag.tasks["a"].given
    assert (given["retries"], given["execution_timeout"]) == (2, datetime.timedelta(seconds=90))
    assert (given["retry_delay"], given["max_retry_delay"]) == (
        datetime.timedelta(seconds=5),
        datetime.timedelta(minutes=1),
    )
    assert (given["retry_exponential_backoff"], given["priority_weight"]) == (True, 11)
    assert (given["weight_rule"], given["max_active_tis_per_dag"]) == ("absolute", 2)
    assert "retries" not in dag.tasks["b"].given
    assert dag.tasks["b"].given["depends_on_past"] is True
    assert (dag.given["dagrun_timeout"], dag.given["tags"]) == (datetime.timedelta(hours=2), ["ml"])
    assert (dag.given["max_active_tasks"], dag.given["max_active_runs"]) == (3, 1)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"resources": {"gpu": 1}}, "make a pool"),
        ({"retry_on": ["KeyError"]}, "retry_on=['KeyError']"),
        ({"on_failure": "it.failed"}, "on_failure_callback"),
        ({"keep": 5}, "keep=5"),
        ({"rerun": False}, "rerun=False"),
        ({"expires": "1h"}, "expires='1h'"),
        ({"rate": "10/m"}, "bounds how many run at once"),
        ({"deadline": "2h"}, "deadline='2h'"),
        ({"secrets": ["TOKEN"]}, "secrets backend"),
        ({"retries": 1, "backoff": nb.Backoff(factor=3)}, "factor 3"),
        ({"retries": 1, "backoff": nb.Backoff(jitter=0)}, "jitter 0"),
    ],
)
def test_what_airflow_has_no_word_for_is_said_in_the_file_and_beside_it(
    policy: dict[str, Any], said: str
) -> None:
    with nb.pipeline("silent") as pipeline:
        nb.shell("true", name="it", **policy)
    text = exported(pipeline, "airflow")
    (note,) = text.notes
    assert note.startswith("step 'it': ")
    assert said in note
    assert f"- {note}\n" in text


def test_what_is_said_as_usual_is_no_note() -> None:
    with nb.pipeline("usual") as pipeline:
        nb.shell("true", rerun=True, grace="5s", tags=[], on_failure=None, expires=None)
    assert exported(pipeline, "airflow").notes == ()


@pytest.mark.parametrize(
    ("trigger", "schedule"),
    [
        ("0 2 * * 1-5 tz Europe/Berlin", ("0 2 * * 1-5", "Europe/Berlin")),
        ("@daily", ("@daily", "UTC")),
        ("every 90s from 2026-01-01T00:00+00:00", (datetime.timedelta(seconds=90),)),
        ("at 2026-12-01T09:00+01:00", "@once"),
        ("on data.available", None),
        ("after fetch", None),
    ],
)
def test_the_trigger_is_the_timetable(trigger: str, schedule: Any) -> None:
    with nb.pipeline("timed") as pipeline:
        nb.shell("true")
    text = export(
        Subject(
            pipeline=pipeline.work, timing=Timing(trigger=parse_trigger(trigger, tz="UTC"), overlap="allow")
        ),
        "airflow",
    )
    dag = dag_of(text)
    assert dag.given["schedule"] == schedule
    assert dag.given["catchup"] is False
    assert [note for note in text.notes if "the trigger" in note] == ([] if schedule else [
        f"the trigger '{trigger}' (Airflow has no such timetable: start the DAG from outside)"])  # fmt: skip


def test_the_rest_of_the_schedule_is_kept_or_noted() -> None:
    with nb.pipeline("timed") as pipeline:
        nb.shell("true")
    end = DUE + datetime.timedelta(days=9)
    timing = Timing(
        trigger=parse_trigger("0 2 * * * tz Europe/Berlin dst skip"), overlap="queue_all", missed="all", start=DUE,
        end=end, limit=3, jitter=datetime.timedelta(minutes=1),
    )  # fmt: skip
    text = export(Subject(pipeline=pipeline.work, timing=timing), "airflow")
    given = dag_of(text).given
    assert (given["start_date"], given["end_date"], given["catchup"], given["max_active_runs"]) == (
        DUE,
        end,
        True,
        1,
    )
    assert [note.split(" (")[0] for note in text.notes] == [
        "the schedule's dst 'skip'", "the schedule's jitter 0:01:00", "the schedule's limit of 3 runs"
    ]  # fmt: skip


def test_parameters_are_the_dags_with_their_types() -> None:
    declared = {
        "n": 1,
        "x": float,
        "day": datetime.date(2026, 1, 2),
        "tags": ["a"],
        "any": None,
        "today": nb.scheduled_date,
    }
    with nb.pipeline("declared", params=declared) as pipeline:
        nb.task(works.plain)(pipeline.params["today"])
    text = exported(pipeline, "airflow")
    dag = dag_of(text)
    found = {name: (param.default, param.schema) for name, param in dag.given["params"].items()}
    assert found == {
        "n": (1, {"type": "integer"}), "x": (None, {"type": "number"}),
        "day": ("2026-01-02", {"type": "string", "format": "date"}), "tags": (["a"], {"type": "array"}),
        "any": (None, {}),
    }  # fmt: skip
    assert "parameter 'today' cannot be given" in text.notes[0]
    assert dag.tasks["plain"].given["python_callable"](**context(dag, {}))[0] == (datetime.date(2026, 1, 5),)


def test_a_cell_that_needs_its_kernel_is_refused_with_what_to_do() -> None:
    with nb.pipeline("cells") as pipeline:
        nb.cell("1", name="here")
    with pytest.raises(DefinitionError, match=r"'here' runs in its notebook's kernel.*--where process"):
        exported(pipeline, "airflow")


def test_a_mapped_step_and_a_pipeline_inside_are_refused_by_name() -> None:
    with nb.pipeline("inner") as inner:
        nb.shell("true")
    with nb.pipeline("mapped") as mapped:
        nb.shell("true", name="each").map(A=[1, 2])
    with nb.pipeline("outer") as outer:
        inner.options(name="part")()
    for pipeline, said in ((mapped, "step 'each' is a map"), (outer, "step 'part' is a pipeline")):
        with pytest.raises(DefinitionError, match=f"{said}, which is not exported to Airflow"):
            exported(pipeline, "airflow")


def test_two_steps_that_airflow_cannot_tell_apart_are_refused() -> None:
    with nb.pipeline("near") as pipeline:
        nb.shell("true", name="a b")
        nb.shell("true", name="a_b")
    with pytest.raises(DefinitionError, match=r"'a_b'.*rename"):
        exported(pipeline, "airflow")


def test_a_setup_is_one_where_airflow_lets_it() -> None:
    with nb.pipeline("around") as pipeline:
        make, drop = nb.shell("true", name="make", setup=True), nb.shell("true", name="drop", teardown=True)
        make >> nb.shell("true", name="use") >> drop
        nb.shell("true", name="odd", setup=True) >> nb.shell("true", name="any", rule="all_done")
    text = exported(pipeline, "airflow")
    dag = dag_of(text)
    assert [name for name, task in dag.tasks.items() if task.is_setup] == ["make"]
    assert [name for name, task in dag.tasks.items() if task.is_teardown] == ["drop"]
    assert [note for note in text.notes if "'odd': setup" in note]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # papermill's own
def test_a_notebook_and_a_cell_run_by_papermill_and_give_their_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat

    source = nbformat.v4.new_code_cell("day = ''\nn = 0", metadata={"tags": ["parameters"]})
    told = nbformat.v4.new_code_cell("import nbsched as nb\nnb.emit(day=day, double=n * 2)")
    nbformat.write(nbformat.v4.new_notebook(cells=[source, told]), tmp_path / "prepare.ipynb")
    with nb.pipeline("papers") as pipeline:
        first = nb.notebook(
            tmp_path / "prepare.ipynb",
            params={"n": 4, "day": nb.scheduled_date},
            output=tmp_path / "copy.ipynb",
        )
        nb.cell(
            "import nbsched as nb\nnb.emit(more=given + 1)",
            name="cell",
            where="process",
            params={"given": first["double"]},
        )
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    dag = dag_of(exported(pipeline, "airflow", schedule="@daily"))
    values = dag.tasks["prepare"].given["python_callable"](**context(dag, {}))
    assert values == {"day": "2026-01-05", "double": 8}
    assert (tmp_path / "copy.ipynb").is_file()
    assert dag.tasks["cell"].given["python_callable"](**context(dag, {"prepare": values})) == {"more": 9}
