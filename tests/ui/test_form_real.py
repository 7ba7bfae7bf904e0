"""The forms with the server's own routes: what is asked for is done."""

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

from tests.real import until
from tests.ui.pretended import Server
from tests.ui.test_form import dialog, execute, shot

pytestmark = pytest.mark.ui

PARAMETERS = """from datetime import date
region = "EU"  # which customers
limit: int = 10
rate = 0.5
day: date = None
columns = ["amount"]
"""


TAG = """() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.setMetadata('tags', ['parameters'])"""


def ask(lab: Any, path: str, method: str = "GET", body: Any = None) -> Any:
    request = urllib.request.Request(
        lab.lab.url(f"nbsched/api{path}"), method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {lab.lab.token}"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def opened(open_page: Callable[..., Any]) -> Any:
    news = Server(ps.day())
    cells = PARAMETERS, "print(region, limit, day)"
    lab = open_page(*cells, prepare=lambda context: context.route("**/api/news**", news._answer))
    lab.page.evaluate(TAG)
    return lab


def test_a_schedule_is_made_edited_and_filled_by_the_server(
    open_page: Callable[..., Any], screenshots: Path
) -> None:
    lab = opened(open_page)
    page, name = lab.page, lab.path.stem
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_label(re.compile("^limit")).fill("7")
    form.get_by_role("button", name="Day of the run").click()
    form.get_by_role("combobox", name="Time zone").select_option("Europe/Berlin")
    form.get_by_text("every day at 02:00", exact=False).wait_for()
    form.get_by_text("Options").click()
    form.get_by_label("Retries").fill("2")
    form.get_by_label("Catch up").fill("2d")
    shot(page, screenshots, "real")
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")
    stored = ask(lab, f"/schedules/{name}")
    assert stored["params"] == {"limit": 7, "day": "@scheduled_date"}
    assert stored["policy"]["retries"] == 2
    assert stored["path"] == lab.path.name

    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_role("button", name=f"Edit {name}").click()
    expect(form.get_by_role("button", name="Day of the run")).to_have_attribute("aria-pressed", "true")
    form.get_by_text("Options").click()
    expect(form.get_by_label("Catch up")).to_have_value("2d")
    form.get_by_label("At", exact=True).fill("04:30")
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")
    again = ask(lab, f"/schedules/{name}")
    assert again["trigger"] == "30 4 * * * tz Europe/Berlin"
    assert (again["params"], again["policy"]) == (stored["params"], stored["policy"])

    execute(page, "nbsched:backfill", {"schedule": name})
    form = dialog(page, f"Backfill {name}")
    form.get_by_text(re.compile(r"Start runs \d+ of")).wait_for()
    shot(page, screenshots, "real_backfill")
    first = form.get_by_label("First day").input_value()
    form.get_by_label("Last day").fill(first)
    form.get_by_text("Start runs 1 of 1 instants").wait_for()
    form.get_by_role("button", name="Start").click()
    form.get_by_text("1 to go").wait_for()


def test_a_notebook_runs_now_and_again_with_changes(open_page: Callable[..., Any], screenshots: Path) -> None:
    lab = opened(open_page)
    page = lab.page
    execute(page, "nbsched:schedule")
    form = dialog(page, "Schedule page")
    form.get_by_label(re.compile("^region")).fill("US")
    form.get_by_role("button", name="Day of the run").click()
    form.get_by_role("button", name="Run now").click()
    form.wait_for(state="detached")
    run = int(page.get_by_text(re.compile("runs: run")).first.inner_text().split("run ")[1].split()[0])
    row = ask(lab, f"/runs/{run}")
    assert row["params"]["region"] == "US"
    until(lambda: ask(lab, f"/runs/{run}")["state"] == "succeeded", 30)
    execute(page, "nbsched:retry-with", {"run": run})
    form = dialog(page, "Retry")
    shot(page, screenshots, "real_retry")
    form.get_by_label(re.compile("^limit")).fill("3")
    form.get_by_role("button", name="Retry", exact=True).click()
    form.wait_for(state="detached")
    [again] = [one for one in ask(lab, "/runs") if one["retry_of"] == run]
    assert (again["params"]["limit"], again["params"]["region"]) == (3, "US")
