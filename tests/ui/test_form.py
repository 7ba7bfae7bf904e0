"""The forms in a real JupyterLab: what they show, what they refuse, what they ask of the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.form_server import Answers, days, run_row, schedule_row, yesterday

pytestmark = pytest.mark.ui
Open = Callable[..., Any]


def execute(page: Any, command: str, args: dict[str, Any] | None = None) -> None:
    """The command is started; what it asks is on the screen when its dialog is."""
    page.evaluate(
        "([name, args]) => void window.jupyterapp.commands.execute(name, args)", [command, args or {}]
    )


def dialog(page: Any, title: str | re.Pattern[str]) -> Any:
    found = page.locator(".jp-Dialog").filter(has_text=title)
    found.wait_for()
    return found


def shot(page: Any, screenshots: Path, name: str) -> None:
    page.wait_for_timeout(250)
    page.locator(".jp-Dialog-content").screenshot(path=screenshots / f"form_{name}.png")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_notebook_is_scheduled_with_typed_parameters_and_its_next_times(
    open_page: Open, screenshots: Path, theme: str
) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    lab.theme(f"JupyterLab {theme}")
    page = lab.page
    page.locator(".jp-NotebookPanel-toolbar").get_by_role("button", name="Schedule this notebook").click()
    form = dialog(page, "Schedule page")
    form.get_by_text("Every day at 02:00").wait_for()
    shot(page, screenshots, f"schedule_{theme.lower()}")
    form.get_by_role("combobox", name="Repeat").select_option("weekdays")
    form.get_by_label("At", exact=True).fill("07:30")
    form.get_by_role("combobox", name="Time zone").select_option("America/New_York")
    form.get_by_text("At 07:30 on Monday to Friday").wait_for()
    expect(form.get_by_role("list", name="The next times").get_by_role("listitem")).to_have_count(5)
    expect(form.get_by_role("listitem").first).to_contain_text(
        re.compile("(Mon|Tue|Wed|Thu|Fri) .*07:30.*in ")
    )
    form.get_by_label(re.compile("^limit")).fill("50")
    form.get_by_label(re.compile("^send_mail")).check()
    form.get_by_role("button", name="Day of the run").click()
    form.get_by_text("Options").click()
    form.get_by_label("Retries").fill("2")
    form.get_by_label("Notify on failure").fill("mailto://team")
    shot(page, screenshots, f"schedule_filled_{theme.lower()}")
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")
    [body] = server.posted("/schedules")
    name = lab.path.stem
    assert body == {
        "path": f"{name}.ipynb", "trigger": "30 7 * * 1-5", "tz": "America/New_York", "name": name, "retries": 2,
        "on_failure": "mailto://team", "params": {"limit": 50, "send_mail": True, "day": "@scheduled_date"},
    }  # fmt: skip
    page.get_by_text(f"{name} is scheduled").wait_for()
    page.get_by_role("button", name="Show").wait_for()


def test_what_the_clocks_do_is_noted_at_the_time(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    execute(lab.page, "nbsched:schedule")
    form = dialog(lab.page, "Schedule page")
    form.get_by_label("At", exact=True).fill("02:30")
    form.get_by_text("02:30 does not exist").wait_for()
    shot(lab.page, screenshots, "clocks")


def test_what_is_wrong_stands_at_its_field_and_nothing_is_sent(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page = lab.page
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_role("combobox", name="Repeat").select_option("text")
    trigger = form.get_by_role("textbox", name="Trigger")
    trigger.fill("0 2 * *")
    expect(trigger).to_have_attribute("aria-invalid", "true")
    expect(trigger).to_have_accessible_description(re.compile("fields"))
    columns = form.get_by_label(re.compile("^columns"))
    columns.fill("[1,")
    expect(columns).to_have_accessible_description(re.compile("this is not JSON: write it like"))
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(form).to_be_visible()
    shot(page, screenshots, "wrong")
    assert not server.posted("/schedules")
    columns.fill("[1, 2]")
    trigger.fill("*/20 * * * *")
    form.get_by_text("Every 20 minutes").wait_for()
    server.refusals["/schedules"] = (
        "report: parameter 'limit' must be int, not the str 'x': give a value of that type"
    )
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(form.get_by_label(re.compile("^limit"))).to_be_focused()
    server.refusals["/schedules"] = "the notebook report.ipynb is gone: save it again"
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.get_by_role("alert").get_by_text("is gone: save it again").wait_for()
    del server.refusals["/schedules"]
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")


def test_run_now_needs_no_trigger(open_page: Open) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page = lab.page
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_role("combobox", name="Repeat").select_option("event")
    form.get_by_label(re.compile("^region")).fill("US")
    form.get_by_role("button", name="Run now").click()
    form.wait_for(state="detached")
    assert server.posted("/runs") == [{"path": lab.path.name, "params": {"region": "US"}}]
    page.get_by_text(re.compile("runs: run 52")).wait_for()


def test_late_answers_about_the_next_times_are_dropped(open_page: Open) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page = lab.page
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_text("Every day at 02:00").wait_for()
    asked = len(server.requests)
    at = form.get_by_label("At", exact=True)
    for minute in range(10, 30):
        at.fill(f"03:{minute}")
    form.get_by_text("Every day at 03:29").wait_for()
    assert len(server.requests) - asked <= 4


def test_the_notebooks_schedules_are_listed_paused_and_edited_under_their_name(
    open_page: Open, screenshots: Path
) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page, path = lab.page, lab.path.name
    policy = {"retries": 2, "timeout": "30m", "resources": {"gpu": 1}}
    stored = schedule_row("nightly", "0 2 * * * tz Asia/Tokyo", tz="Asia/Tokyo", path=path, params={"limit": 7},
                          following=[], policy=policy)  # fmt: skip
    held = schedule_row("on-data", "on data.available", tz=None, next_at=None, paused="by user", path=path)
    vars(server).update(schedules={"nightly": stored, "on-data": held})
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_role("button", name="Resume on-data").click()
    form.get_by_role("button", name="Pause on-data").wait_for()
    form.get_by_role("button", name="Edit nightly").click()
    form.get_by_text("Editing nightly").wait_for()
    expect(form.get_by_label(re.compile("^limit"))).to_have_value("7")
    expect(form.get_by_role("combobox", name="Time zone")).to_have_value("Asia/Tokyo")
    form.get_by_label("At", exact=True).fill("04:00")
    shot(page, screenshots, "edit")
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")
    [body] = server.posted("/schedules")
    assert body == {"path": path, "trigger": "0 4 * * *", "tz": "Asia/Tokyo", "name": "nightly", "params": {"limit": 7},
                    "retries": 2, "timeout": "30m", "resources": {"gpu": 1}}  # fmt: skip


def test_a_schedule_of_that_name_is_never_replaced_by_accident(open_page: Open) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    vars(server).update(schedules={"nightly": schedule_row("nightly", path="other.ipynb")})
    execute(lab.page, "nbsched:schedule")
    form = dialog(lab.page, "Schedule page")
    form.get_by_role("textbox", name="Name").fill("nightly")
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.get_by_text("there is a schedule nightly already").wait_for()
    assert not server.posted("/schedules")


def test_the_file_browser_the_palette_and_the_run_menu_lead_to_the_form(open_page: Open) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page = lab.page
    page.get_by_role("listitem", name=re.compile(f"Name: {lab.path.name}")).click(button="right")
    page.get_by_role("menuitem", name="Schedule…").click()
    dialog(page, f"Schedule {lab.path.name}").get_by_role("button", name="Cancel", exact=True).last.click()
    assert server.requests[0] == ("GET", "/notebooks", {"path": lab.path.name})
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Schedule…")).click()
    dialog(page, f"Schedule {lab.path.name}").get_by_role("button", name="Cancel", exact=True).last.click()
    execute(page, "apputils:activate-command-palette")
    page.get_by_role("textbox", name=re.compile("command palette|Search", re.IGNORECASE)).last.fill(
        "Schedule…"
    )
    page.locator(".lm-CommandPalette-itemLabel", has_text="Schedule…").first.click()
    dialog(page, f"Schedule {lab.path.name}").wait_for()


def test_a_cell_gets_the_line_that_schedules_it(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("total = 1 + 1", prepare=server.serve)
    page = lab.page
    page.locator(".jp-Cell").first.click()
    page.locator(".jp-cell-toolbar").get_by_role("button", name="Schedule this cell").click()
    form = dialog(page, "Schedule this cell")
    form.get_by_role("combobox", name="Repeat").select_option("every")
    form.get_by_role("textbox", name="Name").fill("refresh")
    form.get_by_text("%%schedule 'every 15m' --name refresh").wait_for()
    shot(page, screenshots, "cell")
    form.get_by_role("button", name="Insert", exact=True).click()
    form.wait_for(state="detached")
    cells = [cell["source"] for cell in lab.save()["cells"]]
    texts = ["".join(source) for source in cells]
    assert texts == ["%load_ext nbsched", "%%schedule 'every 15m' --name refresh\ntotal = 1 + 1"]
    assert not server.posted("/schedules")


def test_a_cell_that_is_scheduled_and_run_is_known_to_its_kernel(open_page: Open) -> None:
    server = Answers()
    lab = open_page("%load_ext nbsched", "total = 1 + 1", "%schedule", prepare=server.serve)
    page = lab.page
    page.locator(".jp-Cell").nth(1).click()
    execute(page, "nbsched:schedule-cell")
    form = dialog(page, "Schedule this cell")
    form.get_by_label("At", exact=True).fill("04:10")
    form.get_by_role("button", name="Insert and run").click()
    form.wait_for(state="detached")
    expect(page.locator(".jp-Cell").nth(1).locator(".jp-OutputArea-output")).to_contain_text("04:10")
    lab.run(2)
    assert "10 4 * * * tz Europe/Berlin" in lab.output(2)


def test_the_form_opens_in_notebook_7(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve, view="notebook")
    lab.page.get_by_role("button", name="Schedule this notebook").click()
    form = dialog(lab.page, "Schedule page")
    form.get_by_text("Every day at 02:00").wait_for()
    lab.page.screenshot(path=screenshots / "form_notebook7.png")


def test_where_no_notebook_is_in_front_one_is_chosen(open_page: Open) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    page = lab.page
    execute(page, "launcher:create")
    page.locator(".jp-Launcher").wait_for()
    execute(page, "nbsched:schedule")
    chooser = dialog(page, "Schedule a notebook")
    chooser.get_by_text(lab.path.name).click()
    chooser.get_by_role("button", name=re.compile("Open|Select|Ok", re.IGNORECASE)).last.click()
    dialog(page, f"Schedule {lab.path.name}")


def test_where_there_is_no_server_that_is_said_instead(open_page: Open) -> None:
    server = Answers(state="absent")
    lab = open_page("1", prepare=server.serve)
    lab.page.wait_for_timeout(500)
    execute(lab.page, "nbsched:schedule")
    lab.page.get_by_text("This Jupyter server runs without nbsched").first.wait_for()
    expect(lab.page.locator(".jp-Dialog")).to_have_count(0)


STEPS = {"prepare": "succeeded", "train_logistic": "succeeded", "train_svm": "failed", "evaluate": "skipped"}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_run_is_retried_from_a_step_with_other_parameters(
    open_page: Open, screenshots: Path, theme: str
) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    lab.theme(f"JupyterLab {theme}")
    steps = {
        name: run_row(60 + n, name, step=name, state=state) for n, (name, state) in enumerate(STEPS.items())
    }
    params = {"region": "EU", "rates": [0.1, 0.3], "fast": False}
    run = run_row(59, "training", state="failed", pipeline="training", params=params, steps=steps)
    error = {"text": "KeyError: 'amount'", "cell": 5, "line": "total = df['amount'].sum()", "traceback": ""}
    page = lab.page
    vars(server).update(runs={59: run}, views={59: {"run": run, "row": {}, "notebook": None, "error": error}})
    execute(page, "nbsched:retry-with", {"run": 59})
    form = dialog(page, "Retry training, run 59")
    form.get_by_text("train_svm, evaluate").wait_for()
    form.get_by_role("checkbox", name=re.compile("train_logistic")).check()
    form.get_by_label(re.compile("^rates")).fill("[0.2]")
    shot(page, screenshots, f"retry_{theme.lower()}")
    form.get_by_role("button", name="Retry").click()
    form.wait_for(state="detached")
    assert server.posted("/runs/59/retry") == [{"from_step": ["train_logistic"], "params": {"rates": [0.2]}}]
    page.get_by_text("training runs: run 53").wait_for()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_what_was_not_run_is_seen_counted_started_and_followed(
    open_page: Open, screenshots: Path, theme: str
) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    lab.theme(f"JupyterLab {theme}")
    stored = schedule_row("nightly", tz="UTC", params={}, policy={}, path=lab.path.name,
                          following=["2026-11-27T02:00:00+00:00", "2026-11-28T02:00:00+00:00"])  # fmt: skip
    occurrences = days("ssssskkssfsss-----ssfsss--ssssss", yesterday())
    page = lab.page
    vars(server).update(schedules={"nightly": stored}, occurrences=occurrences)
    execute(page, "nbsched:backfill", {"schedule": "nightly"})
    form = dialog(page, "Backfill nightly")
    form.get_by_text("Start runs 7 of 32 instants").wait_for()
    shot(page, screenshots, f"backfill_{theme.lower()}")
    form.get_by_label("Also what failed").check()
    form.get_by_text("Start runs 9 of 32 instants").wait_for()
    form.get_by_label("At once").fill("3")
    form.get_by_role("button", name="Start").click()
    form.get_by_text("9 to go").wait_for()
    shot(page, screenshots, f"backfill_running_{theme.lower()}")
    assert [
        body["max_parallel"]
        for body in server.posted("/schedules/nightly/backfill")
        if "max_parallel" in body
    ] == [3]
    assert form.locator("td.run").count() == 3
    first = form.locator('td[role="gridcell"]').first
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(form.locator('td[role="gridcell"]:focus')).to_have_count(1)
    expect(form.locator('td[role="gridcell"][tabindex="0"]')).to_have_count(1)


def test_many_instants_a_day_are_shown_by_days(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    stored = schedule_row("hourly", "0 * * * *", tz="UTC", params={}, policy={}, path=lab.path.name,
                          following=["2026-11-27T02:00:00+00:00", "2026-11-27T03:00:00+00:00"])  # fmt: skip
    occurrences = [
        {**one, "at": one["at"].replace("T02", f"T{hour:02}"), "run": one["run"] and one["run"] * 100 + hour}
        for one in days("ssfss-", yesterday()) for hour in range(24)
    ]  # fmt: skip
    page = lab.page
    vars(server).update(schedules={"hourly": stored}, occurrences=occurrences)
    execute(page, "nbsched:backfill", {"schedule": "hourly"})
    form = dialog(page, "Backfill hourly")
    form.get_by_text("Start runs 24 of 144 instants").wait_for()
    shot(page, screenshots, "backfill_hourly")


HOSTILE = "<img src=x onerror=window.hacked=1>"


def test_text_from_people_stays_text(open_page: Open, screenshots: Path) -> None:
    server = Answers()
    lab = open_page("1", prepare=server.serve)
    parameters = [
        {"name": "p", "type": "str", "default": HOSTILE, "help": HOSTILE},
        {"name": HOSTILE, "type": HOSTILE, "default": [HOSTILE], "help": ""},
    ]
    stored = schedule_row(
        HOSTILE,
        f"on {HOSTILE.replace(' ', '')}",
        paused=HOSTILE,
        path=lab.path.name,
        params={HOSTILE: HOSTILE},
        policy={"timeout": HOSTILE},
    )
    page = lab.page
    vars(server).update(parameters=parameters, schedules={HOSTILE: stored})
    server.refusals["/next"] = HOSTILE
    server.refusals["/runs"] = HOSTILE
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_role("button", name=f"Edit {HOSTILE}").click()
    form.get_by_text(f"Editing {HOSTILE}").wait_for()
    form.get_by_role("button", name="Run now").click()
    form.get_by_text(HOSTILE).nth(3).wait_for()
    shot(page, screenshots, "hostile")
    assert page.evaluate("() => window.hacked") is None
    assert form.locator(".nbs-form img").count() == 0


FOCUSED = """() => {
    const focused = document.activeElement;
    return focused.labels?.[0]?.firstChild?.textContent ?? focused.textContent;
}"""


def test_the_form_fits_a_narrow_window_and_the_keyboard_reaches_all_of_it(
    open_page: Open, screenshots: Path
) -> None:
    server = Answers()
    lab = open_page("1", width=420, height=820, prepare=server.serve)
    page = lab.page
    vars(server).update(schedules={"nightly": schedule_row("nightly", path=lab.path.name)})
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_text("Every day at 02:00").wait_for()
    shot(page, screenshots, "narrow")
    body = form.locator(".jp-Dialog-body")
    assert body.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    expect(form.get_by_role("combobox", name="Repeat")).to_be_focused()
    seen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    for name in ("At", "Time zone", "region", "columns", "Name", "Schedule"):
        assert name in seen, seen
    expect(page.get_by_role("dialog", name=f"Schedule {lab.path.name}")).to_be_visible()
    page.keyboard.press("Escape")
    form.wait_for(state="detached")
