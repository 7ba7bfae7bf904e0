"""A pipeline exported to Python is an equal one when its file is read."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbsched as nb
from nbsched.core.errors import DefinitionError, ParameterError
from nbsched.core.model import Cell, Pipeline, Shell, Step
from nbsched.core.policy import RULES
from nbsched.core.references import Reference
from nbsched.executors.lookup import load_file
from tests.exporting.conftest import WORKS, as_json, exported

Read = Callable[[str], Any]
works = load_file(WORKS)

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
SOURCES = st.sampled_from(["x = 1", 'print("""a""")\n', "a = '\\\\'\n\n", "\n\nb = 2\n", "s = '''q'''\nt = \"'\"\n"])
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.dates(), st.timedeltas().map(abs),
    st.datetimes(timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5.5))])),
)  # fmt: skip
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
NOTEBOOKS = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.dates())
FACTS = st.sampled_from([nb.scheduled_at, nb.scheduled_date, nb.run_id, nb.run_key, nb.event["field"]["inner"]])
NAMES = st.sampled_from(["train", "p", "nb", "class", "print", "01-prepare", "two words", "größe", "datetime"])
POLICIES = st.fixed_dictionaries({}, optional={
    "retries": st.integers(0, 9), "timeout": st.sampled_from(["90s", "1h30m", None]), "rule": st.sampled_from(["all_done", "none_failed"]),
    "backoff": st.sampled_from([nb.Backoff(wait="3s", factor=1.5, jitter=0), "10s"]), "priority": st.sampled_from(["high", 3]),
    "retry_on": st.sampled_from([(), (KeyError, "ExitCode")]), "resources": st.sampled_from([{}, {"gpu": 1, "big ram": 0.5}]),
    "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2), "on_failure": st.sampled_from([None, "it.failed"]),
    "rerun": st.booleans(), "keep": st.sampled_from(["30d", 5]), "max_running": st.integers(1, 3),
})  # fmt: skip


@st.composite
def pipelines(draw: st.DrawFn, folder: Path) -> Any:
    """Any pipeline that people can write, of every kind of step."""
    declared = draw(st.dictionaries(st.sampled_from(["region", "limit", "p", "größe"]), VALUES | st.sampled_from([int, datetime.date])))
    with nb.pipeline("any pipeline", params=declared, max_parallel=draw(st.none() | st.integers(1, 3))) as p:
        steps: list[Any] = []

        def value(plain: st.SearchStrategy[Any] = VALUES) -> Any:
            taken = [step for step in steps] + [step["x y"]["z"] for step in steps] + [p.params[name] for name in declared]
            references = FACTS | st.sampled_from(taken) if taken else FACTS
            return draw(plain | references | st.lists(references, max_size=2) | st.dictionaries(TEXTS, references, max_size=2))

        for _ in range(draw(st.integers(1, 5))):
            options: dict[str, Any] = draw(POLICIES)
            if steps and draw(st.booleans()):
                options["when"] = (draw(st.sampled_from(steps))["x y"] > 0.5) | (draw(st.sampled_from(steps)) == "a'b")
            options |= draw(st.sampled_from([{}, {"setup": True}, {"teardown": True}]))
            name = draw(NAMES)
            if name not in p.steps:
                options["name"] = name
            steps.append(_step(draw(st.integers(0, 5)), draw, folder, value, options))
            for before in draw(st.lists(st.sampled_from(steps[:-1]), max_size=3)) if steps[:-1] else ():
                before >> steps[-1]
    return p


def _step(kind: int, draw: st.DrawFn, folder: Path, value: Callable[..., Any], options: dict[str, Any]) -> Any:
    if kind == 0:
        return nb.notebook(folder / "report.ipynb", params={"value": value(NOTEBOOKS)}, kernel=draw(st.sampled_from([None, "ir"])), **options)
    if kind == 1:
        return nb.shell(draw(SOURCES), env={"A B": value(), "C": value()}, **options)
    if kind == 2:
        options.setdefault("name", f"cell_{draw(st.integers(0, 10**9))}")
        return nb.cell(draw(SOURCES), where=draw(st.sampled_from(["kernel", "thread", "process"])), params={"v": value()}, **options)
    if kind == 3:
        return nb.task(works.plain).options(**options)(value(), value(), a=value(), **{"not a word": value(), "class": 1})
    if kind == 4:
        return nb.task(works.positional).options(**options)(value(), third=value())
    return works.evaluate.options(**options)(day=value())


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_pipeline_comes_back_equal(folder: Path, read_again: Read, data: st.DataObject) -> None:
    pipeline = data.draw(pipelines(folder))
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_comes_back(read_again: Read, rule: str) -> None:
    with nb.pipeline("rules", retries=1) as pipeline:
        nb.shell("true") >> nb.shell("true", rule=rule)
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


def test_edges_that_a_value_implies_are_not_written_again() -> None:
    with nb.pipeline("edges") as pipeline:
        first, second = nb.shell("true", name="first"), nb.shell("true", name="second")
        third = nb.shell("true", env={"A": first}, name="third")
        second >> third
    assert [line.strip() for line in exported(pipeline, "python").splitlines() if ">>" in line] == ["second >> third"]


def test_steps_written_out_of_order_keep_their_order_and_values(read_again: Read) -> None:
    late = Step(name="late", work=Shell(name="late", command="true", cwd="/", env={"A": Reference("step", ("early", "x"))}), needs=("early",))
    early = Step(name="early", work=Shell(name="early", command="true", cwd="/"))
    pipeline = Pipeline(name="cells", steps=(late, early))
    assert as_json(read_again(exported(pipeline, "python")).p) == as_json(pipeline)


def test_given_parameters_are_the_defaults(read_again: Read) -> None:
    with nb.pipeline("given", params={"region": "EU", "limit": int}) as pipeline:
        nb.shell("true", env={"A": pipeline.params["region"]})
    assert as_json(read_again(exported(pipeline, "python", params={"limit": 3})).p)["declared"] == {"region": "EU", "limit": 3}
    with pytest.raises(ParameterError, match="limit"):
        exported(pipeline, "python", params={"limit": "many"})
    with pytest.raises(ParameterError, match="nosuch"):
        exported(pipeline, "python", params={"nosuch": 1})


def test_the_schedule_is_written_and_what_it_cannot_say_is_noted(read_again: Read) -> None:
    with nb.pipeline("timed") as pipeline:
        nb.shell("true")
    text = exported(pipeline, "python", schedule="0 2 * * * tz Europe/Berlin")
    assert read_again(text).p.schedule == "0 2 * * * tz Europe/Berlin"
    assert text.notes == ()


def test_a_cell_of_a_notebook_is_equal_but_for_where_it_was_typed(read_again: Read) -> None:
    cell = Cell(name="one", source="1", cell_id="c", notebook="/n.ipynb")
    text = exported(Pipeline(name="typed", steps=(Step(name="one", work=cell),)), "python")
    assert as_json(read_again(text).p)["steps"][0]["work"] == {"kind": "cell", "name": "one", "source": "1"}
    assert "kernel of the cell 'one'" in text.notes[0]


def test_a_kind_of_step_that_has_no_source_is_refused_by_name() -> None:
    inner = Pipeline(name="inner", steps=(Step(name="one", work=Shell(name="one", command="true")),))
    with pytest.raises(DefinitionError, match="step 'inner' is a pipeline"):
        exported(Pipeline(name="outer", steps=(Step(name="inner", work=inner),)), "python")
