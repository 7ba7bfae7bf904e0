"""A real Jupyter server with nbsched in it, as a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched.api  # noqa: F401 which lends the core what it needs to find functions
from nbsched.engine.visiting import Visitor
from nbsched.executors.lookup import load_file
from tests.real import end, free_port, kill, until


class Server:
    """A Jupyter server in a home of its own, below a base URL as JupyterHub has them."""

    def __init__(
        self, root: Path, *options: str, base_url: str = "/user/ada/", api: str = "nbsched/api"
    ) -> None:
        self.api = api
        self.root, self.token, self.port, self.base_url = root, secrets.token_hex(12), free_port(), base_url
        self.store = root / "store.db"
        self.log = (root / "server.log").open("ab")
        command = [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={root}", f"--ServerApp.base_url={base_url}", *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, env=self._environment(), stdout=self.log, stderr=self.log)
        try:
            until(self._answers, 30)
        except BaseException:
            self.stop()
            raise

    def _environment(self) -> dict[str, str]:
        folders = {"JUPYTER_CONFIG_DIR": ".config", "JUPYTER_DATA_DIR": ".data", "JUPYTER_RUNTIME_DIR": ".run",
                   "IPYTHONDIR": ".ipython", "HOME": "."}  # fmt: skip
        own = {name: str(self.root / folder) for name, folder in folders.items()}
        return os.environ | own | {"NBSCHED_STORE": str(self.store)}

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.root / "server.log").read_text()[-3000:]
        try:
            return self.ask("GET", "")[0] in (200, 503)
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of nbsched's answer; by token unless headers are given."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{self.base_url}{self.api}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=headers or {"Authorization": f"token {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    def kill(self) -> None:
        """As a crash does it."""
        kill(self.process)

    def stop(self) -> None:
        end(self.process)
        self.log.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers, which are stopped in the end."""
    started: list[Server] = []

    def start(*options: str, **more: Any) -> Server:
        started.append(Server(tmp_path, *options, **more))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def works() -> ModuleType:
    """Functions that a server finds by their file."""
    return load_file(Path(__file__).with_name("works.py"))


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """The store of the test's servers, asked from here."""
    with Visitor(tmp_path / "store.db") as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module."""
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()
