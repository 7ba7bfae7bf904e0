"""The page against the real server: a notebook runs, is watched, fails and is run again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui
ASK = """async ([method, path, body]) => {
    const { serverSettings } = window.jupyterapp.serviceManager, token = document.cookie.match(/_xsrf=([^;]*)/);
    const init = {method, headers: {'X-XSRFToken': token ? token[1] : ''}};
    if (body) init.body = JSON.stringify(body);
    const answer = await fetch(serverSettings.baseUrl + 'nbsched/api' + path, init);
    return [answer.status, await answer.json()];
}"""
CELLS = [
    "day = 1",
    "print('one')",
    """import pathlib, time
print('waiting', flush=True)
while not pathlib.Path('{go}').exists(): time.sleep(0.02)
print('went on')""",
    "1 / 0",
]


def test_a_notebook_is_watched_fails_and_is_run_again(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = open_page("1")
    page, root = lab.page, lab.lab.root
    cells = [nbformat.v4.new_code_cell(source.replace("{go}", str(root / "live.go"))) for source in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "live_work.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('nbsched:open-page').then(() => null)")
    view = page.locator(".nbs.full")
    view.wait_for()
    status, run = page.evaluate(ASK, ["POST", "/runs", {"path": "live_work.ipynb", "params": {"day": 2}}])
    assert status == 201
    view.get_by_role("option", name=re.compile(f"^{run['id']} live_work")).click()
    aside = view.locator("aside")
    aside.get_by_role("tab", name="Output").click()
    cells_shown = aside.get_by_role("region", name="Output notebook")
    expect(cells_shown.locator('[data-standing="running"]').get_by_text("waiting", exact=True)).to_be_visible(
        timeout=20_000
    )
    aside.get_by_role("tab", name="Log").click()
    expect(aside.get_by_role("log")).to_contain_text("one\nwaiting")
    (root / "live.go").touch()
    expect(aside.locator("h3")).to_contain_text("failed", timeout=20_000)
    expect(aside.get_by_role("log")).to_contain_text("went on")
    aside.get_by_role("tab", name="Details").click()
    expect(aside.get_by_text("ZeroDivisionError: division by zero").first).to_be_visible()
    aside.get_by_role("button", name="Show cell").click()
    expect(cells_shown.locator('[data-standing="failed"]')).to_be_in_viewport()
    page.screenshot(path=screenshots / "page_live.png")
    aside.get_by_role("tab", name="Details").click()
    aside.get_by_role("button", name="Retry", exact=True).click()
    again = view.get_by_role("option", name=re.compile(r"live_work")).first
    expect(again).to_have_attribute("aria-label", re.compile(f"^(?!{run['id']} ).*failed"), timeout=20_000)
    again.click()
    aside.get_by_role("tab", name="Compare").click()
    expect(aside.get_by_text("of 5 cells differ")).to_be_visible(timeout=10_000)
