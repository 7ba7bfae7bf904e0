"""The pictures of README and of the tour, taken of a real JupyterLab with real work in it.

`python -m tests.ui.pictures [FOLDER]` writes them to notebooks/pictures, or to the folder.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbsched.engine.visiting import Visitor
from tests.ui import picture_work as work
from tests.ui.conftest import FLAGS, READY, Lab, Page

FOLDER = Path(__file__).parents[2] / "notebooks" / "pictures"
WIDTH = 1400
COLOURS = 200
ZONE = "Europe/Berlin"
TRAINING = "training/pipeline.py"
EXECUTE = "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }"


CHANGE = r"""async () => {
    const page = window.jupyterapp.shell.currentWidget;
    const cell = page.content.widgets[3].model.sharedModel;
    cell.setSource(cell.source + '\nlen(sold)');
    await page.context.save();
}"""


class Rest:
    """The server's own API, asked as a program asks it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(self, method: str, route: str, /, **body: Any) -> Any:
        request = urllib.request.Request(
            self.lab.url(f"nbsched/api{route}"), method=method, data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"token {self.lab.token}"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def run(self, path: str, **params: Any) -> int:
        return int(self("POST", "/runs", path=path, params=params)["id"])

    def ended(self, run: int) -> str:
        """How the run has ended, once it has."""
        while not (row := self("GET", f"/runs/{run}"))["ended_at"]:
            time.sleep(0.1)
        return str(row["state"])


class History:
    """What had happened before somebody looks: carried out here and now, in the background."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        rest("POST", "/schedules", path=TRAINING, trigger="0 2 * * 1-5", name="training")
        self.thread = threading.Thread(target=self.happen, daemon=True)
        self.thread.start()

    def happen(self) -> None:
        for params in ({}, {"threshold": 0.999}, {"test_share": 0.5}):
            self.rest.ended(self.rest.run(TRAINING, **params))


class Camera:
    """A browser's page, and the folder for its pictures."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder = page, folder

    def execute(self, command: str, **args: Any) -> None:
        self.page.evaluate(EXECUTE, [command, args])

    def take(self, name: str, height: int | None = None) -> None:
        """The picture lies in the folder; the mouse is out of it."""
        self.page.mouse.move(WIDTH - 2, 2)
        if height:
            self.page.set_viewport_size({"width": WIDTH, "height": height})
        self.page.wait_for_timeout(600)
        (self.folder / f"{name}.png").write_bytes(small(self.page.screenshot()))


def small(png: bytes) -> bytes:
    """The picture with few colours; Pillow comes with matplotlib."""
    from PIL import Image

    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def take_pictures(lab: Lab, page: Any, folder: Path) -> None:
    rest, camera = Rest(lab), Camera(page, folder)
    history = History(rest)
    open_notebook(lab, page, "daily_sales.ipynb")
    camera.execute("nbsched:open-panel")
    take_form(camera)
    fill(rest)
    open_notebook(lab, page, "daily_sales.ipynb")
    camera.execute("nbsched:open-panel")
    take_failed(camera, take_toast(camera, rest))
    take_backfill(camera)
    take_output(camera, rest)
    history.thread.join()
    take_cell(lab, camera)
    take_lab(lab, camera, rest)


def open_notebook(lab: Lab, page: Any, path: str) -> None:
    page.goto(lab.url(f"lab/workspaces/tour/tree/{path}?token={lab.token}&reset"))
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
    assert page.evaluate(READY)


def take_form(camera: Camera) -> None:
    """The notebook is scheduled, by its form."""
    camera.execute("nbsched:schedule")
    form = camera.page.get_by_role("dialog")
    form.get_by_role("button", name="Day of the run").click()
    form.get_by_label(re.compile("^region")).fill("US")
    form.get_by_label("At", exact=True).fill("06:00")
    form.get_by_role("combobox", name="Time zone").select_option(ZONE)
    form.get_by_text("every day at 06:00", exact=False).wait_for()
    camera.take("form", 800)
    form.get_by_role("button", name="Schedule", exact=True).click()
    form.wait_for(state="detached")


def fill(rest: Rest) -> None:
    """The schedule's past instants have run, each once, but for the last."""
    today = datetime.now(UTC).replace(hour=0, minute=0)
    span = {
        "start": (today - timedelta(days=work.DAYS - 1)).isoformat(),
        "end": (today - timedelta(days=2)).isoformat(),
    }
    runs = rest("POST", "/schedules/daily_sales/backfill", **span)
    for run in runs:
        rest.ended(run["id"])


def take_toast(camera: Camera, rest: Rest) -> int:
    """A run fails while somebody has changed its notebook."""
    page = camera.page
    page.evaluate(CHANGE)
    page.get_by_text("changed since last run").wait_for()
    page.get_by_role("option", name="training").first.wait_for()
    run = rest.run("daily_sales.ipynb", day=work.today().isoformat(), region="US")
    toast = page.locator(".Toastify__toast")
    toast.get_by_text("daily_sales failed").wait_for()
    rest.ended(run)
    camera.take("toast", 640)
    toast.get_by_role("button", name="Hide notification").click()
    toast.wait_for(state="detached")
    return run


def take_failed(camera: Camera, run: int) -> None:
    camera.execute("nbsched:open-run", run=run)
    camera.page.get_by_role("button", name="Show cell").last.wait_for()
    camera.take("failed", 800)


def take_backfill(camera: Camera) -> None:
    page = camera.page
    camera.execute("nbsched:backfill", schedule="daily_sales")
    form = camera.page.get_by_role("dialog")
    form.get_by_text(re.compile(r"Start runs \d+ of")).wait_for()
    camera.take("backfill", 640)
    page.keyboard.press("Escape")
    form.wait_for(state="detached")


def take_output(camera: Camera, rest: Rest) -> None:
    run = rest.run("learn_digits.ipynb", epochs=60)
    camera.execute("nbsched:open-run", run=run)
    page = camera.page
    page.get_by_role("tab", name="Output").last.click()
    page.get_by_text(re.compile("epoch +12")).last.wait_for(timeout=30_000)
    camera.take("output", 800)
    rest("POST", f"/runs/{run}/cancel")


def take_cell(lab: Lab, camera: Camera) -> None:
    tour = Page(camera.page.context, lab, "tour", ["%load_ext nbsched\n%nbsched"])
    tour.run(0)
    tour.panel.get_by_role("option", name=re.compile("training succeeded")).first.click()
    tour.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    Camera(tour.page, camera.folder).take("cell", 880)
    tour.page.close()


def take_lab(lab: Lab, camera: Camera, rest: Rest) -> None:
    """A training is running, one of its steps chosen: as a wide screen shows it, made smaller."""
    size = {"width": WIDTH * 8 // 7, "height": 1040}
    zone = {"timezone_id": ZONE, "device_scale_factor": 7 / 8}
    context = camera.page.context.browser.new_context(viewport=size, **zone)
    page = context.new_page()
    open_notebook(lab, page, "daily_sales.ipynb")
    wide = Camera(page, camera.folder)
    wide.execute("nbsched:open-panel")
    run = rest.run(TRAINING)
    wide.execute("nbsched:open-page", run=run)
    view = page.locator(".nbs.full")
    border = view.get_by_role("separator", name="Width of the details")
    border.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    view.get_by_role("button", name=re.compile("^train_forest, running")).click(timeout=60_000)
    wide.take("lab")
    context.close()
    rest.ended(run)


def main(folder: Path) -> None:
    """The pictures lie in the folder."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ada-", ignore_cleanup_errors=True) as home:
        root = Path(home)
        os.environ["NBSCHED_STORE"] = str(root / ".nbsched" / "store.db")
        work.write_files(root)
        lab = Lab(root)
        with Visitor() as calls:
            work.schedule(calls, root)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                context = browser.new_context(viewport={"width": WIDTH, "height": 800}, timezone_id=ZONE)
                take_pictures(lab, context.new_page(), folder)
        finally:
            lab.stop()


def chromium() -> str:
    """The browser's path."""
    names = os.environ.get("NBSCHED_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    return found or sys.exit("no Chromium on PATH: install it, or name it in NBSCHED_CHROMIUM")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
