"""What is Dask's own: clusters that grow, that lack something, that go; and the one that we start ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from tests.away import remote
from tests.away.engines import DaskCluster, Process, needs
from tests.real import ends, free_port, until

pytestmark = pytest.mark.engines


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], nb.Runtime]:
    return lambda: nb.Runtime(tmp_path / "store.db", slots=1, lease="2s")


def sent(function: Callable[..., Any], **policy: Any) -> Any:
    return nb.task(function, executor="dask", **policy)


def says(run: nb.Run) -> str:
    """What its row says of it."""
    return (run.record.progress or (0, 0, ""))[2]


def test_a_run_that_no_worker_can_take_says_so_and_runs_when_one_can(
    dask: DaskCluster, opened: Callable[[], nb.Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_DASK_ADDRESS", dask.address)
    with opened() as rt:
        assert rt.run(sent(remote.where, resources={"room": 1})).wait(20).state == "succeeded"
        run = rt.run(sent(remote.where, resources={"gpu": 1}))
        until(lambda: "gpu" in says(run), 5)
        assert says(run).startswith(
            "waits for a Dask worker that offers gpu=1: start one with `dask worker tcp:"
        )
        assert says(run).endswith(' --resources "gpu=1"`')
        run.cancel()
        assert run.wait(10).state == "cancelled"


ADAPTIVE = """
import signal, sys
from distributed import LocalCluster
if __name__ == "__main__":
    port = int(sys.argv[1])
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None, scheduler_port=port) as cluster:
        if len(sys.argv) > 2:
            cluster.adapt(minimum=0, maximum=1, interval="100ms")
        signal.pause()
"""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Process]]:
    """Starts a cluster without workers, always at the same address."""
    needs("distributed")
    port, program, started = free_port(), tmp_path / "adaptive.py", list[Process]()
    program.write_text(ADAPTIVE)
    monkeypatch.setenv("NBSCHED_DASK_ADDRESS", f"tcp://127.0.0.1:{port}")

    def start(*options: str) -> Process:
        started.append(Process(tmp_path, [sys.executable, str(program), str(port), *options]))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def test_a_cluster_without_workers_is_said_and_one_that_grows_does_the_work(
    empty: Callable[..., Process], opened: Callable[[], nb.Runtime]
) -> None:
    with opened() as rt:
        run = rt.run(sent(remote.where))
        until(lambda: "waits for Dask" in says(run))  # there is not even a scheduler
        first = empty()
        until(lambda: says(run).startswith("waits for a Dask worker: the cluster has none; start "))
        first.kill()
        empty("adaptive")
        assert run.wait(40).state == "succeeded"


def test_the_cluster_of_this_process_is_taken_and_left_as_it_is(
    dask: DaskCluster, opened: Callable[[], nb.Runtime]
) -> None:
    from distributed import Client

    with Client(dask.address) as client:
        known = set(client.scheduler_info(n_workers=-1)["workers"])
        there = set(client.run(os.getpid).values())
        with opened() as rt:
            assert rt.run(sent(remote.where)).wait(20).result in there
        assert set(client.scheduler_info(n_workers=-1)["workers"]) == known
        assert client.submit(sum, [1, 2]).result() == 3


def test_work_in_flight_outlives_a_scheduler_that_is_killed_and_comes_again(
    empty: Callable[..., Process], opened: Callable[[], nb.Runtime], tmp_path: Path
) -> None:
    go, log, first = tmp_path / "go", tmp_path / "log", empty("adaptive")
    with opened() as rt:
        over = rt.run(sent(remote.notes), {"path": str(log), "text": "over"}).wait(40)
        run = rt.run(sent(remote.slow), {"path": str(go)})
        until(lambda: run.log == "begun\n")
        first.kill()
        waits = rt.run(sent(remote.notes), {"path": str(log), "text": "waits"})
        empty("adaptive")
        until(lambda: run.attempt == 2, 40)
        go.touch()
        assert run.wait(40).result == 2
        assert waits.wait(40).state == over.state == "succeeded"
    assert [attempt.outcome for attempt in run.attempts] == ["lost", "succeeded"]
    assert log.read_text().split() == ["over", "waits"]


OWN = """
import sys
import nbsched as nb
from tests.away import remote
if __name__ == "__main__":
    with nb.Runtime(sys.argv[1]) as rt:
        print(rt.run(nb.task(remote.where, executor="dask")).wait(60, check=True).result, flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["end", "kill"])
def test_workers_of_our_own_end_with_the_host_that_started_them(tmp_path: Path, how: str) -> None:
    needs("distributed")
    env = {name: value for name, value in os.environ.items() if not name.startswith("NBSCHED_DASK")}
    (tmp_path / "nbsched.toml").write_text("[dask]\nworkers = 1\n")
    (tmp_path / "own.py").write_text(OWN)
    host = subprocess.Popen(
        [sys.executable, "own.py", "store.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path,
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert host.stdout
    assert host.stdin
    worker = int(host.stdout.readline())
    host.send_signal(signal.SIGKILL if how == "kill" else signal.SIGCONT)
    host.stdin.close()
    assert host.wait(20) == (-signal.SIGKILL if how == "kill" else 0)
    host.stdout.close()
    assert ends(worker)
