"""The panel in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui
WORDS = Path(__file__).parents[2] / "nbsched/panel/view/words.js"

IMPORTS = "import panel_source as ps\nfrom nbsched.jupyter.widget import Panel\n"
STORE = IMPORTS + "source = ps.{make}\npanel = Panel(source)\npanel"


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_store_is_shown_in_the_theme_of_the_page(
    open_page: Callable[..., Any], screenshots: Path, theme: str
) -> None:
    lab = open_page(STORE.format(make="day()"))
    lab.theme(f"JupyterLab {theme}")
    lab.run(0)
    lab.panel.get_by_role("option", name=re.compile("4160 report failed")).click()
    panel = lab.panel
    panel.get_by_text("traceback", exact=True).wait_for()
    panel.screenshot(path=screenshots / f"store_{theme.lower()}.png")
    lab.panel.get_by_role("option", name=re.compile("4180 training")).click()
    panel.locator(".pipeline").wait_for()
    panel.screenshot(path=screenshots / f"pipeline_{theme.lower()}.png")
    for tab in ("Schedules", "Graph", "Timeline", "Log"):
        panel.get_by_role("tab", name=tab).click()
        lab.page.wait_for_timeout(150)
        panel.screenshot(path=screenshots / f"{tab.lower()}_{theme.lower()}.png")


def test_a_narrow_panel_folds_its_columns_and_loses_nothing(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = open_page(STORE.format(make="day()"), width=560)
    lab.theme("JupyterLab Light")
    lab.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    lab.run(0)
    panel = lab.panel
    lab.panel.get_by_role("option", name=re.compile("4160 report failed")).wait_for()
    panel.screenshot(path=screenshots / "narrow.png")
    lab.panel.get_by_role("option", name=re.compile("4160 report failed")).click()
    panel.get_by_text("traceback", exact=True).wait_for()
    panel.screenshot(path=screenshots / "narrow_details.png")
    assert panel.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    lab.panel.get_by_role("option", name=re.compile("4160 report failed")).get_by_text(
        "attempt 3 of 3"
    ).wait_for()


FLOOD = """
import random, threading, time
from datetime import UTC, datetime
from nbsched.core.states import State
source = ps.many(10_000)
panel = Panel(source)
def flood():
    ids = list(source.runs)
    until, n = time.monotonic() + 5, 0
    while time.monotonic() < until:
        for id in random.sample(ids, 10):
            source.change(id, state=State.RUNNING, ended_at=None, progress=(n % 100, 100, ""))
        n += 1
        time.sleep(0.1)
    now = datetime.now(UTC)
    for id in ids:
        failed = id % 20 == 0
        source.change(id, state=State.FAILED if failed else State.SUCCEEDED, ended_at=now, progress=None)
thread = threading.Thread(target=flood)
panel
"""
FRAMES = """async () => {
    const root = document.querySelector('.jp-OutputArea .nbs'), list = root.querySelector('.scroll');
    const first = Number(root.dataset.seq), start = performance.now();
    let frames = 0, worst = 0, last = start;
    while (last - start < 5000) {
        const at = await new Promise(requestAnimationFrame);
        frames += 1; worst = Math.max(worst, at - last); last = at;
        list.scrollTop += frames % 200 < 100 ? 30 : -30;
    }
    const seconds = (last - start) / 1000;
    return {fps: frames / seconds, worst, messages: (Number(root.dataset.seq) - first) / seconds};
}"""


def test_ten_thousand_runs_with_a_hundred_changes_a_second_stay_smooth_and_lose_nothing(
    open_page: Callable[..., Any],
) -> None:
    lab = open_page(IMPORTS + FLOOD, "thread.start()")
    lab.run(0)
    lab.page.wait_for_function("() => document.querySelector('.jp-OutputArea .nbs .num.when')")
    lab.panel.get_by_text("50", exact=True).wait_for()
    lab.run(1)
    measured = lab.page.evaluate(FRAMES)
    print(json.dumps(measured))
    assert measured["fps"] >= 30
    assert measured["messages"] <= 10
    lab.panel.get_by_role("searchbox", name="Filter").fill("failed")
    lab.page.wait_for_selector('.jp-OutputArea .nbs .runs [aria-setsize="500"]', timeout=15_000)
    lab.panel.get_by_role("searchbox", name="Filter").fill("succeeded")
    lab.page.wait_for_selector('.jp-OutputArea .nbs .runs [aria-setsize="9500"]')
    assert lab.panel.locator(".count", has_text="running").locator("em").inner_text() == "0"


def test_buttons_work_while_a_cell_is_running(open_page: Callable[..., Any]) -> None:
    busy = """
