"""Pipelines written one cell at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.core.model import Cell, Map, Step
from nbsched.core.references import Reference
from nbsched.lines import words
from nbsched.options import params_given
from nbsched.stepcells import StepCells, read_step, referring, split_name, step_parser, waiting_work


def step(line: str, cell_id: str | None = None) -> tuple[str, Step]:
    given = step_parser().read(line.split())
    pipeline, name = split_name(given.name)
    found = read_step(given, Cell(name=name, source="pass", params=referring(params_given(given))))
    assert isinstance(found.work, Cell)
    return pipeline, replace(found, work=replace(found.work, cell_id=cell_id))


def filled(*lines: str) -> StepCells:
    cells = StepCells()
    for line in lines:
        cells.add(*step(line))
    return cells


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a.b", ("a", "b")), ("etl.daily.fetch", ("etl.daily", "fetch")), ("etl.step-1", ("etl", "step-1"))],
)
def test_the_last_part_names_the_step(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("name", ["fetch", ".fetch", "etl.", "etl.a b", ""])
def test_a_name_without_both_parts_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"write PIPELINE\.NAME"):
        split_name(name)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("@prepare", Reference("step", ("prepare",))),
        ("@prepare.path", Reference("step", ("prepare", "path"))),
        ("@01-prepare.path", Reference("step", ("01-prepare", "path"))),
        ("@params.region", Reference("param", ("region",))),
        ("@event.file.name", Reference("event", ("file", "name"))),
        ("@scheduled_date", Reference("fact", ("scheduled_date",))),
        ("@@home", "@home"),
        ("me@home", "me@home"),
        (3, 3),
    ],
)
def test_an_at_sign_refers(value: object, found: object) -> None:
    assert referring({"x": value}) == {"x": found}


@pytest.mark.parametrize("value", ["@", "@a b", "@.x", "@x."])
def test_an_at_sign_that_refers_to_nothing_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="refers to nothing"):
        referring({"x": value})


def test_edges_come_from_after_from_parameters_and_from_conditions() -> None:
    cells = filled("p.a", "p.b", "p.c", "p.d --after a -p x=@b.value --when c.ok")
    pipeline = cells.build("p", {})
    assert [found.name for found in pipeline.steps] == ["a", "b", "c", "d"]
    assert set(pipeline.steps[3].needs) == {"a", "b", "c"}


def test_steps_may_be_written_in_any_order() -> None:
    cells = filled("p.last --after first", "p.first")
    assert cells.build("p", {}).steps[0].needs == ("first",)


def test_the_same_step_again_replaces_it_in_its_place() -> None:
    cells = filled("p.a", "p.b")
    assert cells.add(*step("p.a --setup")) is True
    assert [(found.name, found.setup) for found in cells.steps("p")] == [("a", True), ("b", False)]


def test_a_cell_that_renames_its_step_leaves_no_second_one() -> None:
    cells = StepCells()
    cells.add(*step("p.a", "cell-1"))
    cells.add(*step("p.b", "cell-2"))
    cells.add(*step("p.c", "cell-1"))
    assert [found.name for found in cells.steps("p")] == ["c", "b"]


def test_parameters_of_the_run_are_declared() -> None:
    cells = filled("p.a -p region=@params.region")
    assert cells.build("p", {"region": "EU"}).declared == {"region": "EU"}
    with pytest.raises(DefinitionError, match="region"):
        cells.build("p", {})


@pytest.mark.parametrize(
    "lines", [("p.a --after b", "p.b --after a"), ("p.a --after nosuch",), ("p.a --when nosuch.x",)]
)
def test_a_pipeline_that_cannot_run_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(DefinitionError):
        filled(*lines).build("p", {})


def test_an_unknown_pipeline_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'training'"):
        filled("training.a").steps("trainig")


def waits(line: str) -> object:
    return waiting_work(step_parser().read(words(line)))


def test_a_line_describes_a_sensor_in_the_words_of_python() -> None:
    line = "p.data --wait-for 'after fetch' --timeout 1h --poke 10s --match latest --retries 2"
    assert waits(line) == nb.wait_for(
        nb.after("fetch"), timeout="1h", poke="10s", match="latest", retries=2, name="data"
    )
    assert waits("p.in --wait-for 'file /in/*.csv' --timeout 1h") == nb.wait_for(
        nb.file("/in/*.csv"), timeout="1h", name="in"
    )


def test_a_line_describes_an_approval_in_the_words_of_python() -> None:
    assert waits("p.sure --approve 'Deploy?'") == nb.approve("Deploy?", name="sure")
    assert waits("p.n --approve 'How many?' --type int --timeout 1d") == nb.approve(
        "How many?", type=int, timeout="1d", name="n"
    )
    assert waits("p.where --approve 'Where?' --type EU US") == nb.approve(
        "Where?", type=["EU", "US"], name="where"
    )
    assert waits("p.train train.ipynb") is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("p.a --wait-for 'on x'", "give --timeout"),
        ("p.a train.ipynb --poke 10s", "--poke belongs to --wait-for"),
        ("p.a --approve 'Sure?' --match latest", "--match belongs to --wait-for"),
        ("p.a --wait-for 'on x' --timeout 1h --type int", "--type belongs to --approve"),
        ("p.a train.ipynb --approve 'Sure?'", "write one step for each"),
        ("p.a --wait-for 'on x' --approve 'Sure?' --timeout 1h", "write one step for each"),
        ("p.a --approve 'Sure?' --type integer", "did you mean 'int'"),
    ],
)
def test_a_line_that_describes_neither_or_both_is_refused(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        waits(line)


def test_a_line_maps_its_step_over_lists() -> None:
    given = step_parser().read(
        ["etl.fit", "--map", "region=@list.regions", "day=[1,2]", "--product", "--max-parallel", "2"]
    )
    work = read_step(given, Cell(name="fit", source="pass", policy={"rule": "all_done"})).work
    assert isinstance(work, Map)
    assert work.over == {"region": Reference("step", ("list", "regions")), "day": [1, 2]}
    assert (work.product, work.max_parallel, work.policy) == (True, 2, {"rule": "all_done"})
    assert work.work.params == {name: Reference("item", (name,)) for name in ("region", "day")}


def test_options_of_a_map_without_a_list_are_refused() -> None:
    with pytest.raises(UsageError, match="--max-parallel is about the items of --map NAME=LIST"):
        read_step(step_parser().read(["etl.fit", "--max-parallel", "2"]), Cell(name="fit", source="pass"))
