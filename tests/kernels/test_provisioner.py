"""Whoever starts kernels through jupyter_client may have them forked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from nbsched.kernels.forking import Forked
from nbsched.kernels.provisioner import WarmProvisioner
from tests.real import until


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[KernelManager]:
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "nbsched")
    KernelProvisionerFactory.clear_instance()
    manager = KernelManager(transport="ipc", ip=str(tmp_path / "k"))
    yield manager
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()
    KernelProvisionerFactory.clear_instance()


def say(manager: KernelManager, source: str) -> str:
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=40)
    said: list[str] = []
    client.execute_interactive(
        source, timeout=40, output_hook=lambda message: said.append(str(message["content"].get("text", "")))
    )
    client.stop_channels()
    return "".join(said)


def test_a_kernel_is_forked_restarted_interrupted_and_shut_down(
    manager: KernelManager, tmp_path: Path
) -> None:
    manager.start_kernel(cwd=str(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert isinstance(manager.provisioner, WarmProvisioner)
    assert isinstance(manager.provisioner.process, Forked)
    assert say(manager, "import os; x = 1; print(os.getcwd())") == f"{tmp_path}\n"
    first = manager.provisioner.process.pid
    manager.restart_kernel(now=True)
    assert isinstance(manager.provisioner.process, Forked)
    assert manager.provisioner.process.pid != first
    assert say(manager, "print('x' in globals())") == "False\n"
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=40)
    request = client.execute("open('up', 'w').close()\nimport time; time.sleep(60)")
    until((tmp_path / "up").exists)
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=20)
    while reply["parent_header"]["msg_id"] != request:
        reply = client.get_shell_msg(timeout=20)
    client.stop_channels()
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    manager.shutdown_kernel()
    assert not manager.is_alive()


def test_a_kernel_that_cannot_be_forked_is_started_as_ever(manager: KernelManager) -> None:
    env = {"OMP_NUM_THREADS": "5"}
    manager.start_kernel(env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert isinstance(manager.provisioner.process, subprocess.Popen)
    assert say(manager, "import os; print(os.environ['OMP_NUM_THREADS'])") == "5\n"


def test_plain_papermill_and_nbclient_use_it_when_told(tmp_path: Path) -> None:
    source = """
import nbformat, papermill, psutil
from nbclient import NotebookClient
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; print(os.getppid())")])
book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python", "language": "python"}
nbformat.write(book, "in.ipynb")
papermill.execute_notebook("in.ipynb", "out.ipynb", progress_bar=False)
first = nbformat.read("out.ipynb", 4).cells[0].outputs[0].text
second = NotebookClient(book).execute().cells[0].outputs[0].text
assert first == second, (first, second)
assert any("zygote.py" in part for part in psutil.Process(int(first)).cmdline())
"""
    env = {"JUPYTER_DEFAULT_PROVISIONER_NAME": "nbsched"}
    subprocess.run(
        [sys.executable, "-c", source], env={**os.environ, **env}, cwd=tmp_path, check=True, timeout=50
    )
