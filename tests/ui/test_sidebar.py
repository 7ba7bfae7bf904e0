"""What nbsched adds around the notebooks: side panel, status bar, messages, badges."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel_source as ps
import pytest
from playwright.sync_api import expect

from nbsched.core.model import Error
from nbsched.core.states import State
from tests.ui.pretended import CHANGED, Server

pytestmark = pytest.mark.ui

OPEN = "() => window.jupyterapp.commands.execute('nbsched:open-panel')"
REMEMBER = """() => {
    window.asked = [];
    for (const id of ['nbsched:open-run', 'nbsched:open-page', 'nbsched:schedule'])
        if (!window.jupyterapp.commands.hasCommand(id))
            window.jupyterapp.commands.addCommand(id, {label: id, execute: args => window.asked.push([id, args])});
}"""


class Shown:
    """A Lab with the side panel open, and the server it is told of."""

    def __init__(self, open_page: Callable[..., Any], source: Any, **more: Any) -> None:
        self.server = Server(source)
        self.lab = open_page("1", prepare=self.server.serve, **more)
        self.page = self.lab.page
        self.side = self.page.locator(".nbs-side")

    def open(self) -> Shown:
        self.page.evaluate(OPEN)
        self.side.wait_for()
        return self

    def row(self, name: str) -> Any:
        return self.side.get_by_role("option", name=re.compile(name))

    def width(self, px: int) -> None:
        """The side panel has about that width."""
        handle = self.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first
        box, side = handle.bounding_box(), self.side.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 300)
        self.page.mouse.down()
        self.page.mouse.move(side["x"] + px, box["y"] + 300)
        self.page.mouse.up()

    def change(self, id: int, **facts: Any) -> None:
        self.server.source.change(id, **facts)
        self.server.tell(self.page)

    def fail_cell_5(self, id: int) -> Error:
        now, error = (
            self.server.source.now(),
            Error("KeyError", "'amount'", cell=5, line="x = 5", traceback=""),
        )
        self.change(id, state=State.FAILED, started_at=now, ended_at=now, error=error, kind="notebook")
        return error


def write_report(folder: Path) -> str:
    """A notebook of eight cells of code is in the server's folder; its path from there."""
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Report"}]
    cells += [{"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": f"x = {n}\n" * 12, "outputs": [],
               "execution_count": None} for n in range(1, 9)]  # fmt: skip
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": spec, "cells": cells}
    (folder / "report two.ipynb").write_text(json.dumps(content))
    return "report two.ipynb"


@pytest.fixture
def shown(open_page: Callable[..., Any]) -> Callable[..., Shown]:
    return lambda source=None, **more: Shown(open_page, source or ps.day(), **more)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_side_panel_shows_schedules_the_queue_and_recent_runs(
    shown: Callable[..., Shown], screenshots: Path, theme: str
) -> None:
    lab = shown().open()
    lab.lab.theme(f"JupyterLab {theme}")
    for name in ("Schedules", "Queue", "Recent runs"):
        expect(lab.side.get_by_role("listbox", name=name, exact=True)).to_be_visible()
    lab.width(300)
    lab.row("^monitor, every 30s, in").hover()
    lab.row("4160 report failed, KeyError").click()
    lab.page.wait_for_timeout(300)
    lab.page.screenshot(path=screenshots / f"lab_{theme.lower()}.png")
    lab.side.screenshot(path=screenshots / f"side_{theme.lower()}.png")
    expect(lab.row("4150 deploy pending")).to_be_visible()
    expect(lab.side.locator(".nbs-count").first).to_have_text("5")


def test_a_narrow_side_panel_loses_nothing(shown: Callable[..., Shown], screenshots: Path) -> None:
    lab = shown().open()
    lab.lab.theme("JupyterLab Light")
    lab.width(200)
    lab.row("4160 report failed").hover()
    lab.side.screenshot(path=screenshots / "side_narrow.png")
    for row in lab.side.get_by_role("option").all():
        assert row.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    lab.width(620)
    lab.side.screenshot(path=screenshots / "side_wide.png")


