"""Pipelines written one cell at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, ParameterError, UnknownName, UsageError
from nbsched.core.model import Cell, Map, Step
from nbsched.core.rawtext import RawText
from nbsched.core.references import Reference
from nbsched.lines import words
from nbsched.options import params_given
from nbsched.stepcells import StepCells, read_step, referring, spelled, split_name, step_parser, waiting_work


def step(line: str, cell_id: str | None = None) -> tuple[str, Step]:
    given = step_parser().read(line.split())
    pipeline, name = split_name(given.name)
    found = read_step(given, Cell(name=name, source="pass", params=referring(params_given(given))))
    assert isinstance(found.work, Cell)
    return pipeline, replace(found, work=replace(found.work, cell_id=cell_id))


def written(**sources: str) -> StepCells:
    """A pipeline `p` of cells with these sources; `a="--after b # x = 1"` has the line before the hash."""
    cells = StepCells()
    for name, text in sources.items():
        line, _, source = text.rpartition("# ")
        given = step_parser().read([f"p.{name}", *line.split()])
        work = Cell(
            name=name,
            source=source,
            params=referring(params_given(given)),
            where=getattr(given, "where", "kernel"),
        )
        cells.add("p", read_step(given, work), ordered=hasattr(given, "after"))
    return cells


def needs(cells: StepCells, **params: object) -> dict[str, tuple[str, ...]]:
    return {found.name: found.needs for found in cells.build("p", params).steps}


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


@pytest.mark.parametrize(
    "value",
    [
        Reference("fact", ("scheduled_date",)), Reference("step", ("prepare", "path")), Reference("param", ("region",)),
        Reference("event", ("file", "name")), "@home", "@@home", "plain", 3, None,
        ["@home", Reference("fact", ("run_id",)), {"deep": ["@x", "y"]}], ["a"], {},
    ],
)  # fmt: skip
def test_what_is_written_refers_to_the_same(value: object) -> None:
    assert referring(spelled({"x": value}), inside=True) == {"x": value}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('["@a.x", "@b", 1]', [Reference("step", ("a", "x")), Reference("step", ("b",)), 1]),
        ('{"deep": ["@params.x", "@@home"]}', {"deep": [Reference("param", ("x",)), "@home"]}),
    ],
)
def test_references_may_stand_in_a_list_or_mapping(text: str, found: object) -> None:
    assert referring({"x": RawText(text)}) == {"x": found}


@pytest.mark.parametrize("text", ['["a", 1]', '{"a": 1}', "[not json", "{x}", '"@a"'])
def test_a_text_without_references_stays_as_it_was_typed(text: str) -> None:
    assert referring({"x": RawText(text)}) == {"x": RawText(text)}
    assert isinstance(referring({"x": RawText(text)})["x"], RawText)


def test_a_list_of_references_makes_edges() -> None:
    cells = filled("p.a", "p.b", 'p.c -p parts=["@a.x","@b"]')
    assert set(cells.build("p", {}).steps[2].needs) == {"a", "b"}


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


def test_a_cell_runs_after_those_that_write_what_it_reads() -> None:
    cells = written(
        load="df = read()", clean="df = df.dropna()", score="print(model, df)", train="model = fit(df)"
    )
    assert needs(cells) == {"load": (), "clean": ("load",), "score": ("clean", "train"), "train": ("clean",)}
    assert cells.inferred("p")["score"] == {"clean": ["df"], "train": ["model"]}


@pytest.mark.parametrize("line", ["--after", "--after a", "--where process", "-p x=1"])
def test_after_a_process_and_a_parameter_leave_nothing_to_infer(line: str) -> None:
    cells = written(a="# pass", b="x = 1", c=f"{line} # print(x)")
    assert "b" not in needs(cells)["c"]


def test_a_cell_in_a_process_writes_nothing_that_others_read() -> None:
    assert needs(written(a="--where process # x = 1", b="print(x)")) == {"a": (), "b": ()}


def test_a_cell_that_is_run_again_is_read_again() -> None:
    cells = written(a="x = 1", b="print(x)")
    cells.add("p", replace(cells.steps("p")[0], work=Cell(name="a", source="y = 1")))
    assert needs(cells) == {"a": (), "b": ()}


def test_a_cycle_of_names_is_refused_with_the_cells_and_the_names_and_after_breaks_it() -> None:
    with pytest.raises(
        DefinitionError, match=r"'b' reads x of 'a' and 'a' reads y of 'b': give one of them --after"
    ):
        needs(written(a="x = y", b="y = x"))
    assert needs(written(a="--after # x = y", b="y = x")) == {"a": (), "b": ("a",)}


def test_a_cycle_of_one_edge_that_was_given_names_the_other() -> None:
    with pytest.raises(DefinitionError, match=r"'b' reads x of 'a': give"):
        needs(written(a="--after b # x = 1", b="y = x"))


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"regoin": "EU"}, "did you mean 'region'"),
        ({"zz": 1}, r"its steps read 'region', 'limit'; .*@params\.zz"),
    ],
)
def test_a_parameter_that_no_step_reads_is_refused(params: dict[str, object], part: str) -> None:
    cells = filled("p.a -p where=@params.region", "p.b --when a.rows>params.limit")
    with pytest.raises(ParameterError, match=part):
        cells.build("p", {"region": "EU", "limit": 1, **params})
    assert cells.build("p", {"region": "EU", "limit": 1}).declared == {"region": "EU", "limit": 1}


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
