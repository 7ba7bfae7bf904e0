"""The page of schedules and runs, and a run from all its sides, in a real JupyterLab."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import panel_source as ps
import pytest
from playwright.sync_api import expect

from nbsched.core.states import State
from tests.ui.pretended_runs import RunServer, code, failure, markdown, shown, stream

pytestmark = pytest.mark.ui
EXECUTE = "([id, args]) => window.jupyterapp.commands.execute(id, args).then(() => null)"


class Shown:
    """A Lab with the page open, and the server it is told of."""

    def __init__(self, open_page: Callable[..., Any], source: Any, theme: str = "Light", **more: Any) -> None:
        self.server = RunServer(source)
        self.lab = open_page("1", prepare=self.server.serve, **more)
        self.page, self.source = self.lab.page, source
        self.lab.theme(f"JupyterLab {theme}")
        self.view = self.page.locator(".nbs.full")
        self.aside = self.view.locator("aside")

    def open(self, **chosen: Any) -> Shown:
        self.execute("nbsched:open-page", **chosen)
        self.view.wait_for()
        return self

    def execute(self, command: str, **args: Any) -> None:
        self.page.evaluate(EXECUTE, [command, args])

    def row(self, name: str) -> Any:
        return self.view.get_by_role("option", name=re.compile(name))

    def tab(self, name: str) -> Any:
        return self.page.get_by_role("tab", name=name, exact=True).locator("visible=true").last

    def shoot(self, path: Path) -> None:
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=path)

    def change(self, id: int, **facts: Any) -> None:
        self.source.change(id, **facts)
        self.server.tell(self.page)


@pytest.fixture
def opened(open_page: Callable[..., Any]) -> Callable[..., Shown]:
    return lambda source=None, **more: Shown(open_page, source or ps.day(), **more)


TRACE = ["Traceback (most recent call last)", "Cell In[5], line 3", "      1 import pandas as pd", "----> 3 total = df[\"amount\"].sum()",
         "KeyError: 'amount'"]  # fmt: skip


def report(server: RunServer, run: int = 4160) -> None:
    """The notebook of that run, which failed in its fifth cell."""
    table = "<table><thead><tr><th></th><th>region</th><th>sales</th></tr></thead><tbody><tr><th>0</th><td>EU</td><td>12.5</td></tr></tbody></table>"
    for index, cell in enumerate([
        markdown("# Daily report\nWhat was sold, by *region*."),
        code('day, region = "2026-11-22", "EU"', count=1),
        code("import pandas as pd\n\ndef load(path):\n    # one file a day\n    return pd.read_csv(path)", count=2),
        code('df = load(f"sales-{day}.csv")\ndf.head(1)', stream("reading sales.csv\n18204 rows\n"), shown(text_html=table, text_plain="region sales"), count=3),
        code("import warnings\nwarnings.warn('old format')", stream("UserWarning: old format\n", "stderr"), count=4),
        code('total = df["amount"].sum()', failure("KeyError", "'amount'", *TRACE), count=5, status="failed"),
        code("publish(total)", status="pending"),
    ]):  # fmt: skip
        server.write(run, index, cell)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_page_shows_runs_their_pipeline_and_one_from_all_its_sides(
    opened: Callable[..., Shown], screenshots: Path, theme: str
) -> None:
    lab = opened(theme=theme)
    report(lab.server)
    lab.open()
    lab.shoot(screenshots / f"page_{theme.lower()}.png")
    lab.row("4180 training").click()
    expect(lab.view.locator(".pipeline .matrix [role=gridcell]").first).to_be_visible()
    lab.shoot(screenshots / f"page_pipeline_{theme.lower()}.png")
    lab.row("4160 report failed").click()
    expect(lab.aside.get_by_role("button", name="Show cell")).to_be_visible()
    lab.shoot(screenshots / f"page_failed_{theme.lower()}.png")
    lab.aside.get_by_role("button", name="Show cell").click()
    expect(lab.aside.get_by_role("region", name="Output notebook").get_by_text("KeyError: 'amount'")).to_be_visible()
    lab.shoot(screenshots / f"page_output_{theme.lower()}.png")
    for name in ("Schedules", "Matrix", "Graph", "Timeline"):
        lab.view.locator("header").get_by_role("tab", name=name).click()
        lab.shoot(screenshots / f"page_{name.lower()}_{theme.lower()}.png")
