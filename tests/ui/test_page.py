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

from nbsched.core.model import Error
from nbsched.core.states import State
from tests.ui.pretended_runs import RunServer, code, failure, markdown, shown, stream

pytestmark = pytest.mark.ui
EXECUTE = "([id, args]) => window.jupyterapp.commands.execute(id, args).then(() => null)"


class Shown:
    """A Lab with the page open, and the server it is told of."""

    def __init__(
        self,
        open_page: Callable[..., Any],
        source: Any,
        theme: str = "Light",
        state: str = "live",
        **more: Any,
    ) -> None:
        self.server = RunServer(source)
        self.server.state = state
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


SUM = 'total = df["amount"].sum()'
TRACE = ["Traceback (most recent call last)", "Cell In[5], line 3", f"----> 3 {SUM}", "KeyError: 'amount'"]
TABLE = """<table><thead><tr><th></th><th>region</th><th>sales</th></tr></thead>
<tbody><tr><th>0</th><td>EU</td><td>12.5</td></tr></tbody></table>"""


def report(server: RunServer, run: int = 4160) -> None:
    """The notebook of that run, which failed in its fifth cell."""
    for index, cell in enumerate([
        markdown("# Daily report\nWhat was sold, by *region*."),
        code('day, region = "2026-11-22", "EU"', count=1),
        code("import pandas as pd\n\ndef load(path):\n    # one file a day\n    return pd.read_csv(path)", count=2),
        code('df = load(f"{day}.csv")\ndf.head(1)', stream("18204 rows\n"), shown(html=TABLE, plain="EU"), count=3),
        code("import warnings\nwarnings.warn('old format')", stream("UserWarning: old format\n", "stderr"), count=4),
        code(SUM, failure("KeyError", "'amount'", *TRACE), count=5, status="failed"),
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
    expect(
        lab.aside.get_by_role("region", name="Output notebook").get_by_text("KeyError: 'amount'")
    ).to_be_visible()
    lab.shoot(screenshots / f"page_output_{theme.lower()}.png")
    for name in ("Schedules", "Matrix", "Graph", "Timeline"):
        lab.view.locator("header").get_by_role("tab", name=name).click()
        lab.shoot(screenshots / f"page_{name.lower()}_{theme.lower()}.png")


def test_a_narrow_page_has_room_for_the_list_or_the_run(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    lab = opened(width=700)
    report(lab.server)
    lab.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    lab.open()
    lab.row("4160 report failed").wait_for()
    lab.shoot(screenshots / "page_narrow.png")
    assert lab.view.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    lab.row("4160 report failed").click()
    expect(lab.aside).to_be_visible()
    expect(lab.row("4160 report failed")).to_be_hidden()
    lab.shoot(screenshots / "page_narrow_run.png")
    lab.aside.get_by_role("button", name="Close details").click()
    expect(lab.row("4160 report failed")).to_be_visible()


def test_filters_say_how_many_there_are_and_show_only_those(opened: Callable[..., Shown]) -> None:
    lab = opened().open()
    chips = lab.view.get_by_role("toolbar", name="Filters")
    failed = chips.get_by_role("button", name="failed")
    expect(failed).to_contain_text("5")
    failed.click()
    expect(failed).to_have_attribute("aria-pressed", "true")
    rows = lab.view.locator(".runs [role=option]:visible")
    expect(rows).to_have_count(5)
    lab.change(4170, state=State.FAILED, ended_at=lab.source.now(), progress=None)
    expect(rows).to_have_count(6)
    chips.get_by_role("combobox", name="Schedule or pipeline").select_option("report")
    expect(rows).to_have_count(3)
    expect(failed).to_contain_text("3")
    chips.get_by_role("combobox", name="Span of time").select_option("last hour")
    expect(rows).to_have_count(1)
    lab.view.get_by_role("searchbox", name="Filter").fill("nothing like it")
    expect(lab.view.get_by_text("Nothing matches the filters.")).to_be_visible()
    chips.get_by_role("button", name="Clear filters").click()
    expect(failed).to_have_attribute("aria-pressed", "false")
    expect(chips.get_by_role("button", name="succeeded")).to_contain_text("89")


def test_marked_runs_are_acted_on_together_and_what_was_refused_is_summed_up(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    lab = opened().open()
    bar = lab.view.get_by_role("toolbar", name="Marked runs")
    lab.row("4172 cleanup").locator(".mark").click()
    lab.row("4150 deploy").click(modifiers=["Shift"])
    expect(bar.get_by_text("5 marked")).to_be_visible()
    expect(lab.row("4160 report failed")).to_have_attribute("aria-checked", "true")
    lab.shoot(screenshots / "page_marked.png")
    refused = lab.source.act

    def act(verb: Any, target: Any, value: str = "") -> None:
        refused(verb, 4160 if target == 4171 else target, value)

    lab.source.act = act
    bar.get_by_role("button", name="Cancel 3").click()
    said = lab.view.get_by_role("status").filter(has_text="cancelled")
    expect(said).to_contain_text("2 cancelled · 2 had ended already · refused: run 4171: run 4160 has ended")
    expect(bar.get_by_text("1 marked")).to_be_visible()
    expect(lab.row("4170 etl cancelled")).to_be_visible()
    lab.shoot(screenshots / "page_refused.png")
    assert [path for path, _ in lab.server.posted] == [
        f"/runs/{run}/cancel" for run in (4171, 4170, 4150)
    ] or len(lab.server.posted) == 3
    bar.get_by_role("button", name="Clear marks").click()
    expect(bar.get_by_role("checkbox")).to_have_attribute("aria-checked", "false")


def test_the_keyboard_marks_runs_and_walks_the_matrix(opened: Callable[..., Shown]) -> None:
    lab = opened().open()
    lab.row("4180 training").click()
    grid = lab.view.get_by_role("grid")
    grid.wait_for()
    lab.view.get_by_role("listbox", name="Runs").focus()
    for key in ("Home", "Space", "ArrowDown", "ArrowDown", "Shift+Space"):
        lab.page.keyboard.press(key)
    expect(lab.view.get_by_text("3 marked")).to_be_visible()
    lab.page.keyboard.press("Control+a")
    expect(lab.view.get_by_text("101 marked")).to_be_visible()
    lab.page.keyboard.press("Home")
    cell = grid.get_by_role("gridcell", name=re.compile("^run 4180: running"))
    cell.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
        lab.page.keyboard.press(key)
    assert lab.page.evaluate("() => document.activeElement.title").startswith(
        "train_logistic in run 1200: succeeded"
    )
    lab.page.keyboard.press("Enter")
    expect(lab.aside.get_by_text("train_logistic", exact=False).first).to_be_visible()
    expect(lab.aside.get_by_role("navigation").get_by_role("button", name="training")).to_be_visible()
    expect(grid.get_by_role("gridcell", name=re.compile("^run 4180: running"))).to_be_visible()
    expect(grid.locator('[aria-selected="true"][title^="train_logistic in run 1200"]')).to_be_visible()
    separator = lab.view.get_by_role("separator", name="Width of the details")
    before = lab.aside.bounding_box()["width"]
    separator.focus()
    lab.page.keyboard.press("ArrowLeft")
    assert lab.aside.bounding_box()["width"] == pytest.approx(before + 24, abs=2)


def test_choosing_in_one_view_chooses_in_all(opened: Callable[..., Shown]) -> None:
    lab = opened().open()
    lab.view.locator("header").get_by_role("tab", name="Graph").click()
    lab.view.get_by_role("button", name=re.compile("^train_forest, running")).click()
    expect(lab.aside.locator("h3")).to_contain_text("4183 · train_forest")
    lab.view.locator("header").get_by_role("tab", name="Matrix").click()
    expect(
        lab.view.locator('.columns [aria-selected="true"][title^="train_forest in run 4180: running"]')
    ).to_be_visible()
    lab.view.locator("header").get_by_role("tab", name="Runs").click()
    expect(lab.row("4180 training")).to_have_attribute("aria-selected", "true")
    lab.view.locator("header").get_by_role("tab", name="Timeline").click()
    failed = lab.view.locator(".lanes path.span.bad").last
    expect(failed).to_be_visible()
    box = failed.bounding_box()
    lab.page.mouse.click(box["x"] + 1, box["y"] + 5)
    expect(lab.aside.locator("h3")).to_contain_text("4160 · report")
    lab.view.locator("header").get_by_role("tab", name="Schedules").click()
    lab.row("^monitor, every 30s").click()
    expect(lab.view.get_by_text("monitor · last 24 runs")).to_be_visible()
    expect(
        lab.view.get_by_role("grid").get_by_role("gridcell", name=re.compile("^run 4130: skipped"))
    ).to_be_visible()


def test_the_output_is_followed_while_it_is_written(opened: Callable[..., Shown], screenshots: Path) -> None:
    source = ps.day()
    lab = opened(source)
    for n in range(30):
        lab.server.write(4170, n, code(f"step_{n} = compute({n})", status="pending"))
    lab.open(run=4170)
    lab.aside.get_by_role("tab", name="Output").click()
    cells = lab.aside.get_by_role("region", name="Output notebook")
    expect(cells.get_by_role("group")).to_have_count(30)
    for n in range(25):
        lab.server.write(4170, n, code(f"step_{n} = compute({n})", stream(f"computed {n}\n"), count=n + 1))
    lab.server.write(4170, 25, code("step_25 = compute(25)", stream("0%\r40%\r"), status="running"))
    lab.change(4170, progress=(26, 30, "step_25"))
    running = cells.locator('[data-standing="running"]')
    expect(running).to_be_in_viewport()
    expect(running.get_by_text("40%")).to_be_visible()
    lab.shoot(screenshots / "page_running.png")
    marked = running.locator("pre").last.evaluate_handle(
        "node => { window.kept = node.closest('.jp-OutputArea-child'); }"
    )
    assert marked
    lab.server.write(4170, 25, code("step_25 = compute(25)", stream("0%\r40%\r80%\r"), status="running"))
    expect(running.get_by_text("80%")).to_be_visible()
    assert lab.page.evaluate("() => window.kept.isConnected"), "what stands is written on, not made again"
    cells.hover()
    lab.page.mouse.wheel(0, -4000)
    follow = lab.aside.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "false")
    lab.server.write(4170, 26, code("step_26 = compute(26)", stream("x"), status="running"))
    lab.change(4170, progress=(27, 30, "step_26"))
    expect(cells.locator('[data-standing="running"]').last).not_to_be_in_viewport()
    follow.click()
    expect(cells.locator('[data-standing="running"]').last).to_be_in_viewport()
    lab.aside.get_by_role("tab", name="Details").click()
    lab.server.write(
        4170, 27, code("1 / 0", failure("ZeroDivisionError", "", "ZeroDivisionError"), status="failed")
    )
    error = Error("ZeroDivisionError", "", cell=28, line="1 / 0", traceback="ZeroDivisionError")
    lab.change(4170, state=State.FAILED, ended_at=source.now(), progress=None, error=error)
    lab.aside.get_by_role("button", name="Show cell").click()
    expect(cells.locator('[data-standing="failed"]').last).to_be_in_viewport()
    expect(follow).to_be_hidden()
    asked = len(lab.server.asked)
    lab.page.wait_for_timeout(2500)
    assert not [one for one in lab.server.asked[asked:] if "notebook" in one], (
        "of what has ended nothing more is asked"
    )


def test_a_log_grows_without_a_gap_and_events_tell_what_happened(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    source = ps.day()
    source.logs[4170] = "line 1\n"
    lab = opened(source)
    at = source.now()
    lab.server.events[4170] = [
        {
            "id": str(n),
            "name": name,
            "at": (at + timedelta(seconds=n * 1.5)).isoformat(),
            "seq": n,
            "data": {"run": 4170, "attempt": 1},
        }
        for n, name in enumerate(["run.queued", "run.started", "run.progress"])
    ]
    lab.open(run=4170)
    lab.aside.get_by_role("tab", name="Log").click()
    log = lab.aside.get_by_role("log")
    expect(log).to_have_text("line 1\n")
    for n in range(2, 6):
        source.logs[4170] += f"line {n}\n"
        lab.change(4170, progress=(30 + n, 120, "fetch"))
    expect(log).to_have_text("".join(f"line {n}\n" for n in range(1, 6)))
    lab.aside.get_by_role("tab", name="Events").click()
    expect(lab.aside.get_by_text("run.started")).to_be_visible()
    lab.shoot(screenshots / "page_events.png")


def pair(verdict: str, this: Any, other: Any) -> dict[str, Any]:
    return {"verdict": verdict, "this": this, "other": other}


def pairs(name: str, this: Any, other: Any) -> dict[str, Any]:
    return {"name": name, "this": this, "other": other}


def test_two_runs_stand_side_by_side(opened: Callable[..., Shown], screenshots: Path) -> None:
    lab = opened()
    same = code("import pandas as pd", count=1)
    rows = [code("rows = load(day)", stream(f"{count} rows\n"), count=2) for count in (18204, 17991)]
    failed = code(SUM, failure("KeyError", "'amount'", "KeyError: 'amount'"), count=3)
    lab.server.compared = {
        "params": [pairs("day", "2026-11-22", "2026-11-21"), pairs("region", "EU", None)],
        "cells": [
            pair("same", same, same), pair("same", same, same), pair("outputs", *rows), pair("same", same, same),
            pair("source", failed, code('total = df["sales"].sum()', count=3)),
            pair("added", code("publish(total)", status="pending"), None),
        ],
    }  # fmt: skip
    lab.open(run=4160)
    lab.aside.get_by_role("button", name="Compare with 3004").click()
    expect(lab.aside.get_by_role("combobox", name="Compare with")).to_have_value("3004")
    expect(lab.aside.get_by_text("3 of 6 cells differ")).to_be_visible()
    expect(lab.aside.get_by_role("row", name='day "2026-11-22" "2026-11-21"')).to_be_visible()
    fold = lab.aside.get_by_role("button", name="2 cells the same")
    expect(fold).to_have_attribute("aria-expanded", "false")
    lab.shoot(screenshots / "page_compare.png")
    fold.click()
    expect(lab.aside.locator(".nbs-same .nbs-cell")).to_have_count(2)
    lab.aside.get_by_role("combobox", name="Compare with").select_option("3006")
    expect(fold).to_have_attribute("aria-expanded", "false")
    assert "GET /runs/4160/compare/3006" in lab.server.asked
    lab.execute("nbsched:open-run", run=4160)
    alone = lab.page.locator(".nbs-alone")
    alone.get_by_role("tab", name="Compare").click()
    expect(alone.get_by_text("3 of 6 cells differ")).to_be_visible()
    lab.shoot(screenshots / "run_compare.png")


def test_a_run_has_a_tab_of_its_own_which_comes_back_with_the_layout(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    lab = opened()
    report(lab.server)
    lab.open()
    lab.row("4160 report failed").dblclick()
    alone = lab.page.locator(".nbs-alone")
    expect(alone.locator("h3")).to_contain_text("4160 · report")
    lab.shoot(screenshots / "run_alone.png")
    alone.get_by_role("tab", name="Output").click()
    expect(
        alone.get_by_role("region", name="Output notebook").get_by_text("KeyError: 'amount'")
    ).to_be_visible()
    alone.get_by_role("button", name="Open as notebook").click()
    lab.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.path === 'report-run4160.ipynb'"
    )
    assert (lab.lab.lab.root / "report-run4160.ipynb").exists()
    lab.page.wait_for_timeout(1500)
    lab.page.goto(lab.page.url.replace("&reset", "").replace("?reset", ""))
    lab.page.wait_for_selector(".nbs-alone, .nbs.full", state="attached", timeout=60_000)
    expect(lab.page.locator(".nbs-alone h3")).to_contain_text("4160 · report", timeout=20_000)
    assert lab.page.locator(".nbs.full").count() == 1


def test_repair_is_asked_of_the_server_and_what_it_refuses_is_said(opened: Callable[..., Shown]) -> None:
    lab = opened().open(run=4160)
    lab.aside.get_by_role("button", name="Retry", exact=True).click()
    expect(lab.row("4181|4188|report queued").first).to_be_visible()
    assert lab.server.posted[-1][0] == "/runs/4160/retry"
    lab.page.keyboard.press("Escape")
    lab.view.locator("header").get_by_role("tab", name="Schedules").click()
    lab.row("^monitor, every 30s").get_by_role("button", name="Pause").click()
    expect(lab.row("^monitor.*paused by user")).to_be_visible()
    lab.source.said[4150] = {"why": "waits for approval", "actions": ("approve", "reject")}
    lab.change(4150)
    lab.view.locator("header").get_by_role("tab", name="Runs").click()
    lab.row("4150 deploy").get_by_role("button", name="Approve").click()
    expect(lab.row("4150 deploy succeeded")).to_be_visible()


@pytest.mark.parametrize("state", ["absent", "lost"])
def test_without_a_server_the_page_says_what_can_be_done(
    opened: Callable[..., Shown], screenshots: Path, state: str
) -> None:
    lab = opened(state=state)
    lab.execute("nbsched:open-page")
    page = lab.page.locator(".nbs-page")
    said = "jupyter server extension enable nbsched" if state == "absent" else "does not answer"
    expect(page.get_by_text(said)).to_be_visible(timeout=20_000)
    expect(lab.view).to_be_hidden()
    lab.shoot(screenshots / f"page_{state}.png")
    lab.server.state = "live"
    page.get_by_role("button", name="Try again").click()
    expect(lab.row("4180 training")).to_be_visible()
    lab.server.state = "lost"
    lab.server.tell(lab.page)
    lab.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    expect(page.get_by_text("Offline since")).to_be_visible(timeout=20_000)
    expect(lab.row("4180 training")).to_be_visible()


def test_an_empty_store_says_how_to_begin(opened: Callable[..., Shown], screenshots: Path) -> None:
    lab = opened(ps.MemorySource()).open()
    expect(lab.view.get_by_text("No runs yet", exact=False)).to_be_visible()
    lab.shoot(screenshots / "page_empty.png")


def test_hostile_text_stays_text_in_every_side_of_a_run(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    lab = opened(ps.hostile())
    for run in (50, 51):
        lab.server.events[run] = [
            {"id": "1", "name": text, "at": lab.source.now().isoformat(), "seq": n, "data": {text: text}}
            for n, text in enumerate(ps.HOSTILE)
        ]
        for n, text in enumerate(ps.HOSTILE):
            rich = [{"html": text}, {"markdown": text}, {"latex": f"${text}$"},
                    {"svg": f"<svg onload=\"window.hacked=1\">{text}"}, {"javascript": "window.hacked=1"}]  # fmt: skip
            outputs = [stream(text), failure(text, text, text), *(shown(**data) for data in rich)]
            lab.server.write(run, n, code(text, *outputs, count=n))
        lab.server.write(
            run,
            len(ps.HOSTILE),
            markdown("\n\n".join(ps.HOSTILE) + "\n\n[go](javascript:window.hacked='link')"),
        )
    cell = code(ps.HOSTILE[0], shown(html=ps.HOSTILE[1]), count=1)
    lab.server.compared = {
        "params": [{"name": text, "this": text, "other": {text: text}} for text in ps.HOSTILE],
        "cells": [pair("outputs", cell, cell)],
    }
    lab.open(run=50)
    lab.aside.locator("h3").wait_for()
    for name in ("Output", "Log", "Events", "Compare"):
        lab.aside.get_by_role("tab", name=name).click()
        lab.page.wait_for_timeout(700)
        lab.page.screenshot(path=screenshots / f"page_hostile_{name.lower()}.png")
    for name in ("Schedules", "Matrix", "Graph", "Timeline"):
        lab.view.locator("header").get_by_role("tab", name=re.compile(name)).click()
    lab.page.wait_for_timeout(300)
    assert lab.page.evaluate("() => window.hacked") is None
    assert lab.view.locator(":is(script, iframe, object, embed)").count() == 0
    assert lab.view.locator("[onerror], [onload], a[href^=javascript]").count() == 0


FRAMES = """async selector => {
    const box = document.querySelector(selector), start = performance.now();
    let frames = 0, worst = 0, last = start;
    while (last - start < 4000) {
        const at = await new Promise(requestAnimationFrame);
        frames += 1; worst = Math.max(worst, at - last); last = at;
        box.scrollTop += frames % 200 < 100 ? 30 : -30;
    }
    return {fps: frames * 1000 / (last - start), worst};
}"""


STANDS = State.SUCCEEDED, State.RUNNING, State.PENDING


def wide(steps: int = 500) -> ps.MemorySource:
    """A pipeline of so many steps, half of them ended, which has run twelve times, among ten thousand runs."""
    source, now = ps.many(10_000), ps.CLOCK.now()
    names = [f"step_{n:03}" for n in range(steps)]
    source.needs["wide"] = {
        name: [] if n < 25 else [names[n - 25], names[n - 25 + (n % 3) - (n % 25 == 24)]]
        for n, name in enumerate(names)
    }
    for number in range(12):
        id, live, at = 20_000 + 1000 * number, number == 11, now - timedelta(hours=12 - number)
        end = None if live else at + timedelta(minutes=number + 1)
        source.runs[id] = ps.run(id, "wide", State.SUCCEEDED if end else State.RUNNING, at=at, kind="pipeline",
                                 pipeline="wide", started_at=at, ended_at=end)  # fmt: skip
        for n, name in enumerate(names, 1):
            state = STANDS[(n > steps // 2) + (n > steps // 2 + 10)] if live else State.SUCCEEDED
            source.runs[id + n] = ps.run(id + n, name, state, at=at, pipeline="wide", step=name, parent=id,
                                         started_at=None if state is State.PENDING else at,
                                         ended_at=at + timedelta(seconds=5) if state.final else None)  # fmt: skip
    return source


def test_ten_thousand_runs_and_a_graph_of_five_hundred_steps_stay_fluid_while_live(
    opened: Callable[..., Shown], screenshots: Path
) -> None:
    lab = opened(wide())
    lab.open(run=31_000)
    for tab, box in (
        ("Runs", ".nbs.full .runs .scroll"),
        ("Graph", ".nbs.full .graph"),
        ("Matrix", ".nbs.full .matrix"),
        ("Timeline", ".nbs.full .lanes"),
    ):
        lab.view.locator("header").get_by_role("tab", name=tab, exact=True).click()
        lab.page.wait_for_timeout(1000)
        if tab != "Runs":
            lab.page.screenshot(path=screenshots / f"page_wide_{tab.lower()}.png")
        lab.page.evaluate(LIVE)
        measured = lab.page.evaluate(FRAMES, box)
        lab.page.evaluate("() => clearInterval(window.flood)")
        print(tab, measured)
        assert measured["fps"] >= 30, (tab, measured)
    assert lab.view.locator(".graph .box").count() < 250


LIVE = """() => {
    let n = 0;
    const manager = window.jupyterapp.serviceManager.events, known = null;
    window.flood = setInterval(() => {
        n += 1;
        manager.stream.emit({schema_id: 'urn:nbsched:changed', token: 'x' + n, runs: []});
    }, 120);
}"""
