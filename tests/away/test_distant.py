"""What any engine must do: the same work, sent to workers of Dask and of Celery."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import nbsched as nb
from nbsched.away import distant
from nbsched.kernels.reading import NotebookReader
from tests.away import remote
from tests.away.engines import Process
from tests.real import ends, until

pytestmark = pytest.mark.engines

LEASE = "2s"


@pytest.fixture
def rt(tmp_path: Path, engine: str) -> Iterator[nb.Runtime]:
    with nb.Runtime(tmp_path / "store.db", slots=1, lease=LEASE) as runtime:
        yield runtime


@pytest.fixture
def sent(engine: str) -> Callable[..., Any]:
    return lambda function, **policy: nb.task(function, executor=engine, **policy)


def pid_in(path: Path) -> int:
    until(lambda: path.exists() and path.read_text().split())
    return int(path.read_text().split()[0])


def test_every_kind_of_work_is_carried_out_as_at_home(rt: nb.Runtime, engine: str, tmp_path: Path) -> None:
    report = tmp_path / "report.ipynb"
    cells = [
        nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import nbsched as nb\nnb.emit(twice=2 * n)\nprint('cell says', n)"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), report)
    with nb.pipeline("every", executor=engine) as p:
        made = nb.task(remote.frame)(n=5)
        nb.task(remote.total)(made["frame"], by=2)
        nb.task(remote.total, where="process", name="process")(made["frame"], by=3)
        nb.task(remote.told)()
        nb.shell("echo $NBSCHED_RUN from the shell", name="shell")
        nb.notebook(report, params={"n": 4})
        nb.cell("import nbsched as nb; nb.emit(answer=6 * 7)", name="cell", where="process")
    run = rt.run(p).wait(60, check=True)
    steps = run.steps
    assert (steps["total"].result, steps["process"].result) == (20, 30)
    assert list(steps["frame"].result["frame"]["x"]) == [0, 1, 2, 3, 4]
    assert steps["frame"].values["rows"] == 5
    assert steps["frame"].log == "a frame is made\n"
    assert steps["told"].result == [steps["told"].id, 1, "every", "told"]
    assert steps["shell"].log == f"{steps['shell'].id} from the shell\n"
    assert steps["report"].values == {"twice": 8}
    assert "cell says 4" in Path(steps["report"].output or "").read_text()
    assert steps["cell"].values == {"answer": 42}


@pytest.mark.parametrize("way", ["messages", "folder", "objects"])
def test_workers_that_do_not_see_the_folder_of_runs_get_and_give_every_file(
    rt: nb.Runtime, engine: str, bucket: str, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "_mark", lambda runs: tmp_path / "nobody-sees-this")
    files = {"messages": "", "folder": str(tmp_path / "shared"), "objects": bucket}[way]
    monkeypatch.setenv("NBSCHED_FILES", files)
    report, go = tmp_path / "report.ipynb", tmp_path / "go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)"
    cells = [
        nbformat.v4.new_code_cell(source) for source in ("print('cell one')", wait, "print('cell three')")
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), report)
    with nb.pipeline("apart", executor=engine) as p:
        made = nb.task(remote.frame)(n=5)
        nb.task(remote.total)(made["frame"], by=2)
        nb.task(remote.total, where="process", name="process")(made["frame"], by=3)
        nb.notebook(report, output=tmp_path / "copy.ipynb")
    run = rt.run(p)
    until(lambda: "cell one" in str(shown(run.steps["report"])), 30)
    assert "cell three" not in str(shown(run.steps["report"]))
    go.touch()
    steps = run.wait(60, check=True).steps
    assert (steps["total"].result, steps["process"].result) == (20, 30)
    assert list(steps["frame"].result["frame"]["x"]) == [0, 1, 2, 3, 4]
    assert "cell three" in str(shown(steps["report"]))
    output = Path(steps["report"].output or "")
    assert output.is_relative_to(tmp_path / "store.db.runs")
    assert {path.name for path in output.parent.iterdir()} == {"report.ipynb", "kernel.log"}
    assert "cell three" in (tmp_path / "copy.ipynb").read_text()
    until(lambda: nothing_lies_at(files))


def nothing_lies_at(files: str) -> bool:
    from fsspec.core import url_to_fs

    system, place = url_to_fs(files)
    system.invalidate_cache()
    return not files or system.find(place) == []


def shown(run: nb.Run) -> list[Any]:
    """The outputs of a run's notebook as they are now."""
    if run.output is None:
        return []
    return [cell.get("outputs") for cell in NotebookReader(Path(run.output)).read().cells.values()]


