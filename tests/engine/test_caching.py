"""Work that is not done again: what its result depends on, and what makes it run all the same."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.executors.lookup import load_file
from nbsched.store import history
from nbsched.testing import VirtualRuntime

FUNCTION = """
    import nbsched as nb

    calls = []

    def scaled(x):
        return x * FACTOR  # a comment

    FACTOR = 2

    def twice(x, *, plus=0):
        calls.append(x)
        return scaled(x) + plus

    def unrelated():
        return 1
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """A file in the test's folder, as it is from now on."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        before = path.stat().st_mtime_ns if path.exists() else 0
        path.write_text(textwrap.dedent(text))
        if before:
            os.utime(path, ns=(before + 10**9, before + 10**9))
        return path

    return write


def notebook(*cells: str, parameters: str = "") -> str:
    tagged = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": parameters, "outputs": [],
               "execution_count": None}] if parameters else []  # fmt: skip
    plain = [{"cell_type": "code", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
             for cell in cells]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [*tagged, *plain]})


def reason(rt: nb.Runtime, work: Any, *args: Any, **policy: Any) -> str | None:
    run = rt.run(work, *args, **policy).wait(30, check=True)
    return run.reason


def test_unchanged_work_is_not_run_again_and_has_its_result(rt: VirtualRuntime, works: ModuleType) -> None:
    ok = nb.task(works.ok, cache=True)
    first, second = (rt.run(ok, {"value": 3}).wait(10) for _ in range(2))
    assert works.calls == [3]
    assert (first.reason, second.state, second.reason, second.result) == (None, "succeeded", "cached", 3)
    assert [attempt.outcome for attempt in second.attempts] == ["cached"]
    assert second.retry_of == first.id
    assert reason(rt, ok, {"value": 4}) is None
    assert reason(rt, ok, {"value": 3}) == "cached"


def test_without_cache_everything_runs_and_nothing_is_remembered(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    for _ in range(2):
        assert reason(rt, works.ok, {"value": 3}) is None
    read = rt.database.read(lambda db: db.execute("SELECT count(*) FROM fingerprints").fetchone()[0])
    assert (works.calls, read) == ([3, 3], 0)


def test_one_run_can_be_asked_to_do_without_the_cache(rt: VirtualRuntime, works: ModuleType) -> None:
    ok = nb.task(works.ok, cache=True)
    with nb.pipeline("again") as p:
        ok(1)
    for policy, expected in (({}, None), ({"cache": False}, None), ({}, "cached")):
        run = rt.run(p, **policy).wait(10)
        assert run.steps["ok"].reason == expected


def test_a_failure_is_not_remembered(rt: VirtualRuntime, works: ModuleType) -> None:
    bad = nb.task(works.bad, cache=True)
    for _ in range(2):
        assert rt.run(bad).wait(10).state == "failed"
    assert works.calls == ["no", "no"]


def test_a_result_can_be_too_old(rt: VirtualRuntime, works: ModuleType) -> None:
    ok = nb.task(works.ok, cache="1h")
    assert reason(rt, ok) is None
    rt.advance_blocking("30m")
    assert reason(rt, ok) == "cached"
    rt.advance_blocking("31m")
    assert reason(rt, ok) is None


def test_what_came_from_the_cache_does_not_tell_how_long_it_takes(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    ok = nb.task(works.ok, cache=True)
    for expected in (None, "cached", "cached"):
        assert reason(rt, ok) == expected
    asked = {"id": 0, "name": "ok", "parent": None, "pipeline": None, "step": None, "schedule": None}
    assert len(rt.database.read(history.durations_ms, asked, 10)) == 1


def test_a_retry_by_hand_does_it_again(rt: VirtualRuntime, works: ModuleType) -> None:
    run = rt.run(nb.task(works.ok, cache=True)).wait(10)
    again = run.retry().wait(10)
    assert (again.reason, again.retry_of, works.calls) == (None, run.id, [1, 1])


@pytest.mark.parametrize("where", ["thread", "process"])
def test_only_what_a_function_rests_on_counts_of_its_file(
    rt: VirtualRuntime, write: Callable[..., Path], where: str
) -> None:
    path = write("own.py", FUNCTION)

    def again() -> str | None:
        return reason(rt, nb.task(load_file(path).twice, where=where, cache=True), {"x": 1})

    assert again() is None
    write("own.py", FUNCTION.replace("# a comment", "# another\n").replace("return 1", "return 2"))
    assert again() == "cached"
    write("own.py", FUNCTION.replace("FACTOR = 2", "FACTOR = 3"))
    assert again() is None
    write("own.py", FUNCTION)
    assert again() == "cached"


def test_how_a_task_is_run_is_no_part_of_what_it_does(rt: VirtualRuntime, write: Callable[..., Path]) -> None:
    path = write("own.py", FUNCTION.replace("    def twice", "    @nb.task(cache=True)\n    def twice"))
    assert reason(rt, load_file(path).twice, {"x": 1}) is None
    write("own.py", path.read_text().replace("cache=True", "cache=True, retries=3"))
    assert reason(rt, load_file(path).twice, {"x": 1}) == "cached"


def test_a_local_module_counts_by_what_it_says_and_what_it_imports(
    rt: VirtualRuntime, write: Callable[..., Path]
) -> None:
    (write("deeper.py", "B = 1").parent / "package").mkdir()
    write("package/__init__.py", "")
    write("package/inner.py", "from . import other\nfrom deeper import B")
    write("package/other.py", "C = 1")
    path = write("report.ipynb", notebook("from package import inner", "1 + 1"))

    def again() -> str | None:
        return reason(rt, nb.notebook(path, cache=True))

    assert [again(), again()] == [None, "cached"]
    write("deeper.py", "B  =  1 # the same")
    assert again() == "cached"
    for name in ("deeper.py", "package/other.py"):
        write(name, "B = C = 2")
        assert [again(), again()] == [None, "cached"]


def test_a_notebook_counts_by_its_code_and_parameters(rt: VirtualRuntime, write: Callable[..., Path]) -> None:
    def again(*cells: str, parameters: str = "limit = 1", **params: Any) -> str | None:
        path = write("report.ipynb", notebook(*cells, parameters=parameters))
        return reason(rt, nb.notebook(path, params=params, cache=True))

    assert again("%matplotlib inline\nx = 1", "x + 1") is None
    assert again("%matplotlib inline\nx  =  1  # a comment", "(x + 1)") == "cached"
    assert again("%matplotlib inline\nx = 1", "x + 1", parameters="limit = 1  # at most") == "cached"
    assert again("%matplotlib inline\nx = 1", "x + 1", limit=1) == "cached"
    assert again("%matplotlib inline\nx = 1", "x + 1", parameters="limit = 2") is None
    assert again("%matplotlib inline\nx = 1", "x + 1", parameters="limit = 2", limit=1) == "cached"
    assert again("%matplotlib inline\nx = 1", "x + 2") is None


def test_a_cached_notebook_has_its_values_and_its_output(
    rt: VirtualRuntime, write: Callable[..., Path]
) -> None:
    path = write("report.ipynb", notebook("import nbsched as nb\nnb.emit(rows=3)"))
    first, second = (rt.run(nb.notebook(path, cache=True)).wait(30) for _ in range(2))
    assert (second.reason, second.values, second.output) == ("cached", {"rows": 3}, first.output)
    Path(first.output or "").unlink()
    assert reason(rt, nb.notebook(path, cache=True)) is None


def test_a_command_counts_by_its_text_environment_and_folder(rt: VirtualRuntime, tmp_path: Path) -> None:
    def again(command: str = "echo $A", a: str = "1", **other: Any) -> str | None:
        return reason(rt, nb.shell(command, env={"A": a}, cache=True, name="c", **other))

    assert [again(), again()] == [None, "cached"]
    assert [again(a="2"), again("echo $A  "), again(cwd=tmp_path)] == [None] * 3
    assert again() == "cached"


def test_an_input_counts_by_its_content(rt: VirtualRuntime, write: Callable[..., Path]) -> None:
    data = write("data.csv", "a,b\n1,2\n")
    command = nb.shell("wc -l < data.csv", inputs=["data.csv"], cwd=data.parent, cache=True)
    assert [reason(rt, command), reason(rt, command)] == [None, "cached"]
    write("data.csv", "a,b\n1,2\n")
    assert reason(rt, command) == "cached"
    write("data.csv", "a,b\n3,4\n")
    assert reason(rt, command) is None
    pattern = nb.shell("wc -l *.csv", inputs="*.csv", cwd=data.parent, cache=True)
    assert [reason(rt, pattern), reason(rt, pattern)] == [None, "cached"]
    write("more.csv", "a,b\n")
    assert reason(rt, pattern) is None


def test_an_output_that_is_gone_or_another_is_made_again(
    rt: VirtualRuntime, write: Callable[..., Path]
) -> None:
    data = write("data.csv", "1\n")
    command = nb.shell("cp data.csv made.csv", outputs="made.csv", cwd=data.parent, cache=True)
    assert [reason(rt, command), reason(rt, command)] == [None, "cached"]
    made = data.with_name("made.csv")
    made.unlink()
    assert [reason(rt, command), reason(rt, command)] == [None, "cached"]
    made.write_text("2\n")
    assert reason(rt, command) is None
    assert made.read_text() == "1\n"


def test_a_step_is_done_again_only_if_what_it_is_given_has_changed(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    ok = nb.task(works.ok)
    with nb.pipeline("flow", params={"a": 1, "b": 2}) as p:
        first = ok.options(name="first")(p.params["a"])
        second = ok.options(name="second", cache=True)(first)
        ok.options(name="third", cache=True)([second, p.params["b"]])

    def again(**params: Any) -> list[str | None]:
        return [step.reason for step in rt.run(p, params).wait(10).steps.values()]

    assert again() == [None, None, None]
    assert again() == [None, "cached", "cached"]
    assert again(b=3) == [None, "cached", None]
    assert again(a=5) == [None, None, None]


def test_what_is_only_after_a_step_is_done_again_when_that_left_something_else(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    ok, nothing = nb.task(works.ok), nb.task(works.nothing)
    with nb.pipeline("flow", params={"a": 1}) as p:
        ok.options(name="first")(p.params["a"]) >> ok.options(name="second", cache=True)(0)
        nothing.options(name="effect")() >> ok.options(name="after", cache=True)(0)

    def again(**params: Any) -> dict[str, str | None]:
        return {name: step.reason for name, step in rt.run(p, params).wait(10).steps.items()}

    again()
    assert (again()["second"], again(a=2)["second"], again()["after"]) == ("cached", None, None)


def test_frames_pass_by_their_content_and_are_served_from_the_run_that_made_them(
    real: nb.Runtime, works: ModuleType
) -> None:
    gives, kind = nb.task(works.gives, cache=True), nb.task(works.kind)
    with nb.pipeline("frames") as p:
        for what in ("frame", "array", "large"):
            made = gives.options(name=f"make {what}")(what)
            kind.options(name=what)(made)
            kind.options(name=f"{what} again", cache=True)(made)
    first, second, third = (real.run(p).wait(30) for _ in range(3))
    for run in (second, third):
        for what, type_ in (("frame", "DataFrame"), ("array", "ndarray"), ("large", "str")):
            made = run.steps[f"make {what}"]
            assert (made.reason, made.retry_of) == ("cached", first.steps[f"make {what}"].id)
            assert type(made.result).__name__ == run.steps[what].result == type_
            assert run.steps[f"{what} again"].reason == "cached"
    for file in first.steps["make frame"].folder.glob("*.parquet"):
        file.unlink()
    assert real.run(p).wait(30).steps["make frame"].reason is None


def test_what_is_pruned_is_done_again_and_what_others_have_taken_over_is_kept(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    ok = nb.task(works.ok, cache=True, keep=1)
    first = rt.run(ok).wait(10)
    assert reason(rt, ok) == "cached"
    assert rt.prune()["runs"] == 0
    assert first.result == 1
    other = nb.task(works.ok, cache=True, keep=1, name="other")
    for value in (1, 2):
        assert reason(rt, other, {"value": value}) is None
    assert rt.prune()["runs"] == 1
    assert reason(rt, other, {"value": 1}) is None


def test_a_function_of_a_notebook_counts_with_the_values_it_reads(rt: VirtualRuntime) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "calls": []}

    def again(factor: int, body: str = "inner(x) * factor") -> str | None:
        source = f"factor = {factor}\ndef inner(x): return x\ndef typed(x): return {body}"
        exec(compile(source, "<typed>", "exec"), names)
        return reason(rt, nb.task(names["typed"], cache=True), {"x": 2})

    assert [again(2), again(2), again(3), again(2), again(2, "inner(x) + factor")] == [
        None, "cached", None, "cached", None,
    ]  # fmt: skip


def test_a_secret_is_part_by_its_name_only(rt: VirtualRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    command = nb.shell("echo hello", env={"TOLD": "hunter22"}, secrets=["TOKEN"], cache=True)
    for secret in ("hunter22", "another8"):
        monkeypatch.setenv("TOKEN", secret)
        rt.run(command).wait(30, check=True)
    assert rt.runs()[0].reason == "cached"
    stored = rt.database.read(lambda db: db.execute("SELECT parts FROM fingerprints").fetchall())
    assert "hunter22" not in str([tuple(row) for row in stored])


def test_a_cached_cell_of_a_process_and_its_source(rt: VirtualRuntime) -> None:
    def again(source: str) -> str | None:
        return reason(rt, nb.cell(source, name="c", where="process", cache=True))

    assert [again("x = 1"), again("x = 1 # same"), again("x = 2")] == [None, "cached", None]


# --- why ---


def why(rt: nb.Runtime, *asked: Any, **options: Any) -> dict[str | None, tuple[str, list[str]]]:
    return {one["step"]: (one["would"], one["why"]) for one in rt.why(*asked, **options)}


def test_why_names_the_exact_change(rt: VirtualRuntime, write: Callable[..., Path]) -> None:
    write("features.py", "A = 1")
    data = write("data.csv", "a" * 12_000)
    path = write("train.ipynb", notebook("import features", "x = 1", parameters="region: str = 'EU'"))

    def asked(**params: Any) -> Any:
        return nb.notebook(path, params=params, cache=True, inputs="data.csv")

    assert why(rt, asked()) == {None: ("run", ["never run with cache on"])}
    rt.run(asked()).wait(30, check=True)
    assert why(rt, asked())[None][0] == "cached"
    assert why(rt, asked(region="US")) == {None: ("run", ["params.region: 'EU' → 'US'"])}
    write("data.csv", "a" * 14_000)
    assert why(rt, asked()) == {None: ("run", ["input data.csv changed (12 KB → 14 KB)"])}
    data.unlink()
    assert why(rt, asked()) == {None: ("run", ["input data.csv is gone"])}
    write("data.csv", "a" * 12_000)
    write("features.py", "A = 2")
    assert why(rt, asked()) == {None: ("run", ["module features.py changed"])}
    write("features.py", "A = 1")
    write("train.ipynb", notebook("import features", "x = 2", "x", parameters="region: str = 'EU'"))
    assert why(rt, asked()) == {
        None: ("run", ["source of train.ipynb: cell 3 changed", "source of train.ipynb: cell 4 is new"])
    }


def test_why_follows_the_steps(rt: VirtualRuntime, works: ModuleType) -> None:
    ok = nb.task(works.ok, cache=True)
    with nb.pipeline("flow", params={"a": 1, "b": 2}) as p:
        first = ok.options(name="first")(p.params["a"])
        ok.options(name="second")([first, p.params["b"]])
        ok.options(name="third", cache=False)(0) >> ok.options(name="fourth")(0)

    rt.run(p).wait(10, check=True)
    for asked in (p, "flow"):
        found = why(rt, asked)
        assert [found[name][0] for name in ("first", "second", "third")] == ["cached", "cached", "run"]
        assert found["third"][1] == ["cache is off"]
        assert found["fourth"] == ("depends", ["upstream third will run"])
    found = why(rt, p, {"a": 5})
    assert found["first"] == ("run", ["params.value: 1 → 5"])
    assert found["second"] == ("depends", ["upstream first will run"])
    assert why(rt, "flow", {"b": 3})["second"] == ("run", ["params.value: [1, 2] → [1, 3]"])
    assert list(why(rt, "flow", step="first")) == ["first"]
    with pytest.raises(UnknownName, match="first"):
        rt.why("flow", step="frist")
    with pytest.raises(UnknownName, match="run it once"):
        rt.why("nothing")
    assert len(rt.runs()) == 1


def test_why_names_an_output_that_is_gone_and_a_result_that_is_too_old(
    rt: VirtualRuntime, tmp_path: Path
) -> None:
    command = nb.shell("echo 1 > made.csv", outputs="made.csv", cwd=tmp_path, cache="1h", name="make")
    run = rt.run(command).wait(10, check=True)
    assert why(rt, "make")[None] == ("cached", [f"nothing changed since run {run.id}"])
    rt.advance_blocking("2h")
    assert why(rt, "make")[None] == ("run", [f"run {run.id} is older than 1h"])
    (tmp_path / "made.csv").unlink()
    assert why(rt, "make", cache=True)[None] == ("run", ["output made.csv is gone"])


def test_why_says_exactly_what_a_run_then_does(rt: VirtualRuntime, works: ModuleType) -> None:
    gives, kind = nb.task(works.gives, cache=True), nb.task(works.kind, cache=True)
    with nb.pipeline("frames") as p:
        made = gives.options(name="make")("frame")
        kind.options(name="kind")(made)
        made >> nb.task(works.ok, cache=True).options(name="after")()
    for expected in ("run", "cached"):
        found = why(rt, p)
        run = rt.run(p).wait(30, check=True)
        assert found["make"][0] == expected
        assert {step.reason for step in run.steps.values()} == {None if expected == "run" else "cached"}
    assert {would for would, _ in why(rt, p).values()} == {"cached"}


# --- what must never be taken for the same ---


def test_code_that_this_process_has_loaded_and_that_was_edited_since_is_not_remembered(
    rt: VirtualRuntime, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    write("loaded_once.py", "LIMIT = 1\ndef rows(): return 1")
    path = write("own.py", "import loaded_once\ndef count(): return loaded_once.rows() + loaded_once.LIMIT")

    def again() -> tuple[str | None, int]:
        run = rt.run(nb.task(load_file(path).count, cache=True)).wait(10, check=True)
        return run.reason, run.result

    try:
        assert [again(), again()] == [(None, 2), ("cached", 2)]
        for text in ("LIMIT = 1\ndef rows(): return 5", "LIMIT = 5\ndef rows(): return 1"):
            write("loaded_once.py", text)
            assert {again()[0], again()[0]} == {None}
            assert (
                "loaded_once.py was edited" in rt.why(nb.task(load_file(path).count, cache=True))[0]["why"][0]
            )
            importlib.reload(sys.modules["loaded_once"])
            assert [again(), again()] == [(None, 6), ("cached", 6)]
    finally:
        sys.modules.pop("loaded_once")


def test_a_run_that_was_cut_off_is_not_taken_for_one_that_succeeded(tmp_path: Path) -> None:
    program = tmp_path / "cut.py"
    program.write_text(
        textwrap.dedent("""
            import os, pathlib, signal
            import nbsched as nb

            @nb.task(cache=True)
            def first():
                return 1

            @nb.task(cache=True, rerun=False)
            def second(x):
                if not pathlib.Path("mended").exists():
                    os.kill(os.getpid(), signal.SIGKILL)
                return x + 1

            with nb.pipeline("cut") as p:
                second(first())
        """)
    )
    store = tmp_path / "store.db"
    command = [
        sys.executable,
        "-m",
        "nbsched",
        "run",
        "cut.py",
        "--lease",
        "1s",
        "--json",
        "--store",
        str(store),
    ]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == -9
    (tmp_path / "mended").touch()
    found = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    assert {name: step["reason"] for name, step in found["steps"].items()} == {
        "first": "cached",
        "second": None,
    }


# --- what is refused ---


def test_files_are_given_to_the_steps_that_use_them(rt: VirtualRuntime, works: ModuleType) -> None:
    with pytest.raises(DefinitionError, match="'files': inputs= is for its steps"):
        nb.pipeline("files", inputs=["a"])
    with nb.pipeline("files") as p:
        nb.task(works.ok)()
    with pytest.raises(UsageError, match="outputs= is for the steps of 'files'"):
        rt.run(p, outputs=["a"])
    with pytest.raises(DefinitionError, match="cache 'soon'"):
        nb.shell("true", cache="soon")


def test_files_are_looked_for_where_the_work_is_at_home(tmp_path: Path, write: Callable[..., Path]) -> None:
    path = write("report.ipynb", notebook("1"))
    here = str(tmp_path / "a.csv")
    assert nb.notebook(path, inputs="a.csv").policy["inputs"] == [here]
    assert nb.shell("true", cwd=tmp_path, outputs=["a.csv"]).policy["outputs"] == [here]
    own = write("own.py", "import nbsched as nb\n@nb.task(inputs='a.csv')\ndef f(): pass\n")
    assert load_file(own).f.work().policy["inputs"] == [here]
    assert nb.cell("1", name="c", inputs=[here]).policy["inputs"] == [here]


# --- in maps and in pipelines inside pipelines ---


@pytest.mark.parametrize("chunk", [None, 2])
def test_only_the_items_that_changed_are_done_again(
    rt: VirtualRuntime, works: ModuleType, chunk: int | None
) -> None:
    ok = nb.task(works.ok, cache=True)
    with nb.pipeline("many", params={"xs": [1, 2, 3, 4]}) as p:
        mapped = ok.map(p.params["xs"], chunk=chunk)
        ok.options(name="all")(mapped)

    def again(*xs: int) -> tuple[int, str | None, Any]:
        works.calls.clear()
        run = rt.run(p, {"xs": list(xs)}).wait(10, check=True)
        return len(works.calls), run.steps["all"].reason, run.steps["all"].result

    assert again(1, 2, 3, 4) == (5, None, [1, 2, 3, 4])
    assert again(1, 2, 3, 4) == (0, "cached", [1, 2, 3, 4])
    assert again(1, 2, 3, 5) == (2 if chunk is None else 3, None, [1, 2, 3, 5])
    assert again(3, 4, 1, 2) == (1, None, [3, 4, 1, 2])
    assert rt.prune()["runs"] == 0


def test_a_chunk_counts_by_the_function_it_calls(rt: VirtualRuntime, write: Callable[..., Path]) -> None:
    path = write("own.py", FUNCTION)

    def again() -> list[str | None]:
        with nb.pipeline("many") as p:
            nb.task(load_file(path).twice, cache=True).map([1, 2], chunk=2)
        return [item.reason for item in rt.run(p).wait(10, check=True).steps["twice"].steps.values()]

    assert [again(), again()] == [[None], ["cached"]]
    write("own.py", FUNCTION.replace("FACTOR = 2", "FACTOR = 3"))
    assert again() == [None]


def test_a_pipeline_in_a_pipeline_takes_the_cache_of_its_steps_and_does_without_it_with_the_whole(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    ok = nb.task(works.ok, cache=True)
    with nb.pipeline("inner", params={"x": 1}) as inner:
        ok.options(name="in")(inner.params["x"])
    with nb.pipeline("outer") as outer:
        inner.options(name="sub")(x=5) >> ok.options(name="after")(0)

    def again(**policy: Any) -> list[str | None]:
        run = rt.run(outer, **policy).wait(10, check=True)
        return [run.steps["sub"].steps["in"].reason, run.steps["after"].reason]

    assert [again(), again(), again(cache=False), again()] == [
        [None] * 2,
        ["cached"] * 2,
        [None] * 2,
        ["cached"] * 2,
    ]
    found = why(rt, outer)
    assert found["sub"] == ("depends", ["its parts are looked at one by one when it runs"])
    assert found["after"] == ("depends", ["upstream sub may run"])
    assert why(rt, "outer") == found


def test_what_is_only_after_a_map_is_done_again_when_that_was(rt: VirtualRuntime, works: ModuleType) -> None:
    with nb.pipeline("many", params={"xs": [1, 2]}) as p:
        effects = nb.task(works.takes, cache=True).map(p.params["xs"])
        effects >> nb.task(works.ok, cache=True).options(name="after")(0)

    def again(*xs: int) -> str | None:
        return rt.run(p, {"xs": list(xs)}).wait(10, check=True).steps["after"].reason

    assert [again(1, 2), again(1, 2), again(1, 3), again(1, 3)] == [None, "cached", None, "cached"]


def test_what_waits_is_waited_for_anew_and_what_comes_after_it_is_cached(
    rt: VirtualRuntime, works: ModuleType
) -> None:
    with nb.pipeline("waits", cache=True) as p:
        nb.wait_for(nb.on("go"), timeout="1h", name="gate") >> nb.task(works.ok).options(name="after")(0)

    def again() -> list[str | None]:
        run = rt.run(p)
        rt.settle()
        rt.publish("go")
        return [step.reason for step in run.wait(10, check=True).steps.values()]

    assert [again()[1], again()[1]] == [None, "cached"]
    assert why(rt, p)["gate"] == ("run", ["it waits anew each time"])
