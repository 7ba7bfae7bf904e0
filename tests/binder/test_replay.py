"""Who follows the Binder link gets the tour in JupyterLab: the same steps, taken without docker."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = [pytest.mark.binder, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-one-test-run"
FROM_CONDA = {"ipywidgets": "ipywidgets", "jupyter_server": "jupyter_server", "jupyterhub-base": "jupyterhub",
              "jupyterlab": "jupyterlab", "notebook": "notebook"}  # fmt: skip
"""What Binder's base environment brings that ours could quarrel with: conda's name, pip's name."""


def call(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """What the command said; it ended well."""
    words = [str(part) for part in command]
    done = subprocess.run(
        words, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return f"{done.stdout}\n{done.stderr}"


@dataclass(frozen=True)
class Venv:
    """A fresh virtual environment."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> Venv:
        call(sys.executable, "-m", "venv", path)
        return cls(path)

    @property
    def env(self) -> dict[str, str]:
        prefix = str(self.path)
        return {"PATH": f"{prefix}/bin:{os.environ['PATH']}", "KERNEL_PYTHON_PREFIX": prefix}

    def bin(self, name: str) -> Path:
        return self.path / "bin" / name

    def run(self, name: str, *arguments: str | Path, cwd: Path = ROOT) -> str:
        return call(self.bin(name), *arguments, cwd=cwd, env=self.env)

    def install(self, *requirements: str) -> None:
        self.run("python", "-m", "pip", "install", "--quiet", *requirements)


class Log:
    """The lines of a stream, read as they come so that its writer never waits."""

    def __init__(self, stream: IO[str]) -> None:
        self.text, self.stream, self.grown = "", stream, threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.stream:
            with self.grown:
                self.text += line
                self.grown.notify_all()

    def close(self) -> None:
        """To be called when its writer has ended."""
        self.reader.join(timeout=10)
        self.stream.close()

    def says(self, words: str, within: float) -> bool:
        """Whether the words have come before so many seconds were over."""
        with self.grown:
            return self.grown.wait_for(lambda: words in self.text, within)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as Binder clones it."""
    leave = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "node_modules", "*.db*")
    return shutil.copytree(ROOT, tmp_path_factory.mktemp("binder") / "repo", ignore=leave)


@pytest.fixture(scope="session")
def repo2docker(tmp_path_factory: pytest.TempPathFactory) -> Venv:
    venv = Venv.make(tmp_path_factory.mktemp("repo2docker") / "venv")
    venv.install("jupyter-repo2docker")
    return venv


@pytest.fixture(scope="session")
def dockerfile(repo2docker: Venv, checkout: Path) -> str:
    """What repo2docker would hand to docker."""
    as_jovyan = ("--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan")
    return repo2docker.run("jupyter-repo2docker", *as_jovyan, checkout)


@pytest.fixture(scope="session")
def pins(repo2docker: Venv) -> list[str]:
    """Binder's own versions, out of the lock file that repo2docker ships for the Python we ask for."""
    python = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    [lock] = repo2docker.path.rglob(f"environment.py-{python}-linux-64.lock")
    found = dict(re.findall(r"/([a-z_-]+)-(\d[\w.]*)-[^/]*\.conda#", lock.read_text()))
    return [f"{pip}=={found[conda]}" for conda, pip in FROM_CONDA.items()]


@pytest.fixture(scope="session")
def image(dockerfile: str, pins: list[str], checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Venv:
    """A venv in which the steps of the Dockerfile that are ours have been taken, in their order."""
    venv = Venv.make(tmp_path_factory.mktemp("image") / "venv")
    venv.install(*pins)
    for step in re.findall(r"^RUN (.*binder/.*)$", dockerfile, re.MULTILINE):
        call("bash", "-c", step, cwd=checkout, env=venv.env)
    return venv


@pytest.fixture(scope="session")
def hub(image: Venv, checkout: Path) -> Iterator[str]:
    """The address of the server in the image, below a path like the one a hub gives each user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/user/owner-nbsched-ab12cd34/"
    process = subprocess.Popen(
        [image.bin("jupyter"), "notebook", "--ip=127.0.0.1", f"--port={port}", "--no-browser", "--allow-root",
         "--ServerApp.port_retries=0", "--ServerApp.base_url=/user/owner-nbsched-ab12cd34/",
         f"--IdentityProvider.token={TOKEN}", "--ServerApp.allow_origin=*", "--ServerApp.trust_xheaders=True",
         "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"],
        cwd=checkout, env=os.environ | image.env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    log = Log(process.stderr)
    try:
        assert log.says("is running at", within=60), log.text
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def test_the_dockerfile_takes_our_steps_in_a_cacheable_order(dockerfile: str) -> None:
    copied = dockerfile.index("COPY --chown=1000:1000 src/binder/requirements.txt")
    installed = dockerfile.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    repository = dockerfile.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
    assert copied < installed < repository < dockerfile.index("RUN ./binder/postBuild")


def test_the_image_keeps_binders_own_versions(image: Venv, pins: list[str]) -> None:
    listed = image.run("python", "-m", "pip", "list", "--format=freeze")
    assert {pin for pin in pins if pin not in listed} == set()
    image.run("python", "-m", "pip", "check")


def test_the_quickstart_runs_from_top_to_bottom(image: Venv, checkout: Path) -> None:
    image.run("jupyter", "execute", "notebooks/quickstart.ipynb", cwd=checkout)


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


VIEW = "notebooks/lab.ipynb"
"""What the link opens."""
OPENED = "path => window.jupyterapp?.shell?.currentWidget?.context?.path === path"
IN_ITS_KERNEL = """async code => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session.kernel;
    await kernel.info;
    let said = '';
    const future = kernel.requestExecute({ code });
    future.onIOPub = message => { said += message.content.text ?? message.content.evalue ?? ''; };
    await future.done;
    return said;
}"""


@pytest.fixture
def opened(hub: str, page: Page) -> Page:
    """What the link opens, in the browser of somebody who has not been there before."""
    page.goto(f"{hub}lab/tree/{VIEW}?token={TOKEN}&reset")
    page.wait_for_function(OPENED, arg=VIEW, timeout=60_000)
    return page


def test_the_link_opens_the_tour_beside_a_kernel_that_knows_nbsched(opened: Page) -> None:
    said = opened.evaluate(IN_ITS_KERNEL, "%load_ext nbsched\nprint(*get_ipython().extension_manager.loaded)")
    assert "nbsched" in said.split()
    assert opened.evaluate("() => window.jupyterapp.hasPlugin('anywidget:plugin')")


SCHEDULE = """() => {
    void window.jupyterapp.commands.execute('nbsched:schedule', {path: 'notebooks/quickstart.ipynb'});
}"""


def test_the_side_panel_shows_what_a_notebook_there_starts(opened: Page) -> None:
    started = "import nbsched as nb\nprint(nb.run(nb.shell('echo good morning', name='greeting')).id)"
    run = opened.evaluate(IN_ITS_KERNEL, started).strip()
    opened.evaluate("() => window.jupyterapp.restored.then(() => null)")
    opened.evaluate("() => { void window.jupyterapp.commands.execute('nbsched:open-panel'); }")
    side = opened.locator(".nbs-side")
    shown = side.get_by_role("option", name=re.compile(f"^{run} greeting succeeded"))
    expect(shown).to_be_visible(timeout=20_000)
    opened.evaluate(
        "run => { void window.jupyterapp.commands.execute('nbsched:open-run', {run}); }", int(run)
    )
    expect(opened.get_by_role("tab", name="Output").last).to_be_visible()
    opened.evaluate(SCHEDULE)
    expect(opened.get_by_role("dialog", name="Schedule quickstart.ipynb")).to_be_visible()


def test_the_tour_runs_from_top_to_bottom(image: Venv, checkout: Path) -> None:
    image.run("jupyter", "execute", VIEW, cwd=checkout)
