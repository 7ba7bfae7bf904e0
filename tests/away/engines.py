"""Real engines in processes of their own: what starts, stops and asks them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil  # type: ignore[import-untyped]
import pytest

from tests.real import free_port, kill, until


def needs(module: str, program: str | None = None) -> None:
    """Skips where the engine is not installed; on CI that is a failure."""
    try:
        __import__(module)
        missing = None if program is None or shutil.which(program) else f"{program} is not on PATH"
    except ImportError:
        missing = f"{module} is not installed"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


class Process:
    """A program with its output in a file, which ends with the test."""

    def __init__(self, folder: Path, command: list[str], **env: str) -> None:
        self.folder, self.command, self.env = folder, command, env
        self.log = folder / "output.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                env={**os.environ, **self.env},
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]

    def signal(self, number: int) -> None:
        """It and all that it has started."""
        for pid in [self.pid, *self.children()]:
            os.kill(pid, number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        kill(self.process)

    def end(self) -> None:
        """Asked to, in good order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


class Redis(Process):
    """A server, which forgets everything when it ends unless it keeps it on the disk."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self.port = free_port()
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            ".",
        ]
        super().__init__(folder, [*command, "--appendonly", "yes" if keeps else "no"])

    def start(self) -> None:
        super().start()
        until(self.answers)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        import redis

        return redis.Redis(port=self.port, socket_timeout=5, retry=None)

    def answers(self) -> bool:
        import redis

        client = self.client()
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        finally:
            client.close()


class ObjectStore(Process):
    """What speaks like S3, with a bucket; `names` is the environment in which it is found."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.names = {
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
            "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }  # fmt: skip
        super().__init__(
            folder, [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        )

    def start(self) -> None:
        super().start()
        until(self.answers)
        with urlopen(Request(f"{self.names['FSSPEC_S3_ENDPOINT_URL']}/bucket", method="PUT")):
            pass

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Worker(Process):
    """A Celery worker of two processes."""

    def __init__(
        self,
        folder: Path,
        broker: str,
        *options: str,
        app: str = "nbsched",
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.broker, self.name = broker, f"w{free_port()}@test"
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "-n", self.name, *options]
        env = {"NBSCHED_CELERY_BROKER": broker, "ONLY_THERE": "hunter2there", **(names or {})}
        super().__init__(
            folder, [*command, "--loglevel", "INFO", "--without-mingle", "--without-gossip"], **env
        )

    def start(self) -> None:
        super().start()
        until(self.answers)

    def answers(self) -> bool:
        from celery import Celery

        with Celery(broker=self.broker, set_as_current=False) as app:
            return bool(app.control.inspect([self.name], timeout=0.3).ping())


DASK = """
import os, signal, sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, resources={"room": 1}) as cluster:
        open(sys.argv[1] + ".part", "w").write(cluster.scheduler_address)
        os.rename(sys.argv[1] + ".part", sys.argv[1])
        signal.pause()
"""


class DaskCluster(Process):
    """A cluster of two worker processes, which are started again when they are killed."""

    def __init__(self, folder: Path, names: Mapping[str, str] | None = None) -> None:
        program, place = folder / "cluster.py", folder / "address"
        program.write_text(DASK)
        command = [sys.executable, str(program), str(place)]
        super().__init__(folder, command, ONLY_THERE="hunter2there", **(names or {}))
        until(place.exists)
        self.address = place.read_text()