def test_a_panel_that_was_folded_altogether_comes_back_open(shown: Callable[..., Shown]) -> None:
    lab = shown().open()
    heads = lab.side.locator(".lm-AccordionPanel-title")

    def is_saved(asked: Any) -> bool:
        return "api/workspaces" in asked.url and asked.method == "PUT"

    for at in range(2):
        heads.nth(at).click()
    with lab.page.expect_request(is_saved):
        heads.nth(2).click()
    expect(lab.side.get_by_role("listbox")).to_have_count(0)
    lab.page.reload()
    lab.side.wait_for()
    for name in ("Schedules", "Queue", "Recent runs"):
        expect(lab.side.get_by_role("listbox", name=name, exact=True)).to_be_visible()


def test_what_changes_is_shown_at_once_and_a_flood_asks_nine_times_a_second(
    shown: Callable[..., Shown],
) -> None:
    lab = shown().open()
    lab.row("4170 etl running").wait_for()
    lab.change(4170, state=State.SUCCEEDED, ended_at=lab.server.source.now(), progress=None)
    expect(lab.row("4170 etl succeeded")).to_be_visible(timeout=1500)
    before = len(lab.server.asked)
    for turn in range(60):
        lab.change(4171, state=State.RUNNING, started_at=lab.server.source.now(), progress=(turn, 60, ""))
        lab.page.wait_for_timeout(16)
    lab.change(4171, state=State.FAILED, ended_at=lab.server.source.now(), progress=None)
    expect(lab.row("4171 thumbnails failed")).to_be_visible(timeout=1500)
    assert len(lab.server.asked) - before <= 30, "about two seconds at nine a second, and the badge's"


def test_the_filter_and_the_keyboard_reach_everything(shown: Callable[..., Shown], screenshots: Path) -> None:
    lab = shown().open()
    filter = lab.side.get_by_role("searchbox", name="Filter schedules and runs")
    filter.fill("report")
    expect(lab.row("etl")).to_have_count(0)
    expect(lab.side.get_by_text("Nothing matches the filter.")).to_have_count(1)
    filter.press("ArrowDown")
    assert lab.page.evaluate("() => document.activeElement.ariaLabel") == "Schedules"
    lab.side.get_by_role("listbox", name="Recent runs").focus()
    lab.page.keyboard.press("ArrowDown")
    expect(lab.row("4160 report")).to_have_attribute("aria-selected", "true")
    lab.page.keyboard.press("Enter")
    expect(lab.page.locator(".nbs-alone h3")).to_contain_text("4160 · report")
    lab.side.get_by_role("listbox", name="Recent runs").focus()
    lab.page.keyboard.press("ContextMenu")
    menu = lab.page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Show Failed Cell")).to_be_visible()
    lab.page.screenshot(path=screenshots / "side_menu.png")
    menu.get_by_role("menuitem", name="Retry", exact=True).click()
    expect(lab.row("report queued")).to_be_visible()
    assert lab.server.asked.count("POST /runs/4160/retry") == 1
    filter.press("Escape")
    expect(lab.row("4170 etl running")).to_be_visible()


def test_each_row_has_its_buttons_and_what_is_refused_is_said(shown: Callable[..., Shown]) -> None:
    source = ps.day()
    source.said[4150] = {"why": "waits for approval: deploy?", "actions": ("approve", "reject", "cancel")}
    lab = shown(source).open()
    press = lambda row, name: (lab.row(row).hover(), lab.row(row).get_by_role("button", name=name).click())  # noqa: E731
    press("^monitor", "Pause")
    expect(lab.row("^monitor.*paused by user")).to_be_visible()
    press("^monitor", "Resume")
    expect(lab.row("^monitor.*paused by user")).to_have_count(0)
    press("^etl, on", "Trigger")
    expect(lab.row("4150 deploy").get_by_role("button", name="Approve")).to_be_visible()
    press("4150 deploy", "Approve")
    expect(lab.row("4150 deploy succeeded")).to_be_visible()
    press("4170 etl running", "Cancel")
    expect(lab.row("4170 etl cancelled")).to_be_visible()
    posted = [one for one in lab.server.asked if one.startswith("POST")]
    assert posted == [
        "POST /schedules/monitor/pause", "POST /schedules/monitor/resume", "POST /schedules/etl/trigger",
        "POST /runs/4150/resolve", "POST /runs/4170/cancel",
    ]  # fmt: skip
    lab.page.evaluate(
        "() => void window.jupyterapp.commands.execute('nbsched:act', {verb: 'cancel', target: 4140})"
    )
    expect(lab.page.get_by_text("run 4140 has ended: only a run that waits or runs")).to_be_visible()


