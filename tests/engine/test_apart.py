"""A host in a process that serves others, as the Jupyter server is: nobody's code runs in that process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.model import Function, Wait
from nbsched.core.steps import BUILDING, data
from nbsched.core.work import placed
from nbsched.engine.runtime import Runtime
from nbsched.executors import lookup
from nbsched.executors.valuefiles import KINDS
from nbsched.executors.values import LARGE
from tests.engine.conftest import wait_until

FUNCTIONS = """
import os, pathlib, threading
import nbsched as nb

def pid():
    print("hello from", os.getpid())
    nb.emit(run=nb.context().run_id)
    return os.getpid()

async def later():
    return os.getpid()

def slow():
    threading.Event().wait(60)

def bad():
    raise ValueError("no")

def frame():
    import pandas
    return pandas.DataFrame({"x": [1, 2]})

def array():
    import numpy
    return numpy.arange(3)

def sizes(frame, arrays, whole):
    return [len(frame), [int(one.sum()) for one in arrays], whole["n"], os.getpid()]

def there(path):
    with open(path + ".pids", "a") as pids:
        print(os.getpid(), file=pids)
    return os.path.exists(path)

def told(run):
    pathlib.Path(__file__).with_name("told").write_text(f"{run.id} {run.state} {run.result} {os.getpid()}")

async def told_badly(run):
    raise ValueError("no telling")

def told_dying(run):
    os._exit(3)

def twice(x):
    return 2 * x
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Runtime]:
    with Runtime(tmp_path / "store.db", slots=4, kind="server") as runtime:
        yield runtime


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Callable[..., Function]]:
    """Work by the file's functions, which this process must not load."""
    path = tmp_path / "functions.py"
    path.write_text(FUNCTIONS)
    yield lambda name, **facts: Function(name=name, ref=f"{path}:{name}", **facts)
    assert str(path) not in lookup._files, "this process has run the file"


def test_a_function_that_would_run_in_a_thread_has_a_process_of_its_own(
    server: Runtime, functions: Callable[..., Function]
) -> None:
    run = server.run(functions("pid")).wait(30, check=True)
    assert run.result != os.getpid()
    assert run.values == {"run": run.id}
    assert run.log == f"hello from {run.result}\n"
    assert run.attempts[0].pid == run.result
    assert server.run(functions("later")).wait(30, check=True).result != os.getpid()


def test_it_fails_and_times_out_as_in_a_thread(server: Runtime, functions: Callable[..., Function]) -> None:
    failed, late = server.run(functions("bad")), server.run(functions("slow"), timeout="300ms")
    assert str(failed.wait(30).error) == "ValueError: no"
    assert (late.wait(30).state, late.reason) == ("failed", "timeout")


def test_many_short_ones_are_carried_out_too(server: Runtime, functions: Callable[..., Function]) -> None:
    runs = [server.run(functions("twice", params={"x": x})) for x in range(12)]
    assert [run.wait(50, check=True).result for run in runs] == [2 * x for x in range(12)]


def test_frames_and_arrays_are_read_where_they_are_used(
    server: Runtime, functions: Callable[..., Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_here(path: Path) -> None:
        raise AssertionError(path)

    for kind in LARGE:
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], read=read_here))
    with nb.pipeline("frames") as pipeline:
        work: Any = {name: as_step(functions(name)) for name in ("frame", "array")}
        sizes = as_step(functions("sizes"), frame=work["frame"], arrays=[work["array"]], whole={"n": 3})
    run = pipeline.run().wait(50, check=True)
    *found, pid = run.steps[sizes.name].result
    assert found == [2, [3], 3]
    assert pid != os.getpid()


def test_a_predicate_is_asked_in_a_process_of_its_own(
    server: Runtime, functions: Callable[..., Function], tmp_path: Path
) -> None:
    awaited = tmp_path / "awaited"
    ref = functions("there").ref
    run = server.run(Wait(name="there", ref=ref, params={"path": str(awaited)}, poke="100ms"))
    pids = Path(f"{awaited}.pids")
    wait_until(server, lambda: pids.exists() and len(pids.read_text().split()) > 1)
    awaited.touch()
    assert run.wait(30, check=True).result is True
    asked = set(map(int, pids.read_text().split()))
    assert len(asked) > 2
    assert os.getpid() not in asked


def test_a_hook_is_called_in_a_process_of_its_own(
    server: Runtime, functions: Callable[..., Function], tmp_path: Path
) -> None:
    hook = {"call": functions("told").ref}
    run = server.run(functions("pid", policy={"on_success": hook})).wait(30, check=True)
    told = tmp_path / "told"
    wait_until(server, lambda: told.exists() and told.read_text())
    number, state, result, pid = told.read_text().split()
    assert (int(number), state, int(result)) == (run.id, "succeeded", run.result)
    assert int(pid) not in (os.getpid(), run.result)


@pytest.mark.parametrize(
    ("hook", "error"),
    [
        ("told_badly", "ValueError('no telling')"),
        ("told_dying", "its process ended before it returned (exit status 3)"),
    ],
)
def test_a_hook_that_fails_there_is_told_of(
    server: Runtime, functions: Callable[..., Function], hook: str, error: str
) -> None:
    run = server.run(functions("pid", policy={"on_success": {"call": functions(hook).ref}})).wait(30)
    wait_until(server, lambda: server.events(name="handler.failed"))
    data = server.events(name="handler.failed")[0].data
    assert (data["handler"], data["run"], data["error"]) == ("on_success", run.id, error)


def test_code_is_told_apart_without_running_the_package_that_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbsched.engine.code import code_of

    package = tmp_path / "pack_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('it has been run')")
    (package / "tasks.py").write_text("def work():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    code = code_of(Function(name="work", ref="pack_of_mine.tasks:work"))
    assert code.source["path"] == str(package / "tasks.py")
    assert "pack_of_mine" not in sys.modules


def as_step(work: Function, **params: Any) -> Any:
    return placed(replace(work, params=data(params, work.name, BUILDING.get())), None, {})