import time
deadline = time.monotonic() + 20
while time.monotonic() < deadline and not source.acted:
    time.sleep(0.05)
print(source.acted, time.monotonic() < deadline)
"""
    lab = open_page(STORE.format(make="day()"), busy, "print(source.acted[1:])")
    lab.run(0)
    run = lab.panel.get_by_role("option", name=re.compile("4170 etl running"))
    run.wait_for()
    lab.run(1, wait=False)
    lab.page.wait_for_selector('.jp-Cell:nth-child(2) .jp-InputPrompt:has-text("*")')
    run.hover()
    run.get_by_role("button", name="Cancel").click()
    lab.panel.get_by_role("option", name=re.compile("4170 etl cancelled")).wait_for(timeout=5000)
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.jp-OutputArea-output pre').length > 0", timeout=5000
    )
    assert lab.output(1).strip() == "[('cancel', 4170, 'nbsched-panel')] True"
    lab.panel.get_by_role("tab", name="Schedules").click()
    lab.panel.get_by_role("option", name=re.compile("^monitor")).get_by_role("button", name="Pause").click()
    lab.panel.get_by_role("option", name=re.compile("monitor.*paused by user")).wait_for(timeout=5000)
    lab.panel.get_by_role("tab", name="Runs").click()
    lab.panel.get_by_role("option", name=re.compile("4160 report")).click()
    lab.panel.locator("aside").get_by_role("button", name="Retry").click()
    lab.panel.get_by_role("option", name=re.compile("4181|4188|report queued")).wait_for(timeout=5000)
    lab.run(2)
    assert "('pause', 'monitor', 'nbsched-panel'), ('retry', 4160, 'nbsched-panel')" in lab.output(2)


def test_what_a_button_may_not_do_is_said_in_one_line(open_page: Callable[..., Any]) -> None:
    lab = open_page(
        STORE.format(make="day()"), "panel._feed.hear({'t': 'act', 'verb': 'cancel', 'target': 4140})"
    )
    lab.run(0)
    lab.panel.get_by_role("option", name=re.compile("4140")).wait_for()
    lab.run(1)
    lab.panel.get_by_role("status").get_by_text(
        "run 4140 has ended: only a run that waits or runs"
    ).wait_for()


FOCUS = """
import panel_source as ps
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from nbsched.core.states import State
from nbsched.jupyter.widget import Panel
source = ps.day()
source.logs[4183] = "epoch 1\\nepoch 2"
panel = Panel(source, focus=4180)
panel
"""
FINISH = """
at = datetime.now(UTC)
for id, step in source.runs.items():
    if step.parent == 4180 and not step.state.final:
        failed = step.step == "train_svm"
        error = ps.Error("ValueError", "<b>C</b> must be positive", cell=3, line="SVC(C=-1)",
            traceback="Traceback\\nValueError: <b>C</b>") if failed else None
        source.runs[id] = replace(step, state=State.FAILED if failed else State.SUCCEEDED, not_before=None,
            started_at=step.started_at or at, ended_at=at, error=error, values={"accuracy": 0.97})