def test_no_server_a_lost_one_and_its_return_are_told_apart(
    shown: Callable[..., Shown], screenshots: Path
) -> None:
    lab = shown()
    lab.lab.theme("JupyterLab Light")
    lab.open()
    lab.row("4170 etl running").wait_for()
    lab.server.state = "lost"
    lab.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(lab.side.get_by_text("Offline since")).to_be_visible()
    expect(lab.page.locator(".nbs-status")).to_contain_text("nbsched offline")
    expect(lab.row("4170 etl running")).to_be_visible()
    lab.page.screenshot(path=screenshots / "side_lost.png")
    lab.server.source.change(4170, state=State.SUCCEEDED, ended_at=lab.server.source.now())
    lab.server.state, lab.server.born = "live", 2
    expect(lab.row("4170 etl succeeded")).to_be_visible(timeout=15_000)
    expect(lab.side.get_by_text("Offline since")).to_be_hidden()
    lab.server.state = "absent"
    lab.page.reload()
    lab.lab.wait_ready()
    lab.open()
    expect(lab.side.get_by_text("jupyter server extension enable nbsched")).to_be_visible()
    expect(lab.page.locator(".nbs-status")).to_be_hidden()
    lab.side.screenshot(path=screenshots / "side_absent.png")
    lab.server.state = "lost"
    lab.side.get_by_role("button", name="Try again").click()
    expect(lab.side.get_by_text("The Jupyter server does not answer")).to_be_visible()
    lab.side.screenshot(path=screenshots / "side_no_answer.png")
    lab.server.state = "live"
    lab.side.get_by_role("button", name="Try again").click()
    expect(lab.row("4170 etl succeeded")).to_be_visible()


def test_an_empty_store_says_what_to_do(shown: Callable[..., Shown], screenshots: Path) -> None:
    lab = shown(ps.MemorySource())
    lab.lab.theme("JupyterLab Light")
    lab.open()
    expect(lab.side.get_by_text("Nothing waits or runs.")).to_be_visible()
    lab.side.screenshot(path=screenshots / "side_empty.png")
    lab.side.get_by_role("button", name="Schedule this notebook").click()
    expect(lab.page.get_by_role("dialog", name=f"Schedule {lab.lab.path.name}")).to_be_visible()


def test_the_status_bar_counts_and_opens_the_panel(shown: Callable[..., Shown]) -> None:
    lab = shown()
    status = lab.page.get_by_role("button", name="nbsched: 2 running · 2 queued")
    status.wait_for()
    lab.change(4170, state=State.FAILED, ended_at=lab.server.source.now(), error=Error("OSError", "full"))
    expect(lab.page.locator(".nbs-status")).to_contain_text("1 running · 2 queued")
    expect(lab.page.locator(".nbs-status")).to_contain_text("failed today")
    lab.page.locator(".nbs-status button").click()
    expect(lab.side).to_be_visible()