def test_what_it_prints_is_seen_while_it_runs(rt: nb.Runtime, sent: Any, tmp_path: Path) -> None:
    run = rt.run(sent(remote.slow), {"path": str(tmp_path / "go")})
    until(lambda: run.log == "begun\n")
    assert run.state == "running"
    (tmp_path / "go").touch()
    assert run.wait(10).result == 1


def test_the_cells_of_a_notebook_are_seen_as_they_go(rt: nb.Runtime, engine: str, tmp_path: Path) -> None:
    report, go = tmp_path / "report.ipynb", tmp_path / "go"
    sources = [
        "print('one')",
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)",
        "1 / 0",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), report)
    run = rt.run(nb.notebook(report, executor=engine))
    until(lambda: (run.record.progress or ())[:2] == (1, 3))
    go.touch()
    assert run.wait(20).error == "ZeroDivisionError: division by zero"
    made = nbformat.read(run.output or "", as_version=4)
    counts = [cell.execution_count for cell in made.cells if cell.cell_type == "code"]
    assert counts == [1, 2, 3]


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_what_is_stopped_leaves_no_process(rt: nb.Runtime, sent: Any, tmp_path: Path, how: str) -> None:
    options = {"timeout": "1s"} if how == "timeout" else {}
    pids = tmp_path / "pids"
    run = rt.run(sent(remote.has_children, where="process", grace="1s", **options), {"path": str(pids)})
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    if how == "cancel":
        run.cancel()
    run.wait(20)
    assert (run.state, run.reason) == (("cancelled", None) if how == "cancel" else ("failed", "timeout"))
    assert all(ends(int(pid)) for pid in pids.read_text().split())


def test_a_failure_is_tried_again_and_told_with_its_traceback(rt: nb.Runtime, sent: Any) -> None:
    run = rt.run(sent(remote.fails, retries=1), {"least": 2}).wait(20)
    assert (run.result, [attempt.outcome for attempt in run.attempts]) == (2, ["failed", "succeeded"])
    run = rt.run(sent(remote.fails), {"least": 9}).wait(20)
    assert run.error == "OSError: not yet"
    assert 'raise OSError("not yet")' in run.error.traceback


