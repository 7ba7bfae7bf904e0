"""`doctor --executor` looks at real engines: whether they are there, who works for them, and what comes back."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import nbsched
from nbsched.away import dask, distant
from nbsched.away.parcel import HERE
from nbsched.core.errors import UsageError
from nbsched.engine.visiting import Visitor
from nbsched.verbs import engines, trips
from tests.away.engines import DaskCluster, Process, Redis, Worker, needs
from tests.real import free_port, until

pytestmark = pytest.mark.engines

Found = dict[str, tuple[bool, str]]
Look = Callable[..., Found]

WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "nbsched":
            raise ModuleNotFoundError("No module named 'nbsched'", name=name)
sys.meta_path.insert(0, Hidden())
"""


@pytest.fixture(scope="module")
def worker(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("celery"), redis.url, "--concurrency", "1")
    yield worker
    worker.kill()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """The address of a Dask scheduler that nobody works for."""
    needs("distributed")
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    process = Process(tmp_path, [*command, "--no-dashboard"])
    until(lambda: listens(port))
    yield f"tcp://127.0.0.1:{port}"
    process.kill()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("NBSCHED_", "CELERY_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def look_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, bool, str]]]:
    """What is found of the engine at the address; of the examination nothing is left."""

    def look(
        engine: str, address: str | None = None, notebook: str | None = None
    ) -> list[tuple[str, bool, str]]:
        if address:
            monkeypatch.setenv(
                "NBSCHED_DASK_ADDRESS" if engine == "dask" else "NBSCHED_CELERY_BROKER", address
            )
        with Visitor(tmp_path / "store.db") as rt:
            found = engines.examine(rt, engine, notebook)
            assert not list(rt.runs())
            assert not [path for path in rt.folder.glob("*") if not path.name.startswith(".seen-")]
        return [(finding["what"], finding["ok"], finding["found"]) for finding in found]

    return look


@pytest.fixture
def look(look_all: Callable[..., list[tuple[str, bool, str]]]) -> Look:
    """The same by what was looked at."""
    return lambda *asked: {what: (ok, text) for what, ok, text in look_all(*asked)}


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers do not see the folder of runs."""
    monkeypatch.setattr(distant, "_mark", lambda runs: runs / "no-such-file")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def wrong(found: Found) -> dict[str, str]:
    return {what: text for what, (ok, text) in found.items() if not ok}


def test_of_a_sound_dask_cluster_everything_is_told(look: Look, cluster: DaskCluster, tmp_path: Path) -> None:
    found = look("dask", cluster.address)
    assert not wrong(found)
    assert found["connection"][1].startswith(f"{cluster.address}, reached in ")
    workers = found["workers"][1]
    assert workers.startswith(f"2 with 1 thread room=1, {HERE}: tcp://")
    assert workers.count("tcp://") == 2
    assert found["kernel python3 of workers"][1] == "on all 2 workers"
    assert "ms, the first one " in found["round trip"][1]
    assert found["files"][1] == f"workers see the folder of runs {tmp_path / 'store.db.runs'}"


def test_files_go_through_the_url_and_are_removed(
    look: Look, cluster: DaskCluster, tmp_path: Path, unseen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = tmp_path / "between"
    monkeypatch.setenv("NBSCHED_FILES", f"file://{between}")
    found = look("dask", cluster.address)
    assert not wrong(found)
    assert found["files"][1].startswith(f"through file://{between}, written, read and removed in ")
    assert between.is_dir()
    assert not list(between.iterdir())


def test_files_that_cannot_be_put_at_the_url_are_told(
    look: Look, cluster: DaskCluster, tmp_path: Path, unseen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "between").write_text("no folder")
    monkeypatch.setenv("NBSCHED_FILES", str(tmp_path / "between"))
    assert set(problems := wrong(look("dask", cluster.address))) == {"files"}
    assert problems["files"].endswith(
        f"they go through {tmp_path / 'between'}: see that this host and the workers may write there"
    )


def test_files_go_with_messages_as_far_as_the_limit(
    look: Look, cluster: DaskCluster, unseen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look("dask", cluster.address)["files"][1].startswith("with messages, at most 64,000,000 bytes")
    monkeypatch.setenv("NBSCHED_FILES_LIMIT", "1000")
    assert "give files= in nbsched.toml" in wrong(look("dask", cluster.address))["files"]


def test_workers_of_another_version_are_named_with_both_sides(
    look: Look, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nbsched, "__version__", "99.1")
    problems = wrong(look("dask", cluster.address))
    workers = [text for what, text in problems.items() if what.startswith("worker tcp://")]
    assert len(workers) == 2
    for text in [*workers, problems["round trip"]]:
        assert f"({HERE}) has another nbsched: pip install nbsched==99.1 there" in text


def test_the_kernel_of_the_notebook_must_be_on_the_workers(
    look: Look, cluster: DaskCluster, tmp_path: Path
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import nbformat")])
    for kernel in ("python3", "nosuch"):
        notebook.metadata["kernelspec"] = {"name": kernel, "language": "python", "display_name": kernel}
        nbformat.write(notebook, tmp_path / f"{kernel}.ipynb")
    assert look("dask", cluster.address, "python3.ipynb")["kernel python3 of workers"] == (
        True, "on all 2 workers, and nbformat"
    )  # fmt: skip
    problems = wrong(look("dask", cluster.address, "nosuch.ipynb"))
    assert "has no kernel 'nosuch' (it has: " in problems["kernel nosuch of workers"]
    with pytest.raises(UsageError, match="check the path"):
        look("dask", cluster.address, "absent.ipynb")


def test_it_may_be_asked_where_a_loop_runs(look: Look, cluster: DaskCluster) -> None:
    async def ask() -> Found:
        return look("dask", cluster.address)

    assert not wrong(asyncio.run(ask()))


def test_a_cluster_without_workers_is_told_and_then_one_without_nbsched(
    look: Look, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trips, "NOBODY_S", 2)
    monkeypatch.setattr(engines, "LEASE", engines.LEASE / 10)
    problems = wrong(look("dask", scheduler))
    assert problems["workers"] == "there are none"
    assert problems["round trip"].endswith(f"the cluster has none; start one with `dask worker {scheduler}`")

    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "sitecustomize.py").write_text(WITHOUT)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--no-dashboard", "--no-nanny"]
    bare = Process(tmp_path, command, PYTHONPATH=str(tmp_path / "bare"))
    try:
        until(lambda: "Registered to" in bare.log.read_text())
        problems = wrong(look("dask", scheduler))
    finally:
        bare.kill()
    [text] = [text for what, text in problems.items() if what.startswith("worker tcp://")]
    assert text.startswith(f"it has no nbsched, or another one than {HERE} here (")
    assert "No module named" in text
    assert f"pip install nbsched=={nbsched.__version__} there" in text
    assert "workers" not in problems
    assert "a worker of Dask has no nbsched or another one" in problems["round trip"]
    assert "End worker" not in bare.log.read_text()  # it was not harmed


@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_an_address_where_nobody_is_is_told(look: Look, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("distributed" if engine == "dask" else "celery")
    monkeypatch.setattr(dask, "OPEN_S", 0.5)
    port = free_port()
    address = f"tcp://127.0.0.1:{port}" if engine == "dask" else f"redis://:geheim@127.0.0.1:{port}/0"
    problems = wrong(look(engine, address))
    assert set(problems) == {"connection"}
    assert problems["connection"].startswith(f"{address.replace('geheim', '***')} is not reached: ")
    assert f"under [{engine}] in nbsched.toml" in problems["connection"]


@pytest.mark.parametrize("engine", ["dask", "celery"])
def test_who_takes_calls_and_says_nothing_keeps_nobody_waiting(
    look: Look, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("distributed" if engine == "dask" else "celery")
    monkeypatch.setattr(engines, "REACH_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        problems = wrong(look(engine, f"tcp://{where}" if engine == "dask" else f"redis://:geheim@{where}/0"))
    assert "is not reached: no answer within 1 s" in problems["connection"]
    assert "geheim" not in str(problems)


def test_an_engine_that_is_not_installed_is_told_with_the_extra(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines.PACKAGES, "dask", "nosuch")
    found = look("dask", "tcp://127.0.0.1:1")
    assert wrong(found) == {"nosuch": "not installed: pip install 'nbsched[dask]'"}
    assert "connection" not in found


def test_of_sound_celery_workers_everything_is_told(look: Look, worker: Worker, tmp_path: Path) -> None:
    found = look("celery", worker.broker)
    assert not wrong(found)
    assert found["connection"][1].startswith(f"{worker.broker}, reached in ")
    assert found["workers"][1] == f"1 with queues nbsched, {HERE}: {worker.name}"
    assert found["kernel python3 of workers"][1] == "on the one worker"
    assert "ms, the first one " in found["round trip"][1]
    assert found["files"][1] == f"workers see the folder of runs {tmp_path / 'store.db.runs'}"


def test_settings_of_a_celery_app_that_repeat_or_stop_work_are_told(
    look_all: Any, redis: Redis, worker: Worker, tmp_path: Path
) -> None:
    theirs = (
        f"from celery import Celery\napp = Celery(broker={redis.url!r}, include=['nbsched.celery'])\n"
        "app.conf.update(broker_transport_options={'visibility_timeout': 600}, task_time_limit=300)"
    )
    bare = f"from celery import Celery\napp = Celery(broker={redis.url!r})\n"
    (tmp_path / "nbsched.toml").write_text("[celery.queues]\nroom = 'bare'\n")
    started: list[Worker] = []
    try:
        for name, text in (("theirs", theirs), ("bare", bare), ("other", bare)):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{name}.py").write_text(text)
            started.append(Worker(tmp_path / name, redis.url, "--concurrency", "1", "-Q", name, app=name))
        findings = look_all("celery", redis.url)
    finally:
        for one in started:
            one.kill()
    told = [
        [text for what, ok, text in findings if not ok and what == f"worker {one.name}"] for one in started
    ]
    assert len(told[0]) == 2
    assert told[0][0].startswith(
        "visibility_timeout is 600 s: what takes longer is given to another worker too"
    )
    assert told[0][1].startswith("its app stops tasks after 300 s")
    [without] = told[1]
    assert without.startswith("it has no task nbsched.carry: install nbsched there and give its app include=")
    assert without.endswith(" (it has queues bare)")
    assert {what for what, ok, _ in findings if not ok} == {f"worker {one.name}" for one in started[:2]}
    assert started[2].name not in str(findings)  # it works for others


def test_a_broker_that_is_not_named_is_asked_for(look: Look) -> None:
    needs("celery")
    assert wrong(look("celery"))["connection"].startswith("no broker is named: ")
