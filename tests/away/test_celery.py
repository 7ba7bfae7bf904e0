"""What is Celery's own: its queues, its broker, and what becomes of messages when workers and brokers go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

import nbsched as nb
from tests.away import remote
from tests.away.engines import Redis, Worker, needs
from tests.real import ends, until

pytestmark = pytest.mark.engines

SLOW = nb.task(remote.slow, executor="celery", name="slow")
NOTES = nb.task(remote.notes, executor="celery", name="notes")
WHERE = nb.task(remote.where, executor="celery", name="where")


@pytest.fixture
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Redis]:
    """A server of this test's own."""
    needs("celery", "redis-server")
    (tmp_path / "redis").mkdir()
    server = Redis(tmp_path / "redis", keeps=getattr(request, "param", False))
    yield server
    server.kill()


@pytest.fixture
def workers(tmp_path: Path, own: Redis) -> Iterator[Any]:
    started: list[Worker] = []

    def start(*options: str, **more: str) -> Worker:
        folder = tmp_path / f"worker{len(started)}"
        folder.mkdir()
        started.append(Worker(folder, own.url, *options, **more))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    opened: list[nb.Runtime] = []

    def open(server: Redis, lease: str = "2s") -> nb.Runtime:
        monkeypatch.setenv("NBSCHED_CELERY_BROKER", server.url)
        opened.append(nb.Runtime(tmp_path / "store.db", slots=1, lease=lease).start())
        return opened[-1]

    yield open
    for rt in opened:
        rt.close()


def begun(go: Path) -> list[str]:
    """Process and attempt of each that has begun, one after the other."""
    found = Path(f"{go}.begun")
    return found.read_text().split() if found.exists() else []


def outcomes(run: nb.Run) -> list[str | None]:
    return [attempt.outcome for attempt in run.attempts]


def progress(run: nb.Run) -> str:
    return str(run.record.progress)


def unacked(server: Redis) -> int:
    with server.client() as client:
        return int(client.hlen("unacked"))


def restore(server: Redis) -> None:
    """What no worker has acknowledged is delivered again, as when the visibility timeout is over."""
    from kombu import Connection

    with Connection(server.url, transport_options={"visibility_timeout": 0}) as connection:
        connection.default_channel.qos.restore_visible()