def test_what_is_known_already_is_not_sent_again(rt: nb.Runtime, sent: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    noted = sent(remote.notes, cache=True)
    for reason in (None, "cached"):
        run = rt.run(noted, {"path": str(log), "text": "once"}).wait(20)
        assert (run.state, run.reason, run.result) == ("succeeded", reason, "once")
    assert log.read_text() == "once\n"


def test_a_kernel_that_no_worker_has_is_said_before_the_work_starts(
    rt: nb.Runtime, engine: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.ipynb"
    kernel = {"kernelspec": {"name": "nowhere", "display_name": "Nowhere"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")], metadata=kernel), report)
    run = rt.run(nb.notebook(report, executor=engine, retries=3)).wait(20)
    assert (run.state, run.attempt) == ("failed", 1)
    assert "'report' was sent by nbsched" in run.error
    assert "has no kernel 'nowhere' (it has: " in run.error


def test_secrets_are_those_of_the_worker(
    rt: nb.Runtime, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = nb.shell(
        'echo "$ONLY_THERE"; test "$ONLY_THERE" = hunter2there', executor=engine, secrets="ONLY_THERE"
    )
    monkeypatch.setenv("ONLY_THERE", "hunter2here")
    run = rt.run(there).wait(20, check=True)
    assert "hunter2" not in run.log
    monkeypatch.setenv("ONLY_HERE", "hunter2here")
    here = nb.shell('test "$ONLY_HERE" = hunter2here', executor=engine, secrets="ONLY_HERE")
    run = rt.run(here).wait(20)
    if engine == "dask":
        assert run.state == "succeeded"
    else:
        assert (run.state, run.attempt) == ("failed", 1)
        assert "the secret ONLY_HERE is not sent through Celery" in run.error


def test_work_whose_worker_is_killed_gets_another_attempt(rt: nb.Runtime, sent: Any, tmp_path: Path) -> None:
    began = time.monotonic()
    run = rt.run(sent(remote.dies), {"path": str(tmp_path / "pid")}).wait(30)
    assert (run.state, run.result) == ("succeeded", 2), run.error
    assert [attempt.outcome for attempt in run.attempts] == ["lost", "succeeded"]
    assert time.monotonic() - began < 15


def test_a_worker_that_hangs_is_given_up(rt: nb.Runtime, sent: Any, tmp_path: Path) -> None:
    go = tmp_path / "go"
    run = rt.run(sent(remote.slow), {"path": str(go)})
    first = pid_in(Path(f"{go}.begun"))
    os.kill(first, signal.SIGSTOP)
    try:
        until(lambda: run.attempt == 2)
        go.touch()
        assert run.wait(20).result == 2
    finally:
        os.kill(first, signal.SIGCONT)
    assert rt.run(sent(remote.where)).wait(20).state == "succeeded"
    assert (run.result, [attempt.outcome for attempt in run.attempts]) == (2, ["lost", "succeeded"])


HOST = """
import sys
import nbsched as nb
from nbsched.away import distant
from nbsched.kernels.reading import NotebookReader
from tests.away import remote
if __name__ == "__main__":
    with nb.Runtime(sys.argv[1], lease="2s") as rt:
        if len(sys.argv) > 2:
            rt.run(nb.task(remote.slow, executor=sys.argv[3]), {"path": sys.argv[2]})
        sys.stdin.read()
        import signal; signal.pause()
"""


def test_what_its_killed_host_had_sent_stops_and_another_host_goes_on(
    engine: str, sent: Any, tmp_path: Path
) -> None:
    import sys

    go, program, store = tmp_path / "go", tmp_path / "host.py", tmp_path / "store.db"
    program.write_text(HOST)
    command = [sys.executable, str(program), str(store), str(go), engine]
    host = Process(tmp_path, command, PYTHONPATH=str(Path(__file__).parents[2]))
    begun = Path(f"{go}.begun")
    first = pid_in(begun)
    host.kill()
    with nb.Runtime(store, lease=LEASE) as rt:
        until(lambda: begun.read_text().split()[2:])
        run = rt.get_run(1)
        assert (run.state, begun.read_text().split()[3]) == ("running", "2")
        assert rt.run(sent(remote.where)).wait(6).result == first
        go.touch()
        assert run.wait(20).result == 2


def test_a_worker_of_another_version_is_told_with_both_sides(
    rt: nb.Runtime, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nb, "__version__", "0.0.1")
    run = rt.run(sent(remote.where, retries=3)).wait(20)
    assert (run.state, run.attempt) == ("failed", 1)
    assert "has another nbsched: pip install nbsched==0.0.1 there" in run.error
    assert "the worker" in run.error


def test_many_short_functions_all_end_once(rt: nb.Runtime, sent: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    runs = [rt.run(sent(remote.notes), {"path": str(log), "text": f"{n}"}) for n in range(60)]
    assert [run.wait(30).result for run in runs] == [f"{n}" for n in range(60)]
    assert sorted(map(int, log.read_text().split())) == list(range(60))