def test_a_failure_is_told_once_and_leads_to_its_cell(
    shown: Callable[..., Shown], screenshots: Path, lab: Any
) -> None:
    shows = shown()
    shows.page.evaluate(REMEMBER)
    shows.server.files[4170] = write_report(lab.root)
    shows.page.locator(".nbs-status").get_by_text("running").wait_for()
    error = shows.fail_cell_5(4170)
    toast = shows.page.locator(".Toastify__toast")
    expect(toast).to_contain_text("etl failed: KeyError: 'amount'")
    shows.page.wait_for_timeout(700)
    shows.page.screenshot(path=screenshots / "toast.png")
    shows.change(4170, late=True)
    shows.page.wait_for_timeout(400)
    expect(toast).to_have_count(1)
    toast.get_by_role("button", name="Show cell").click()
    shows.page.wait_for_function(
        """() => {
            const page = window.jupyterapp.shell.currentWidget;
            return page?.context?.path === 'report two.ipynb' && page.content.activeCell?.model.id === 'c5';
        }"""
    )
    expect(toast).to_have_count(0)
    for id in (4180, 4171, 4120, 4150):
        shows.server.source.change(id, state=State.FAILED, ended_at=shows.server.source.now(), error=error)
    shows.server.tell(shows.page)
    expect(toast).to_contain_text("4 runs failed: ")
    expect(toast).to_have_count(1)


PLANNED = {
    "name": "nightly", "last_run": None, "changed": True,
    "schedules": [{"name": "nightly", "trigger": "0 2 * * *", "tz": None, "next_at": "2030-01-01T02:00:00+00:00",
                   "paused": None, "overlap": "skip", "missed": "latest", "last_run": None}],
}  # fmt: skip


def test_a_notebook_says_when_it_runs_next_and_whether_it_has_changed(
    shown: Callable[..., Shown], screenshots: Path
) -> None:
    lab = shown()
    badge = lab.page.locator(".nbs-badge")
    expect(badge).to_be_hidden()
    lab.server.notebooks = PLANNED
    lab.lab.save()
    expect(badge).to_contain_text("scheduled, next 2030-01-01 ")
    expect(badge).to_contain_text("changed since last run")
    lab.page.locator(".jp-NotebookPanel-toolbar").screenshot(path=screenshots / "badge.png")
    lab.server.notebooks = {
        **PLANNED,
        "changed": False,
        "schedules": [{**PLANNED["schedules"][0], "paused": "by user"}],
    }
    lab.server.source.act("pause", "monitor")
    lab.server.tell(lab.page)
    expect(badge).to_contain_text("scheduled, paused", timeout=6000)
    expect(badge.get_by_text("changed since last run")).to_be_hidden()
    badge.get_by_role("button").click()
    expect(lab.side.get_by_role("searchbox")).to_have_value("nightly")


def test_notebook_7_has_the_badge_the_messages_and_the_panel(
    shown: Callable[..., Shown], screenshots: Path
) -> None:
    lab = shown(view="notebook")
    lab.server.notebooks = PLANNED
    badge = lab.page.locator(".nbs-badge")
    expect(badge).to_contain_text("changed since last run", timeout=30_000)
    lab.page.screenshot(path=screenshots / "notebook7.png")
    badge.get_by_role("button").click()
    expect(lab.side.get_by_role("searchbox")).to_have_value("nightly")
    lab.side.get_by_role("searchbox").fill("")
    expect(lab.row("4170 etl running")).to_be_visible()
    lab.page.screenshot(path=screenshots / "notebook7_panel.png")


def test_in_notebook_7_the_failed_cell_is_shown_on_a_page_of_its_own(
    shown: Callable[..., Shown], screenshots: Path, lab: Any
) -> None:
    shows = shown(view="notebook")
    shows.server.files[4170] = write_report(lab.root)
    shows.page.locator(".nbs-badge").wait_for(state="attached", timeout=30_000)
    shows.page.wait_for_timeout(1000)
    now = shows.server.source.now()
    error = Error("KeyError", "'amount'", cell=5, line="x = 5", traceback="")
    shows.server.source.change(4170, state=State.FAILED, started_at=now, ended_at=now, error=error)
    shows.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    toast = shows.page.locator(".Toastify__toast")
    expect(toast).to_contain_text("etl failed: KeyError: 'amount'", timeout=10_000)
    with shows.page.context.expect_page() as opened:
        toast.get_by_role("button", name="Show cell").click()
    assert "/notebooks/report%20two.ipynb" in opened.value.url
    active = opened.value.locator(".jp-Notebook-cell.jp-mod-active")
    expect(active).to_contain_text("x = 5", timeout=15_000)
    expect(active).to_be_in_viewport()
    opened.value.screenshot(path=screenshots / "notebook7_cell.png")