source.change(4180, state=State.FAILED, ended_at=at, progress=None)
panel.settle(10)
"""


def test_a_pipelines_panel_turns_into_plain_html_when_its_run_has_ended(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = open_page(FOCUS, FINISH)
    lab.theme("JupyterLab Light")
    lab.run(0)
    panel = lab.panel
    panel.get_by_role("button", name=re.compile("train_forest, running")).click()
    panel.locator("aside").get_by_text("train_forest").wait_for()
    panel.screenshot(path=screenshots / "focus_light.png")
    panel.get_by_role("tab", name="Timeline").click()
    lab.page.wait_for_timeout(150)
    panel.screenshot(path=screenshots / "focus_timeline.png")
    panel.get_by_role("tab", name="Log").click()
    panel.get_by_text("epoch 2").wait_for()
    lab.run(1)
    static = lab.page.locator(".nbsched-frozen")
    static.wait_for()
    assert panel.count() == 0
    assert static.get_by_text("accuracy = 0.97").count() == 5
    static.get_by_text("ValueError: <b>C</b> must be positive").last.click()
    static.screenshot(path=screenshots / "frozen_light.png")
    lab.theme("JupyterLab Dark")
    static.screenshot(path=screenshots / "frozen_dark.png")
    [output] = lab.save()["cells"][0]["outputs"]
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert "train_svm" in "".join(output["data"]["text/plain"])


def test_hostile_text_is_shown_as_text_and_never_run(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    import panel_source

    lab = open_page(
        STORE.format(make="hostile()"),
        "source.change(1, state=ps.State.FAILED, ended_at=source.now())",
        "Panel(source, focus=1)",
    )
    lab.run(0)
    rows = lab.panel.locator(".runs .pad .row")
    rows.first.wait_for()
    for text in panel_source.HOSTILE:
        lab.panel.get_by_role("option").filter(has_text=text.split("\x00")[0].strip("\u202e")).first.click(
            timeout=5000
        )
        lab.page.locator("aside h3").wait_for()
        for tab in ("Schedules", "Timeline", "Log", "Runs"):
            lab.panel.get_by_role("tab", name=tab).click()
    lab.panel.get_by_role("option", name=re.compile("^1 ")).click()
    lab.panel.locator(".graph .box").first.wait_for()
    lab.panel.screenshot(path=screenshots / "hostile.png")
    lab.run(1)
    lab.run(2)
    lab.page.locator(".nbsched-frozen").wait_for()
    lab.page.locator(".nbsched-frozen").screenshot(path=screenshots / "hostile_frozen.png")
    assert lab.page.evaluate("() => window.hacked") is None
    assert (
        lab.page.locator(
            ".jp-OutputArea .nbs :is(img, script, iframe, b b), .nbsched-frozen :is(script, iframe, svg)"
        ).count()
        == 0
    )


REAL = """
import time
import nbsched as nb
with nb.pipeline("nightly") as nightly:
    @nb.task
    def fetch():
        print("fetching")
        return {"rows": 7}
    @nb.task
    def train(rows):
        time.sleep(2)
        return {"accuracy": rows / 10}
    rows = fetch()
    score = train(rows["rows"])
    nb.shell("echo good enough", name="deploy", when=score["accuracy"] > 0.5)
run = nightly.run()
nb.dashboard(focus=run.id)
"""


def test_a_real_run_is_followed_from_its_start_to_its_static_end(open_page: Callable[..., Any]) -> None:
    lab = open_page(REAL, "run.wait('20s').state.value", "nb.dashboard()")
    lab.run(0)
    lab.panel.locator(".box.run").wait_for()
    lab.run(1)
    static = lab.page.locator(".nbsched-frozen")
    static.get_by_text("accuracy = 0.7").wait_for()
    assert lab.output(1) == "'succeeded'"
    lab.run(2)
    lab.panel.get_by_role("option", name=re.compile("nightly succeeded")).click()
    lab.panel.locator(".matrix").wait_for()


STUDY = """
import threading
import nbsched as nb
go_on, tuned = threading.Event(), threading.Event()
@nb.task
def cut(folds):
    return list(range(folds))
@nb.task
def score(fold, rate):
    print(f"scoring fold {fold}")
    if fold in (17, 41):
        raise ValueError(f"fold {fold} holds no positive case")
    if fold >= 132:
        go_on.wait(60)
    return fold * rate
@nb.task
def fit(rate):
    return {"loss": round(1 / (1 + rate), 3)}
@nb.task
def choose(loss):
    tuned.wait(60)
    return loss
@nb.task
def publish():
    return "published"
with nb.pipeline("tune", params={"rates": list}) as tune:
    losses = fit.map(tune.params["rates"])
    choose(losses["loss"])
with nb.pipeline("study", params={"folds": 300}) as study:
    folds = cut(study.params["folds"])
    scores = score.map(folds, rate=0.1, max_parallel=1)
    inside = tune(rates=[0.1, 0.3, 0.5])
    folds >> inside
    report = publish.options(rule="all_done")()
    [scores, inside] >> report
