"""One private JupyterLab and one Chromium for all browser tests."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import end, free_port, kill

TESTS = Path(__file__).parents[1]
sys.path.append(str(TESTS / "panel"))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
READY = """async () => {
    const page = window.jupyterapp?.shell?.currentWidget;
    if (!page?.context) return false;
    await page.context.ready;
    await page.sessionContext.ready;
    await page.sessionContext.session.kernel.info;
    return true;
}"""


class Lab:
    """A JupyterLab in a home of its own; killed, it can be started again on the same port."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root, self.port, self.token, self._options = root, free_port(), secrets.token_hex(12), options
        self.store = root / "store.db"
        settings = root / ".settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        extensions = root / ".path" / "labextensions"
        extensions.mkdir(parents=True)
        (extensions / "nbsched").symlink_to(TESTS.parent / "nbsched" / "labextension")
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        self.log = (root / "lab.log").open("wb")
        self.start()

    def start(self) -> None:
        """It answers."""
        self.process = subprocess.Popen(
            self._command(), env=self.environment, stdout=self.log, stderr=self.log
        )
        self._wait()

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}", "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *self._options,
        ]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """What the server is started with, and whatever is to share its store."""
        folders = {"JUPYTER_CONFIG_DIR": ".config", "JUPYTER_DATA_DIR": ".data", "JUPYTER_RUNTIME_DIR": ".run",
                   "IPYTHONDIR": ".ipython", "JUPYTERLAB_SETTINGS_DIR": ".settings",
                   "JUPYTERLAB_WORKSPACES_DIR": ".workspaces", "JUPYTER_PATH": ".path", "HOME": "."}  # fmt: skip
        own = {name: str(self.root / folder) for name, folder in folders.items()}
        return os.environ | own | {"PYTHONPATH": str(TESTS / "panel"), "NBSCHED_STORE": str(self.store)}

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        request = urllib.request.Request(
            self.url("api/status"), headers={"Authorization": f"token {self.token}"}
        )
        while True:
            try:
                urllib.request.urlopen(request, timeout=5).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.root / "lab.log").read_text()[-3000:]) from None
                time.sleep(0.1)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def kill(self) -> None:
        """As a crash does it."""
        kill(self.process)

    def stop(self) -> None:
        end(self.process)
        self.log.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    started = Lab(tmp_path_factory.mktemp("lab"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


class Page:
    """A notebook open in the browser, its kernel ready."""

    def __init__(self, context: Any, lab: Lab, name: str, cells: list[str], view: str = "lab") -> None:
        self.lab, self.path = lab, lab.root / f"{name}.ipynb"
        self.path.write_text(json.dumps(_notebook(cells)))
        self.page = context.new_page()
        if view == "notebook":
            self.page.goto(lab.url(f"notebooks/{name}.ipynb?token={lab.token}"))
            return
        self.page.goto(lab.url(f"lab/workspaces/{name}/tree/{name}.ipynb?token={lab.token}&reset"))
        self.wait_ready()

    def wait_ready(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
        assert self.page.evaluate(READY)

    @property
    def panel(self) -> Any:
        """The panel in the output of a cell."""
        return self.page.locator(".jp-OutputArea .nbs")

    def run(self, cell: int, *, wait: bool = True) -> None:
        """The cell is started, and with `wait` it has ended."""
        self.page.evaluate(
            """async ([at, wait]) => {
                const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
                notebook.activeCellIndex = at;
                notebook.deselectAll();
                const done = app.commands.execute('notebook:run-cell');
                if (wait) await done;
            }""",
            [cell, wait],
        )

    def output(self, cell: int) -> str:
        """The text that the cell has printed."""
        texts: list[str] = self.page.evaluate(
            """at => window.jupyterapp.shell.currentWidget.content.widgets[at].model.outputs.toJSON()
                .map(one => [one.text ?? one.data?.['text/plain'] ?? ''].flat().join(''))""",
            cell,
        )
        return "".join(texts)

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name
        )
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def save(self) -> dict[str, Any]:
        """The notebook is saved; what stands in the file."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        saved: dict[str, Any] = json.loads(self.path.read_text())
        return saved


def _notebook(cells: list[str]) -> dict[str, Any]:
    listed = [{"cell_type": "code", "id": f"cell-{at}", "metadata": {}, "source": source, "outputs": [],
               "execution_count": None} for at, source in enumerate(cells)]  # fmt: skip
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": spec, "cells": listed}


@pytest.fixture
def open_page(browser: Any, lab: Lab) -> Iterator[Callable[..., Page]]:
    """Opens a notebook of these cells; `width` is the browser's, `prepare` is called with its context before."""
    contexts: list[Any] = []

    def opened(
        *cells: str,
        width: int = 1500,
        height: int = 1000,
        view: str = "lab",
        prepare: Callable[[Any], None] | None = None,
    ) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        if prepare:
            prepare(contexts[-1])
        return Page(contexts[-1], lab, f"page{secrets.token_hex(4)}", list(cells), view)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def live_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that tests may kill, with a store of its own."""
    started = Lab(tmp_path_factory.mktemp("live"))
    yield started
    started.stop()


@pytest.fixture
def watched(browser: Any, live_lab: Lab) -> Iterator[Any]:
    """Its side panel and page, side by side."""
    from tests.ui.watched import Watched

    context = browser.new_context(viewport={"width": 1700, "height": 1000})
    yield Watched(context, live_lab)
    context.close()


@pytest.fixture
def visitor(live_lab: Lab) -> Iterator[Any]:
    """The lab's store, asked from here."""
    from nbsched.engine.visiting import Visitor

    with Visitor(live_lab.store) as found:
        yield found


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = Path(__file__).parent / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
