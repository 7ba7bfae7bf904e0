"""axe finds nothing serious or critical in what nbsched shows, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.ui.watched import Watched

pytestmark = [pytest.mark.ui, pytest.mark.timeout(120)]
Axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe
GRAVE = {"serious", "critical"}
THEMES = "Light", "Dark"
SPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture(scope="module")
def store(live_lab: Any) -> Iterator[Visitor]:
    """Runs of all kinds: a pipeline that failed, a notebook that failed, what waits for a person, a paused schedule."""
    cells = [nbformat.v4.new_code_cell("limit = 3  # how many", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_markdown_cell("# Report"), nbformat.v4.new_code_cell("print('read')\n1 / 0")]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=SPEC), live_lab.root / "failing.ipynb")
    with Visitor(live_lab.store) as found:
        with nb.pipeline("daily") as steps:
            nb.shell("true", name="load") >> nb.shell("exit 3", name="clean") >> nb.shell("true", name="tell")
        found.schedule(nb.notebook(live_lab.root / "failing.ipynb"), "@daily", name="failing")
        found.schedule(nb.shell("true"), "0 6 * * mon-fri", name="paused")
        found.pause("paused")
        found.run(nb.approve("Deploy?", name="deploy"))
        for run in (
            *(found.run(steps) for _ in range(3)),
            found.trigger("failing"),
            found.trigger("failing"),
        ):
            run.wait(60)
        yield found


@pytest.fixture
def axe(watched: Watched, store: Visitor) -> Callable[..., None]:
    def check(*places: str) -> None:
        """Nothing grave is found in these places, as far as they are there."""
        watched.page.wait_for_timeout(250)
        there = [place for place in places if watched.page.locator(f"{place} >> visible=true").count()]
        assert there, places
        found = (
            Axe().run(watched.page, context={"include": [[place] for place in there]}).response["violations"]
        )
        grave = [(one["id"], one["impact"], node["target"], node["html"][:200], node.get("failureSummary", "")[:300])
                 for one in found if one["impact"] in GRAVE for node in one["nodes"]]  # fmt: skip
        assert not grave, grave

    return check


@pytest.fixture(params=THEMES)
def theme(request: Any, watched: Watched) -> str:
    watched.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {request.param}",
    )
    light = "true" if request.param == "Light" else "false"
    watched.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
    watched.page.wait_for_timeout(300)
    return str(request.param).lower()


def test_nothing_grave_is_found_in_panel_page_and_status_bar(
    watched: Watched, axe: Callable[..., None], theme: str, screenshots: Path
) -> None:
    axe(".nbs-side", ".nbs.full", ".nbs-status")
    for name in ("Schedules", "Matrix", "Graph", "Timeline", "Runs"):
        watched.whole.locator("header").get_by_role("tab", name=re.compile(name)).click()
        axe(".nbs.full")
    watched.page.screenshot(path=screenshots / f"axe_{theme}.png")


def test_nothing_grave_is_found_in_a_run_from_all_its_sides(
    watched: Watched, store: Visitor, axe: Callable[..., None], theme: str
) -> None:
    for name in ("failing", "daily"):
        watched.command("nbsched:open-page", run=store.runs(name=name)[0].id)
        expect(watched.whole.locator("aside h3")).to_contain_text(name)
        for _ in watched.sides():
            axe(".nbs.full aside")
    watched.command("nbsched:open-run", run=store.runs(name="failing")[0].id)
    axe(".nbs-alone")


def test_nothing_grave_is_found_in_forms_messages_and_badges(
    watched: Watched, store: Visitor, axe: Callable[..., None], theme: str, screenshots: Path
) -> None:
    store.run(nb.shell("exit 1", name="told"))
    watched.page.locator(".Toastify__toast").first.wait_for()
    axe(".Toastify__toast-body", ".jp-toast-buttonBar")
    watched.page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'failing.ipynb'}).then(() => null)"
    )
    watched.page.locator(".nbs-badge").first.wait_for()
    axe(".nbs-badge")
    for command, args in {
        "nbsched:schedule": {"path": "failing.ipynb"}, "nbsched:retry-with": {"run": store.runs(name="daily")[0].id},
        "nbsched:backfill": {"schedule": "failing"},
    }.items():  # fmt: skip
        watched.page.evaluate(
            "([name, args]) => void window.jupyterapp.commands.execute(name, args)", [command, args]
        )
        watched.page.locator(".jp-Dialog").wait_for()
        watched.page.wait_for_timeout(400)
        axe(".jp-Dialog-content")
        watched.page.keyboard.press("Escape")
        watched.page.locator(".jp-Dialog").wait_for(state="detached")
