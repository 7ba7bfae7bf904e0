"""The panel in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ui

STORE = "import panel_source as ps\nfrom nbsched.jupyter.widget import Panel\nsource = ps.{make}\npanel = Panel(source)\npanel"


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_store_is_shown_in_the_theme_of_the_page(
    open_page: Callable[..., Any], screenshots: Path, theme: str
) -> None:
    lab = open_page(STORE.format(make="day()"))
    lab.theme(f"JupyterLab {theme}")
    lab.run(0)
    lab.page.get_by_role("option", name=re.compile("4160 report failed")).click()
    panel = lab.page.locator(".nbs")
    panel.get_by_text("traceback", exact=True).wait_for()
    panel.screenshot(path=screenshots / f"store_{theme.lower()}.png")
    lab.page.get_by_role("option", name=re.compile("4180 training")).click()
    panel.locator(".pipeline").wait_for()
    panel.screenshot(path=screenshots / f"pipeline_{theme.lower()}.png")
    for tab in ("Schedules", "Graph", "Timeline", "Log"):
        panel.get_by_role("tab", name=tab).click()
        lab.page.wait_for_timeout(150)
        panel.screenshot(path=screenshots / f"{tab.lower()}_{theme.lower()}.png")
