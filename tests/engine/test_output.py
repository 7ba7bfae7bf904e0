"""What a run shows and prints, read on from where it was left."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbsched as nb
from nbsched.engine import output
from nbsched.engine.live import Run
from nbsched.engine.output import compare, follow, read_log, read_notebook, shown_as
from nbsched.engine.visiting import Visitor


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str, *sources: str, parameters: bool = False) -> Path:
        cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(sources)]
        if parameters:
            cells[0].metadata["tags"] = ["parameters"]
        book = nbformat.v4.new_notebook(cells=cells)
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        path = tmp_path / name
        nbformat.write(book, path)
        return path

    return written


class Followed:
    """What somebody has who follows a run to its end."""

    def __init__(self) -> None:
        self.cells: dict[int, Any] = {}
        self.paths: list[str | None] = []
        self.states: list[str] = []

    def take(self, part: output.NotebookPart) -> None:
        if part["all"]:
            self.cells.clear()
        self.cells.update((one["index"], one["cell"]) for one in part["cells"])
        if part["path"] not in self.paths:
            self.paths.append(part["path"])
        self.states.append(self.text)

    @property
    def text(self) -> str:
        outputs = [one for _, cell in sorted(self.cells.items()) for one in cell.get("outputs", ())]
        return "".join(one["text"] for one in outputs if one["output_type"] == "stream")

    def check(self, run: Run) -> None:
        assert run.output
        finished = nbformat.v4.reads(Path(run.output).read_text()).cells
        assert [self.cells[index] for index in range(len(self.cells))] == finished


HALF = """
import pathlib, time
print('half', flush=True)
while not pathlib.Path({!r}).exists(): time.sleep(0.01)
print('whole')
"""


def test_a_notebook_is_followed_while_it_runs_by_another_process_too(
    real: nb.Runtime, write: Callable[..., Path], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    run = real.run(nb.notebook(write("long.ipynb", "print('first')", HALF.format(str(go)))))
    assert shown_as(real, run.id) == "notebook"
    with Visitor(real.store_path) as visitor:
        here, there = Followed(), Followed()
        for part in follow(visitor, visitor.get_run(run.id), read_notebook):
            there.take(part)
            if "half" in there.text:
                go.touch()
        here.take(read_notebook(run))
    assert any(text.endswith("half\n") for text in there.states)
    for one in (here, there):
        one.check(run)
        assert one.text == "first\nhalf\nwhole\n"
    last = read_notebook(run)["next"]
    assert read_notebook(run, last) == {
        "path": run.output,
        "next": last,
        "ended": True,
        "all": False,
        "cells": [],
    }


def test_the_next_attempt_is_another_notebook_from_its_beginning(
    real: nb.Runtime, write: Callable[..., Path], tmp_path: Path
) -> None:
    source = "import nbsched as nb\nprint('try', nb.context().attempt)\nassert nb.context().attempt == 2"
    run = real.run(nb.notebook(write("flaky.ipynb", source)), retries=1, backoff="1ms")
    followed = Followed()
    for part in follow(real, run, read_notebook):
        followed.take(part)
    followed.check(run)
    assert followed.text == "try 2\n"
    first = read_notebook(run, 1)
    assert first["all"]


def test_what_is_left_of_an_attempt_is_told_before_the_next_one(
    real: nb.Runtime, write: Callable[..., Path]
) -> None:
    source = "import nbsched as nb\nassert nb.context().attempt == 2"
    run = real.run(nb.notebook(write("flaky.ipynb", source)), retries=1, backoff="1ms").wait(20)
    rest = read_notebook(run, output.ATTEMPT + 1)  # where the first attempt had begun
    assert "AssertionError" in str(rest["cells"])
    assert not rest["ended"]
    then = read_notebook(run, rest["next"])
    assert (then["path"], then["all"], then["ended"]) == (run.output, True, True)
    assert then["path"] != rest["path"]


def test_a_run_that_has_not_begun_or_has_no_notebook_says_so(rt: Any, works: Any) -> None:
    nothing = {"path": None, "next": 0, "all": True, "cells": []}
    run = rt.run(works.held, {"name": "gate"})
    assert read_notebook(run) == {**nothing, "ended": False}
    works.gates["gate"].set()
    run.wait("10s")
    assert read_notebook(run) == {**nothing, "ended": True}
    assert shown_as(rt, run.id) == "log"
    with pytest.raises(nb.UnknownName):
        shown_as(rt, 99)


def test_what_was_taken_over_is_read_where_it_was_made(real: nb.Runtime, write: Callable[..., Path]) -> None:
    work = nb.notebook(write("same.ipynb", "print('once')"), cache=True)
    first, second = real.run(work).wait(), real.run(work).wait()
    assert second.reason == "cached"
    followed = Followed()
    followed.take(read_notebook(second))
    followed.check(first)
    assert read_log(second)["text"] == "once\n"


def test_a_log_is_followed_over_all_attempts_without_a_gap(real: nb.Runtime, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    command = (
        f"echo größe $NBSCHED_ATTEMPT; sleep 0.2; printf '✓'; test -e {flag} || {{ touch {flag}; exit 1; }}"
    )
    run = real.run(nb.shell(command), retries=1, backoff="1ms")
    told = "".join(part["text"] for part in follow(real, run, read_log))
    assert told == run.log == "größe 1\n✓größe 2\n✓"


class Ends:
    """A state that is asked whether it is final."""

    final = False


class Logged:
    """A run whose log is this file."""

    def __init__(self, path: Path) -> None:
        self.log_path, self.state = path, Ends()


@given(st.text(max_size=40), st.integers(min_value=4, max_value=9), st.data())
def test_a_log_is_read_in_pieces_that_cut_no_character(
    tmp_path_factory: pytest.TempPathFactory, text: str, most: int, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    whole, told, offset = text.encode(), "", 0
    run: Any = Logged(path)
    with pytest.MonkeyPatch.context() as patch, path.open("wb", buffering=0) as log:
        patch.setattr(output, "LONGEST", most)
        written = 0
        while written < len(whole):
            more = data.draw(st.integers(min_value=1, max_value=5))
            log.write(whole[written : written + more])
            written += more
            part = read_log(run, offset)
            assert not part["ended"]
            told, offset = told + part["text"], part["next"]
            assert text.startswith(told)
        run.state.final = True
        ended = False
        while not ended:
            part = read_log(run, offset)
            told, offset, ended = told + part["text"], part["next"], part["ended"]
    assert told == text


def test_a_run_that_waits_is_looked_at_only_when_something_has_happened(
    real: nb.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(output, "LOOK_S", 0.0)

    def look(run: Run, since: int) -> output.LogPart:
        looks.append(since)
        return read_log(run, since)

    run = real.run(nb.approve("go on?"))
    following = follow(real, run, look)
    next(following)
    ended = threading.Thread(target=lambda: list(following))
    ended.start()
    threading.Event().wait(0.3)
    quiet = len(looks)
    real.resolve(run.id, True)
    ended.join(10)
    assert not ended.is_alive()
    assert quiet < 20


def test_two_runs_are_compared_by_parameters_and_cells(real: nb.Runtime, write: Callable[..., Path]) -> None:
    work = nb.notebook(
        write("report.ipynb", "region = 'EU'", "print(region)", "print('same')", parameters=True)
    )
    first = real.run(work, {"region": "EU"}).wait()
    second = real.run(work, {"region": "US"}).wait()
    found = compare(second, first)
    assert found["params"] == [{"name": "region", "this": "US", "other": "EU"}]
    assert [pair["verdict"] for pair in found["cells"]] == ["same", "source", "outputs", "same"]
    json.dumps(found)


def test_a_part_that_was_given_away_does_not_change_any_more(
    real: nb.Runtime, write: Callable[..., Path], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    run = real.run(nb.notebook(write("long.ipynb", HALF.format(str(go)))))
    kept: list[tuple[str, output.NotebookPart]] = []
    for part in follow(real, run, read_notebook):
        kept.append((json.dumps(part), part))
        if "half" in kept[-1][0] and not go.exists():
            go.touch()
    assert all(json.dumps(part) == text for text, part in kept)
    assert os.path.exists(go)
