"""Which notebook, which cell: in bare kernels, and in kernels of a real Jupyter server."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_client import BlockingKernelClient

from nbsched.jupyter import identity

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel

ASK = "from nbsched.jupyter.identity import *\nfrom nbsched.jupyter import identity\n"


class Server:
    """A Jupyter server of our own, spoken to by its REST interface."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, secrets.token_hex(8)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        port = self.url.rstrip("/").rpartition(":")[2]
        options = {
            "ServerApp.port": port, "ServerApp.root_dir": str(folder), "IdentityProvider.token": self.token,
            "ServerApp.open_browser": "False", "ServerApp.allow_root": "True", "ServerApp.ip": "127.0.0.1",
            "ServerApp.disable_check_xsrf": "True", "ServerApp.jpserver_extensions": "{}",
        }  # fmt: skip
        command = [
            sys.executable,
            "-m",
            "jupyter_server",
            *(f"--{key}={value}" for key, value in options.items()),
        ]
        with (folder / "server.log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def until_ready(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                self.call("GET", "api/status")
                return
            except OSError:
                assert time.monotonic() < end, (self.folder / "server.log").read_text()
                time.sleep(0.1)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def open_notebook(self, name: str) -> dict[str, Any]:
        nbformat.write(nbformat.v4.new_notebook(), self.folder / name)
        wanted = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        session: dict[str, Any] = self.call("POST", "api/sessions", wanted)
        return session

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("jupyter_server")
    server = Server(tmp_path_factory.mktemp("root"))
    try:
        server.until_ready()
        yield server
    finally:
        server.close()


@pytest.fixture
def ask(server: Server) -> Iterator[Callable[[str, str], str]]:
    """Evaluates an expression in a kernel of the server."""
    clients: dict[str, BlockingKernelClient] = {}

    def ask_kernel(kernel_id: str, expression: str) -> str:
        if kernel_id not in clients:
            path = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-{kernel_id}.json")
            client = clients[kernel_id] = BlockingKernelClient(connection_file=str(path))
            client.load_connection_file()
            client.start_channels()
            client.wait_for_ready(timeout=60)
        reply = clients[kernel_id].execute_interactive(
            ASK, user_expressions={"asked": expression}, timeout=60, output_hook=lambda _: None
        )
        asked = reply["content"]["user_expressions"]["asked"]
        assert asked["status"] == "ok", asked
        return str(asked["data"]["text/plain"])

    yield ask_kernel
    for client in clients.values():
        client.stop_channels()


def test_the_server_knows_the_notebook_also_after_a_rename(
    server: Server, ask: Callable[[str, str], str]
) -> None:
    session = server.open_notebook("first.ipynb")
    kernel = session["kernel"]["id"]
    assert ask(kernel, "kernel_id()") == repr(kernel)
    assert ask(kernel, "notebook_key()") == repr(str(server.folder / "first.ipynb"))
    server.call("PATCH", f"api/contents/{session['path']}", {"path": "second.ipynb"})
    server.call("PATCH", f"api/sessions/{session['id']}", {"path": "second.ipynb", "name": "second.ipynb"})
    assert ask(kernel, "notebook_key()") == repr(str(server.folder / "second.ipynb"))
    assert ask(kernel, "notebook(get_ipython()).name") == "'second'"
    assert ask(kernel, "os.environ['JPY_SESSION_NAME']").endswith("first.ipynb'")


def test_two_notebooks_of_one_server_are_told_apart(server: Server, ask: Callable[[str, str], str]) -> None:
    kernels = {name: server.open_notebook(name)["kernel"]["id"] for name in ("one.ipynb", "two.ipynb")}
    for name, kernel in kernels.items():
        assert ask(kernel, "notebook_key()") == repr(str(server.folder / name))


def test_the_server_is_asked_once_in_a_cell(server: Server, ask: Callable[[str, str], str]) -> None:
    kernel = server.open_notebook("asked.ipynb")["kernel"]["id"]
    counting = "calls := [], setattr(identity, '_asked', lambda *a: calls.append(a) or '/x')"
    counted = f"[{counting}, notebook_key(), notebook_key(), len(calls)][-1]"
    assert ask(kernel, counted) == "1"


def test_without_a_server_the_sessions_path_is_taken(
    open_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    path = str(tmp_path / "report.ipynb")
    kernel = open_kernel(JPY_SESSION_NAME=path)
    assert kernel.eval(ASK + "notebook_key()") == path
    assert kernel.eval("__vsc_ipynb_file__ = '/vs/code.ipynb'; notebook_key()") == "/vs/code.ipynb"
    assert kernel.eval("notebook(get_ipython(), '/given/here.ipynb').key") == "/given/here.ipynb"


def test_a_kernel_of_a_run_has_no_notebook_but_itself(open_kernel: Callable[..., Kernel]) -> None:
    kernel = open_kernel(JPY_SESSION_NAME="/somebody/elses.ipynb", NBSCHED_RUN="7")
    assert kernel.eval(ASK + "(notebook_key() == f'kernel:{kernel_id()}', inside_nbsched_run())") == (
        True,
        True,
    )


def test_a_server_that_does_not_answer_is_passed_over(kernel: Kernel) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        facts = {"pid": os.getpid(), "url": url, "token": "", "root_dir": "/"}
        file = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"jpserver-{os.getpid()}.json")
        file.write_text(json.dumps(facts))
        took = kernel.eval(
            ASK + "t = time.time(); k = notebook_key(); (k.startswith('kernel:'), time.time() - t)"
        )
        file.unlink()
    assert took[0] is True
    assert 0.4 < took[1] < 5


def test_a_cells_id_is_what_its_front_end_sends(kernel: Kernel) -> None:
    assert kernel.eval(ASK + "(cell_id(get_ipython()),)") == (None,)
    for metadata in ({"cellId": "c-1"}, {"cell_id": "c-1"}):
        shell = SimpleNamespace(get_parent=lambda metadata=metadata: {"metadata": metadata})
        assert identity.cell_id(shell) == "c-1"
    kernel.start("g", ASK + "seen = cell_id(get_ipython())")
    kernel.outcome("g")
    assert kernel.eval("seen") == "owner"
    kernel.start("g", ASK + "seen = cell_id(get_ipython()) + '!'", where="thread")
    kernel.outcome("g")
    assert kernel.eval("seen") == "owner!"


def test_outside_a_kernel_there_is_neither_kernel_nor_cell() -> None:
    assert (identity.kernel_id(), identity.cell_id(None)) == (None, None)
    assert identity.notebook().key == f"kernel:{os.getpid()}"