run = study.run()
nb.dashboard(focus=run.id)
"""
DONE = """
go_on.set(); tuned.set()
run.wait("50s").state.value
"""


def test_items_and_pipelines_inside_are_counted_and_found_step_by_step(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = open_page(STUDY, DONE, "nb.dashboard()")
    lab.theme("JupyterLab Light")
    lab.run(0)
    panel = lab.panel
    option, aside, graph = (
        partial(panel.get_by_role, "option"),
        panel.locator("aside"),
        panel.locator(".graph"),
    )
    option(name=re.compile("score running")).get_by_text("132 of 300 · 2 failed").wait_for()
    assert option().count() == 4, "items are no rows of the list"
    graph.get_by_role("button", name=re.compile("score, running, 132.300 · 2 failed")).click()
    aside.get_by_text("130 ok").wait_for()
    items = aside.get_by_role("region", name="Items")
    assert (
        items.get_by_role("button")
        .first.get_attribute("aria-label")
        .startswith("score [17] failed, ValueError")
    )
    items.get_by_role("button", name=re.compile(r"score \[140\] pending, fold = 140")).wait_for()
    items.get_by_text("and 200 more").wait_for()
    panel.screenshot(path=screenshots / "study_items.png")

    items.get_by_role("button").first.click()
    aside.get_by_text("score [17]").wait_for()
    aside.get_by_text("rate = 0.1").wait_for()
    panel.get_by_role("tab", name="Log").click()
    panel.get_by_text("scoring fold 17").wait_for()
    panel.get_by_role("tab", name="Steps").click()
    panel.screenshot(path=screenshots / "study_item.png")
    aside.get_by_role("navigation").get_by_role("button", name="score").click()
    aside.get_by_text("130 ok").wait_for()

    option(name=re.compile("tune running")).click()
    option(name=re.compile("fit succeeded")).get_by_text("3 items").wait_for()
    graph.get_by_role("button", name=re.compile("choose, running")).wait_for()
    panel.screenshot(path=screenshots / "study_inside.png")
    panel.get_by_role("tab", name="Timeline").click()
    panel.get_by_text("tune › choose").wait_for()
    panel.get_by_role("tab", name="Steps").click()
    panel.locator(".pipeline").get_by_role("navigation").get_by_role("button", name="study").click()
    graph.get_by_role("button", name=re.compile("publish")).wait_for()
    panel.get_by_role("button", name="Close tune").click()
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.jp-OutputArea .nbs .runs [role=option]:not([hidden])').length === 4"
    )

    lab.run(1)
    static = lab.page.locator(".nbsched-frozen")
    static.get_by_role("cell", name="score 300 items").wait_for()
    assert lab.output(1) == "'failed'"
    static.get_by_text("298 ok · 2 failed").last.click()
    static.get_by_text("[41] ValueError: fold 41 holds no positive case").wait_for()
    static.screenshot(path=screenshots / "study_frozen.png")
    lab.theme("JupyterLab Dark")
    lab.run(2)
    option(name=re.compile("study failed")).click()
    graph.get_by_role("button", name=re.compile("score, failed, .*2 failed")).click()
    aside.get_by_text("298 ok").wait_for()
    expect(option(name=re.compile("score|fit|tune"))).to_have_count(0)
    panel.screenshot(path=screenshots / "study_dark.png")


APPROVAL = """
source = ps.day()
source.said[4150] = {"why": "waits for approval: deploy?", "actions": ("approve", "reject", "call_home")}
source.stale = {"train_logistic"}
panel = Panel(source, chosen=4150)
panel
"""


def test_what_waits_for_a_person_has_its_buttons_and_what_is_stale_is_drawn_so(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = open_page(IMPORTS + APPROVAL, "print(source.acted)")
    lab.theme("JupyterLab Light")
    lab.run(0)
    panel = lab.panel
    for name in ("Approve", "Reject", "Call home"):
        panel.locator("aside").get_by_role("button", name=name).wait_for()
    panel.screenshot(path=screenshots / "approval.png")
    panel.get_by_role("option", name=re.compile("4150 deploy")).get_by_role("button", name="Approve").click()
    lab.panel.get_by_role("option", name=re.compile("4150 deploy succeeded")).click()
    lab.run(1)
    assert lab.output(1).strip() == "[('approve', 4150, 'nbsched-panel')]"
    lab.panel.get_by_role("option", name=re.compile("4180 training")).click()
    box = panel.get_by_role("button", name=re.compile("train_logistic.*an input has changed since"))
    assert "an input has changed since" in box.locator("title").text_content()
    panel.screenshot(path=screenshots / "stale.png")


def test_an_answer_is_typed_or_chosen_in_the_panel(open_page: Callable[..., Any], screenshots: Path) -> None:
    lab = open_page(
        "import nbsched as nb\nmany = nb.run(nb.approve('How many folds?', type=int, name='folds'))\n"
        "where = nb.run(nb.approve('Which region?', type=['EU', 'US'], name='region'))\nnb.dashboard(focus=many)",
        "print(many.wait('30s').result, where.wait('30s').result)",
    )
    lab.run(0)
    panel, aside = lab.panel, lab.panel.locator("aside")
    aside.get_by_role("textbox", name="Answer").fill("ten")
    aside.get_by_role("button", name="Answer").click()
    panel.get_by_text("asks for a value of type int, not 'ten'").wait_for()
    aside.get_by_role("textbox", name="Answer").fill("10")
    panel.screenshot(path=screenshots / "answer.png")
    aside.get_by_role("textbox", name="Answer").press("Enter")
    panel.get_by_role("option", name=re.compile("folds succeeded")).wait_for()
    panel.get_by_role("option", name=re.compile("region pending")).click()
    aside.get_by_role("combobox", name="Answer").select_option("US")
    aside.get_by_role("button", name="Answer").click()
    lab.run(1)
    assert lab.output(1).strip() == "10 US"


def test_python_and_the_page_write_durations_and_distances_alike(open_page: Callable[..., Any]) -> None:
    from nbsched.core.rows import took_text, when_text

    spans = [0, 99, 100, 149, 150, 9949, 9950, 59_499, 59_500, 3_599_499, 3_725_000, 86_400_000, 10**10]
    lab = open_page("1")
    lab.page.evaluate(
        """async text => {
            const file = new Blob([text], {type: 'text/javascript'});
            window.view = await import(URL.createObjectURL(file));
        }""",
        WORDS.read_text("utf-8"),
    )
    assert lab.page.evaluate("spans => spans.map(view.took)", spans) == [took_text(span) for span in spans]
    now = 10**12
    for sign in (1, -1):
        ours = [when_text(now + sign * span, now) for span in spans]
        assert (
            lab.page.evaluate(f"spans => spans.map(span => view.when({now} + {sign} * span, {now}))", spans)
            == ours
        )


def test_a_panel_is_live_again_after_the_page_is_reloaded(open_page: Callable[..., Any]) -> None:
    lab = open_page(
        STORE.format(make="day()"), "source.change(4170, state=ps.State.FAILED, ended_at=source.now())"
    )
    lab.run(0)
    lab.panel.get_by_role("option", name=re.compile("4170 etl running")).wait_for()
    lab.save()
    lab.page.reload()
    lab.wait_ready()
    lab.panel.get_by_role("option", name=re.compile("4170 etl running")).wait_for()
    lab.run(1)
    lab.panel.get_by_role("option", name=re.compile("4170 etl failed")).wait_for(timeout=5000)


def test_the_keyboard_reaches_everything(open_page: Callable[..., Any]) -> None:
    lab = open_page(STORE.format(make="day()"))
    lab.run(0)
    page, cells = lab.page, "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    panel = lab.panel
    panel.get_by_role("option", name=re.compile("4180")).wait_for()
    panel.get_by_role("tab", name="Runs").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.activeElement.textContent").startswith("Schedules")
    page.keyboard.press("ArrowLeft")
    panel.get_by_role("listbox", name="Runs").focus()
    for key in ("Home", "ArrowDown", "d", "d", "ArrowDown"):
        page.keyboard.press(key)
    panel.locator('.row[aria-selected="true"][aria-label^="4171"]').wait_for()
    page.keyboard.press("End")
    panel.locator('.row[aria-selected="true"][aria-posinset="101"]').wait_for()
    page.keyboard.press("Escape")
    panel.locator("aside").wait_for(state="hidden")
    assert page.evaluate(cells) == 1
