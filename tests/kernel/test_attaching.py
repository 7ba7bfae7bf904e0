"""`%nbsched attach` in a real kernel: what a run shows, wherever it runs, below the cell that asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

import nbsched as nb
from tests.real import until

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel

HALF = "print('<b>half</b>', flush=True)\nimport pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"


class Page:
    """A notebook's page: the displays of each cell as they stand."""

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        self.kernel, self.folder = kernel, folder
        self.displays: dict[str, dict[str, dict[str, str]]] = {}
        """By the cell's request, then by display id."""
        self.updates: list[float] = []

    def cell(self, source: str, cell_id: str = "cell", timeout: float = 30) -> str:
        """The person's cell has run; its id."""
        asked, end = self.kernel.ask(source, cell_id), time.monotonic() + timeout
        while not self._read(asked, end - time.monotonic()):
            assert time.monotonic() < end, "never idle"
        return asked

    def _read(self, asked: str, timeout: float) -> bool:
        message = self.kernel.client.get_iopub_msg(timeout=timeout)
        content, kind, parent = (
            message["content"],
            message["msg_type"],
            message["parent_header"].get("msg_id"),
        )
        if kind in ("display_data", "update_display_data"):
            shown = content.get("transient", {}).get("display_id")
            of_cell = self.displays.setdefault(parent, {})
            assert kind == "display_data" or shown in of_cell, "an update under another cell"
            of_cell[shown] = content["data"]
            if kind == "update_display_data":
                self.updates.append(time.monotonic())
        return parent == asked and kind == "status" and content["execution_state"] == "idle"

    def shown(self, asked: str, kind: str = "text/plain") -> str:
        """All displays of the cell."""
        return "\n".join(data.get(kind, "") for data in self.displays.get(asked, {}).values())

    def until_shown(self, asked: str, *parts: str, timeout: float = 20) -> None:
        end = time.monotonic() + timeout
        while not all(part in self.shown(asked) for part in parts):
            assert time.monotonic() < end, f"never shown: {parts} in {self.displays.get(asked)}"
            self.cell("pass", timeout=end - time.monotonic())
            time.sleep(0.02)

    def until_settled(self, asked: str, timeout: float = 20) -> None:
        """Nothing of the run's is still growing: all is in the first display."""
        end = time.monotonic() + timeout
        while any(data.get("text/plain") for data in list(self.displays[asked].values())[1:]):
            assert time.monotonic() < end, f"never settled: {self.displays[asked]}"
            self.cell("pass", timeout=end - time.monotonic())
            time.sleep(0.02)


def notebook(path: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{at}") for at, source in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.fixture
def page(open_kernel: Callable[..., Any], tmp_path: Path) -> Page:
    kernel = open_kernel(NBSCHED_STORE=str(tmp_path / "store.db"))
    page = Page(kernel, tmp_path)
    page.cell(f"import os, nbsched as nb\nos.chdir({str(tmp_path)!r})\n%load_ext nbsched")
    return page


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[str], nb.Run]]:
    """A notebook's run in a host that is another process."""
    host = subprocess.Popen(
        [sys.executable, "-m", "nbsched", "serve"], env={**os.environ, "NBSCHED_STORE": str(tmp_path / "store.db")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    from nbsched.engine.visiting import Visitor

    with Visitor(tmp_path / "store.db") as visitor:
        until(visitor.hosts)
        yield lambda name: visitor.run(nb.notebook(tmp_path / name))
    host.terminate()
    host.wait(20)


def test_a_notebook_that_runs_in_another_process_is_shown_live_and_complete(
    page: Page, elsewhere: Callable[[str], nb.Run]
) -> None:
    picture = "from IPython.display import HTML\nHTML('<i>rich</i>')"
    notebook(page.folder / "long.ipynb", "print('first')", picture, HALF, "print('last')")
    run = elsewhere("long.ipynb")
    asked = page.cell(f"%nbsched attach {run.id}")
    page.until_shown(asked, "<b>half</b>", "1 more cell to come")
    page.cell("busy = 1")
    (page.folder / "go").touch()
    page.until_shown(asked, "succeeded")
    page.until_settled(asked)
    whole = page.shown(asked, "text/html")
    assert re.findall("first|<i>rich</i>|&lt;b&gt;half|print\\(&#x27;last", whole)[-1] == "print(&#x27;last"
    assert whole.count("&lt;b&gt;half&lt;/b&gt;") == 2  # in the source, and printed
    assert "<b>half" not in whole
    assert "<div><i>rich</i></div>" in whole
    assert "to come" not in whole
    assert [text for text in page.shown(asked).splitlines() if text in ("first", "<b>half</b>", "last")] == [
        "first", "<b>half</b>", "last",
    ]  # fmt: skip
    assert all(page.displays[asked][last]["text/html"] == "" for last in list(page.displays[asked])[1:])
    between = [later - one for one, later in zip(page.updates, page.updates[4:], strict=False)]
    assert all(seconds > 0.05 for seconds in between)

    again = page.cell(f"%nbsched attach {run.id}", "another")
    assert len(page.displays[again]) == 1
    assert page.shown(again, "text/html") == whole.strip()


def test_running_the_cell_again_leaves_what_it_showed(page: Page) -> None:
    notebook(page.folder / "long.ipynb", HALF)
    page.cell("run = nb.run(nb.notebook('long.ipynb'))")
    first = page.cell("%nbsched attach {run.id}", "a")
    page.until_shown(first, "<b>half</b>")
    second = page.cell("%nbsched attach {run.id}", "a")
    (page.folder / "go").touch()
    page.until_shown(second, "succeeded")
    assert "succeeded" not in page.shown(first)
    page.cell(
        "import threading\nfollowing = [t for t in threading.enumerate() if t.name == 'nbsched-attach']"
    )
    page.cell(
        "for thread in following: thread.join(10)\nassert not any(map(threading.Thread.is_alive, following))"
    )


def test_a_command_shows_its_log_and_why_it_failed(page: Page) -> None:
    page.cell("run = nb.run(nb.shell('echo told; echo no >&2; exit 3'))\nrun.wait()")
    asked = page.cell("%nbsched attach {run.id}")
    assert "failed" in page.shown(asked)
    assert "told\nno\n" in page.shown(asked)
    assert "told\nno" in page.shown(asked, "text/html")


def test_a_pipeline_shows_its_panel(page: Page) -> None:
    page.cell(
        "with nb.pipeline('p') as p:\n    nb.shell('echo told', name='tell')\nrun = p.run()\nrun.wait()"
    )
    asked = page.cell("%nbsched attach {run.id}")
    page.until_shown(asked, "tell", "succeeded")


def test_a_run_that_is_not_there_is_one_clean_line(page: Page) -> None:
    asked = page.kernel.run("%nbsched attach 999")
    assert asked.text.startswith("UsageError: no run 999")


def test_two_runs_are_compared_in_a_table(page: Page) -> None:
    notebook(page.folder / "same.ipynb", "print('same')", "import uuid\nprint(__import__('time').time())")
    page.cell("for _ in range(2): nb.run(nb.notebook('same.ipynb')).wait()")
    ran = page.kernel.run("%nbsched compare 2 1")
    (shown,) = (each["data"]["text/plain"] for each in ran.outputs if each["type"] == "display_data")
    assert [line.split()[0] for line in shown.splitlines()] == ["what", "same", "outputs"]