def test_text_from_people_is_only_text(shown: Callable[..., Shown], screenshots: Path) -> None:
    source = ps.hostile()
    for n, text in enumerate(ps.HOSTILE):
        source.schedules[text] = ps.schedule(text, text, None, paused=text)
        now = source.now()
        source.runs[100 + n] = ps.run(100 + n, text, State.RUNNING, at=now, started_at=now, schedule=text)
    lab = shown(source).open()
    lab.row("^107 ").wait_for()
    for n, text in enumerate(ps.HOSTILE):
        now = source.now()
        lab.change(100 + n, state=State.FAILED, ended_at=now, error=Error(text, text, cell=1, line=text))
        lab.page.wait_for_timeout(150)
    lab.page.locator(".Toastify__toast").first.wait_for()
    lab.page.screenshot(path=screenshots / "side_hostile.png")
    expect(lab.page.locator(".Toastify__toast").filter(has_text="8 runs failed: ")).to_have_count(1)
    assert lab.page.evaluate("() => window.hacked") is None
    assert lab.side.locator(":is(img, script, iframe, b b)").count() == 0
    assert lab.page.locator(".Toastify__toast :is(img, script, iframe)").count() == 0


def test_a_setting_moves_the_panel_to_the_right(shown: Callable[..., Shown], lab: Any) -> None:
    def put(settings: str) -> None:
        request = urllib.request.Request(
            lab.url("lab/api/settings/nbsched:panel"),
            method="PUT",
            data=json.dumps({"raw": settings}).encode(),
            headers={"Authorization": f"token {lab.token}"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    put('{"side": "right"}')
    try:
        right = shown().open()
        assert right.page.locator("#jp-right-stack .nbs-side").count() == 1
        right.row("4170 etl running").wait_for()
    finally:
        put("{}")


def test_changes_are_found_where_no_event_comes(shown: Callable[..., Shown]) -> None:
    lab = shown().open()
    lab.row("4170 etl running").wait_for()
    source = lab.server.source
    source.change(4170, progress=(40, 120, "fetch"))
    lab.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    expect(lab.row("4170 etl").get_by_text("40 of 120")).to_be_visible()
    source.change(4170, state=State.SUCCEEDED, ended_at=source.now(), progress=None)
    expect(lab.row("4170 etl succeeded")).to_be_visible(timeout=4000)


FRAMES = """async () => {
    const list = document.querySelector('.nbs-side .recent .scroll'), start = performance.now();
    let frames = 0, last = start;
    while (last - start < 3000) {
        last = await new Promise(requestAnimationFrame);
        frames += 1;
        list.scrollTop += frames % 200 < 100 ? 30 : -30;
    }
    return frames / ((last - start) / 1000);
}"""


def test_ten_thousand_runs_stay_smooth_while_they_change(shown: Callable[..., Shown]) -> None:
    lab = shown(ps.many(10_000)).open()
    lab.row("9950 work_10 succeeded").wait_for()
    lab.page.evaluate(
        """([schema_id]) => {
            const {stream} = window.jupyterapp.serviceManager.events;
            let turn = 0;
            window.flood = setInterval(() => stream.emit({schema_id, token: `x${turn++}`, runs: []}), 10);
        }""",
        [CHANGED],
    )
    asked = len(lab.server.asked)
    smooth = lab.page.evaluate(FRAMES)
    lab.page.evaluate("() => clearInterval(window.flood)")
    print(json.dumps({"fps": smooth, "requests": len(lab.server.asked) - asked}))
    assert smooth >= 30
    assert len(lab.server.asked) - asked <= 32
