"""What a run shows, below the cell that attached to it, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui

HALF = """import pathlib
print('<img src=x onerror=window.hit=1>', flush=True)
while not pathlib.Path('{go}').exists(): time.sleep(0.01)"""
CELLS = [
    "import time\nfor n in range(3): print(f'\\rloading {n + 1}/3', end='', flush=True)",
    "from IPython.display import HTML\nHTML('<table><tr><td>rich</td></tr></table>')",
    HALF,
    "print('last')",
]
SETUP = """
import nbformat, pathlib, nbsched as nb
%load_ext nbsched
cells = [nbformat.v4.new_code_cell(source) for source in {cells!r}]
nbformat.write(nbformat.v4.new_notebook(cells=cells), "{name}.ipynb")
run = nb.run(nb.notebook("{name}.ipynb"))
"""


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_run_is_shown_live_and_what_is_saved_is_complete_and_static(
    open_page: Callable[..., Any], screenshots: Path, theme: str
) -> None:
    name = f"attached_{theme.lower()}"
    cells = [source.replace("{go}", f"{name}.go") for source in CELLS]
    setup = SETUP.format(cells=cells, name=name)
    lab = open_page(setup, "%nbsched attach {run.id}", f"pathlib.Path('{name}.go').touch()")
    lab.theme(f"JupyterLab {theme}")
    lab.run(0)
    lab.run(1)
    shown = lab.page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea")
    expect(shown.get_by_text("1 more cell to come")).to_be_visible(timeout=30_000)
    expect(shown.get_by_text("loading 3/3", exact=True)).to_be_visible()
    expect(shown.get_by_role("cell", name="rich")).to_be_visible()
    shown.first.screenshot(path=screenshots / f"{name}_live.png")
    lab.run(2)
    expect(shown.get_by_text("succeeded")).to_be_visible(timeout=30_000)
    expect(shown.get_by_text("last", exact=True)).to_be_visible()
    expect(shown.get_by_text("to come")).to_have_count(0)
    shown.first.screenshot(path=screenshots / f"{name}.png")
    assert lab.page.evaluate("() => window.hit") is None

    saved = lab.save()["cells"][1]["outputs"]
    whole = "".join("".join(output["data"]["text/html"]) for output in saved)
    assert [whole.count(text) for text in ("succeeded", "loading 3/3", "<td>rich</td>", "<pre>last\n")] == [
        1,
        1,
        1,
        1,
    ]
    lab.page.reload()
    lab.wait_ready()
    expect(lab.page.get_by_text("succeeded")).to_be_visible()