def test_a_killed_worker_s_message_is_nobody_s_when_it_comes_out_again(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    """Nor is what the worker had only fetched lost with it."""
    worker, rt, go = workers("-c", "1", "--prefetch-multiplier", "4"), runtime(own), tmp_path / "go"
    run = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    fetched = rt.run(WHERE)
    until(lambda: unacked(own) == 2)
    worker.kill()
    until(lambda: run.attempt == 2)
    assert unacked(own) == 2
    worker.start()
    until(lambda: begun(go)[3:] == ["2"])
    go.touch()
    assert (run.wait(20).result, outcomes(run)) == (2, ["lost", "succeeded"])
    assert (fetched.wait(20).state, outcomes(fetched)) == ("succeeded", ["succeeded"])
    restore(own)
    until(lambda: unacked(own) == 0)
    assert rt.run(WHERE).wait(20).state == "succeeded"
    assert (len(begun(go)), run.result) == (4, 2)


def test_a_whole_worker_that_is_stopped_is_given_up_and_its_end_is_nobody_s(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    first, rt, go = workers("-c", "1"), runtime(own), tmp_path / "go"
    run = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    first.signal(signal.SIGSTOP)
    workers("-c", "1")
    until(lambda: begun(go)[3:] == ["2"])
    go.touch()
    assert run.wait(20).result == 2
    first.signal(signal.SIGCONT)
    until(lambda: unacked(own) == 0)
    assert (run.result, outcomes(run), len(begun(go))) == (2, ["lost", "succeeded"], 4)


def test_a_worker_that_is_asked_to_end_ends_its_work_first(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    worker, rt, go = workers("-c", "1"), runtime(own), tmp_path / "go"
    run = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    worker.process.send_signal(signal.SIGTERM)
    until(lambda: "Warm shutdown" in "".join(path.read_text() for path in worker.folder.glob("*.log")))
    go.touch()
    assert (run.wait(20).result, outcomes(run)) == (1, ["succeeded"])
    assert worker.process.wait(10) == 0


@pytest.mark.parametrize("own", [False, True], indirect=True, ids=["forgets", "remembers"])
def test_a_broker_that_is_killed_and_started_again_loses_no_work(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    """What was over is not repeated, what runs goes on, what waited is sent again and done once."""
    workers("-c", "1")
    rt, go, log = runtime(own, lease="6s"), tmp_path / "go", tmp_path / "log"
    assert rt.run(NOTES, {"path": str(log), "text": "over"}).wait(20).state == "succeeded"
    runs = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    waiting = [rt.run(NOTES, {"path": str(log), "text": text}, key=text) for text in ("one", "two")]
    until(lambda: all(run.state == "running" for run in waiting))
    with own.client() as client:
        until(lambda: client.llen("nbsched") + client.llen("nbsched\x06\x163") > 0)
    own.kill()
    own.start()
    go.touch()
    assert (runs.wait(20).result, outcomes(runs)) == (1, ["succeeded"])
    for run in waiting:
        assert (run.wait(40).state, outcomes(run)) == ("succeeded", ["succeeded"])
    assert sorted(log.read_text().split()) == ["one", "over", "two"]


def test_work_that_is_cancelled_while_it_waits_is_not_begun(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    workers("-c", "1")
    rt, go, log = runtime(own), tmp_path / "go", tmp_path / "log"
    slow = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    waits = rt.run(NOTES, {"path": str(log), "text": "cancelled"})
    until(lambda: waits.state == "running")
    waits.cancel()
    assert waits.wait(10).state == "cancelled"
    go.touch()
    slow.wait(10)
    assert rt.run(NOTES, {"path": str(log), "text": "after"}).wait(10).state == "succeeded"
    assert log.read_text() == "after\n"


def test_a_resource_is_a_queue_and_one_that_nobody_takes_from_is_told(
    own: Redis, workers: Any, runtime: Any
) -> None:
    rt = runtime(own)
    run = rt.run(WHERE.options(resources={"gpu": 1}))
    until(lambda: "none answers: start one with `celery -A nbsched worker`" in progress(run))
    workers("-c", "1")
    until(lambda: "start one with `celery -A nbsched worker -Q gpu`" in progress(run))
    plain = rt.run(WHERE).wait(20)
    gpu = workers("-c", "1", "-Q", "gpu")
    assert run.wait(20).result in gpu.children()
    assert plain.result not in gpu.children()
    two = rt.run(WHERE.options(resources={"gpu": 1, "big": 1}, retries=3)).wait(20)
    assert (two.state, two.attempt) == ("failed", 1)
    assert "'where' needs gpu, big, and a Celery run goes to one queue: give it one resource" in two.error


def test_a_worker_that_knows_nothing_of_nbsched_is_named(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    program = tmp_path / "foreign.py"
    program.write_text("import os, celery\napp = celery.Celery(broker=os.environ['NBSCHED_CELERY_BROKER'])\n")
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        foreign = workers("-c", "1", "-Q", "nbsched", app="foreign")
    finally:
        del os.environ["PYTHONPATH"]
    run = runtime(own).run(WHERE.options(retries=3)).wait(20)
    assert (run.state, run.attempt) == ("failed", 1)
    assert f"'where' was sent by nbsched {nb.__version__}" in run.error
    assert (
        f"and the Celery worker {foreign.name}, which takes from the queue 'nbsched', has no task"
        in run.error
    )


def test_a_team_s_own_app_and_a_pool_of_threads_carry_work_out(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    program = tmp_path / "team.py"
    program.write_text(
        "import os, celery\n"
        "app = celery.Celery(broker=os.environ['NBSCHED_CELERY_BROKER'], include=['nbsched.celery'])\n"
    )
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        workers("-c", "2", "-P", "threads", "-Q", "celery,nbsched", app="team")
    finally:
        del os.environ["PYTHONPATH"]
    rt, go = runtime(own), tmp_path / "go"
    run = rt.run(SLOW, {"path": str(go)})
    until(lambda: len(begun(go)) == 2)
    restore(own)  # as a visibility timeout shorter than the work would
    assert rt.run(WHERE).wait(20).result == int(begun(go)[0])
    go.touch()
    assert (run.wait(20).result, outcomes(run), len(begun(go))) == (1, ["succeeded"], 2)


def test_a_broker_that_is_not_there_is_waited_for(own: Redis, workers: Any, runtime: Any) -> None:
    own.kill()
    rt = runtime(own)
    run = rt.run(WHERE)
    until(lambda: "waits for Celery: " in progress(run))
    own.start()
    workers("-c", "1")
    assert run.wait(20).state == "succeeded"
    rt.close()
    with own.client() as client:
        left = [key.decode() for key in client.keys("nbsched*")]
        assert all(client.pttl(key) > 0 for key in left), left


def test_nothing_connects_before_there_is_work() -> None:
    program = (
        "import nbsched.celery, nbsched.away.celery, psutil; print(len(psutil.Process().net_connections()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "NBSCHED_CELERY_BROKER": "redis://127.0.0.1:1/0"},
    )  # fmt: skip
    assert found.stdout == "0\n"


def test_nothing_of_what_a_killed_pool_process_had_begun_is_left(
    own: Redis, workers: Any, runtime: Any, tmp_path: Path
) -> None:
    worker, rt, pids = workers("-c", "1"), runtime(own), tmp_path / "pids"
    task = nb.task(remote.has_children, executor="celery", where="process")
    run = rt.run(task, {"path": str(pids)})
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    first = [int(pid) for pid in pids.read_text().split()]
    for child in psutil.Process(worker.pid).children():
        child.kill()
    assert all(map(ends, first))
    until(lambda: [int(pid) for pid in pids.read_text().split()] != first and run.attempt == 2)
    second = [int(pid) for pid in pids.read_text().split()]
    run.cancel()
    assert run.wait(20).state == "cancelled"
    assert all(map(ends, second))
