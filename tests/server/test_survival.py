"""Schedules and runs outlive the kernel that made them and the server that fires them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jupyter_client import KernelManager

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.real import is_alive, until

Serve = Callable[..., Any]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Runs a cell in a real kernel; called with nothing, kills it."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "NBSCHED_STORE": str(tmp_path / "store.db")})
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def run(source: str = "") -> None:
        if not source:
            manager.shutdown_kernel(now=True)
            return
        reply = client.execute_interactive(source, timeout=60, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def notebook(path: Path, source: str) -> Path:
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "execution_count": None,
            "source": source}  # fmt: skip
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": [cell], "metadata": spec, "nbformat": 4, "nbformat_minor": 5}))
    return path


def processes_of(store: Path) -> list[int]:
    """The processes that work for the store, but for this one."""
    mark, found = f"NBSCHED_STORE={store}".encode(), []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (one / "environ").read_bytes().split(b"\0") and is_alive(int(one.name)):
                found.append(int(one.name))
    return found


def server_hosts(visitor: Visitor) -> set[str]:
    return {host.id for host in visitor.hosts() if host.kind == "server"}


def succeeded(visitor: Visitor, schedule: str) -> int:
    return len(visitor.runs("succeeded", schedule=schedule, limit=None))


def test_a_notebook_scheduled_in_a_kernel_goes_on_when_the_kernel_is_killed(
    serve: Serve, kernel: Callable[..., None], visitor: Visitor, tmp_path: Path
) -> None:
    serve()
    notebook(tmp_path / "work.ipynb", "print('work')")
    kernel("%load_ext nbsched")
    kernel("%schedule 'every 1s' work.ipynb --name work")
    until(lambda: succeeded(visitor, "work") >= 1, 40)
    kernel()
    before = succeeded(visitor, "work")
    until(lambda: succeeded(visitor, "work") >= before + 2, 40)
    visitor.pause("work")
    hosts = {attempt.host for run in visitor.runs(schedule="work", limit=None) for attempt in run.attempts}
    assert hosts <= server_hosts(visitor), "beside a server the kernel leaves to it what it has scheduled"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restarted_server_takes_its_schedules_up_and_accounts_for_every_instant(
    serve: Serve, visitor: Visitor, works: ModuleType, tmp_path: Path, end: str
) -> None:
    server = serve("--NbschedExtension.lease=1s")
    log = str(tmp_path / "ticks")
    visitor.schedule(
        works.tick, nb.every("500ms"), name="ticks", missed="all", overlap="allow", params={"log": log}
    )
    until(lambda: succeeded(visitor, "ticks") >= 2, 40)
    getattr(server, end)()
    before = succeeded(visitor, "ticks")
    threading.Event().wait(1.5)
    assert succeeded(visitor, "ticks") == before
    serve("--NbschedExtension.lease=1s")
    until(lambda: succeeded(visitor, "ticks") >= before + 4, 40)
    visitor.pause("ticks")
    until(lambda: not visitor.runs("running") and not visitor.runs("queued"))
    instants = sorted(run.scheduled_at for run in visitor.runs(schedule="ticks", limit=None))
    assert {after - before for before, after in pairwise(instants)} == {timedelta(milliseconds=500)}


def test_two_servers_on_one_store_never_fire_an_instant_twice(
    serve: Serve, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    serve()
    serve()
    assert len(server_hosts(visitor)) == 2
    log = tmp_path / "ticks"
    visitor.schedule(works.tick, nb.every("300ms"), name="ticks", missed="all", overlap="allow",
                     params={"log": str(log)})  # fmt: skip
    until(lambda: succeeded(visitor, "ticks") >= 8, 40)
    visitor.pause("ticks")
    until(lambda: not visitor.runs("running") and not visitor.runs("queued"))
    runs = visitor.runs(schedule="ticks", limit=None)
    assert len({run.scheduled_at for run in runs}) == len(runs) == len(log.read_text().split())
    assert {run.attempt for run in runs} == {1}


def test_the_same_schedule_again_after_a_restart_keeps_its_next_time(
    serve: Serve, visitor: Visitor, works: ModuleType
) -> None:
    server = serve()
    first = visitor.schedule(works.pid, "@daily", name="daily").next_at
    server.stop()
    serve()
    assert visitor.schedule(works.pid, "@daily", name="daily").next_at == first
    assert len(visitor.schedules()) == 1


def test_what_ran_in_a_killed_server_runs_again_and_leaves_no_process(
    serve: Serve, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    server = serve("--NbschedExtension.lease=1s")
    run = visitor.run(works.until_there, {"path": str(there)})
    until(Path(f"{there}.begun").exists, 30)
    until(lambda: run.attempts[0].pid)
    server.kill()
    until(lambda: not processes_of(server.store), 20)
    serve("--NbschedExtension.lease=1s")
    until(lambda: run.attempt == 2, 30)
    there.touch()
    assert run.wait(30).state == "succeeded"
    assert run.result == run.attempts[1].pid


def test_a_server_that_stops_asks_its_work_to_stop_and_leaves_it_to_others(
    serve: Serve, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    server = serve()
    run = visitor.run(works.until_there, {"path": str(there)})
    until(Path(f"{there}.begun").exists, 30)
    until(lambda: run.attempts[0].pid)
    server.stop()
    assert server.process.returncode == 0
    until(lambda: not processes_of(server.store), 20)
    assert (run.state, visitor.hosts()) == ("queued", [])
    there.touch()
    serve()
    assert run.wait(30).state == "succeeded"
    assert run.attempt == 2
