"""Every text that comes from people is tried as more than text, in a real store, wherever JupyterLab shows it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import panel_source as ps
import pytest
from playwright.sync_api import expect

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.ui.conftest import READY, Lab
from tests.ui.watched import Watched

pytestmark = [pytest.mark.ui, pytest.mark.timeout(120)]
TEXTS = [
    *(text.replace("hacked", "__pwned") for text in ps.HOSTILE if "\x00" not in text),
    "<img src=http://evil.invalid/a.png>",
    "![x](http://evil.invalid/m.png) [go](javascript:window.__pwned=1)",
    "<link rel=stylesheet href=//evil.invalid/a.css><style>@import '//evil.invalid/b.css'</style>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.__pwned=1&gt;'>",
    "<details open ontoggle=window.__pwned=1>",
    "${window.__pwned=1}",
    "</script><script>window.__pwned=1</script>",
]
ACTIVE = ":is(script, iframe, object, embed, [onerror], [onload], [ontoggle], a[href^='javascript'])"
PLACES = (
    ".nbs-side",
    ".nbs.full",
    ".nbs-status",
    ".nbs-badge",
    ".jp-Dialog",
    ".Toastify",
    ".jp-OutputArea-output",
)
SPEC = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
RICH = """
from IPython.display import display
for text in TEXTS:
    # a picture by its address is for Lab's sanitizer to let through
    plain = text.replace("http:", "").replace("//evil.invalid", "/files")
    for kind in ("text/html", "text/markdown", "image/svg+xml", "application/javascript", "text/latex"):
        display({kind: plain, "text/plain": text}, raw=True)
    print(text)
raise ValueError(TEXTS[0] + "\\n".join(TEXTS))
"""
FROZEN = """
from datetime import datetime, UTC
from IPython.display import HTML, display
from nbsched.engine.visiting import Visitor
from nbsched.panel import frozen
from nbsched.panel.source import StoreSource
from nbsched.store import showing
with Visitor(STORE) as asked:
    source, now = StoreSource(asked), datetime.now(UTC)
    lines = asked.database.read(showing.lines, PIPELINE)
    details = {row["id"]: source.details(row["id"]) for _, row in lines}
    display(HTML(frozen.store(source.snapshot(), now)["text/html"]))
    display(HTML(frozen.run(source.pipeline(PIPELINE), lines, details, now)["text/html"]))
"""


class Corpus:
    """A store of hostile texts, and a notebook beside it."""

    def __init__(self, folder: Path, store: Visitor) -> None:
        self.store, self.notebook = store, self._notebook(folder)
        self.runs = [self.fail(text) for text in TEXTS]
        for text in TEXTS:
            store.schedule(nb.shell("true"), "@yearly", name=text)
            store.schedule(nb.shell("true"), nb.on("data", where={"k": text}), name=f"on {text}")
            store.publish("corpus.text", {text: text})
        self.pipeline = self._pipeline()
        self.failing = store.run(nb.notebook(self.notebook), {"text": TEXTS[0]}).wait(60).id

    def fail(self, text: str) -> int:
        """A run that prints the text and fails."""
        say = f"echo {shlex.quote(text)}"
        return int(self.store.run(nb.shell(f"{say}; {say} >&2; exit 1", name=text)).id)

    def _notebook(self, folder: Path) -> Path:
        source = f"text = {TEXTS[1]!r}  # {TEXTS[2]}"
        parameters = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
        rich = nbformat.v4.new_code_cell(f"TEXTS = {TEXTS!r}\n{RICH}")
        words = nbformat.v4.new_markdown_cell(
            "\n\n".join(TEXTS).replace("http:", "").replace("//evil.invalid", "/files")
        )
        path = folder / "<img src=x onerror=window.__pwned=1>.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[parameters, words, rich], metadata=SPEC), path)
        return path

    def _pipeline(self) -> int:
        """Names that no definition lets through stand in the store all the same."""
        with nb.pipeline("corpus") as steps:
            for at, text in enumerate(TEXTS):
                nb.shell(f"echo {shlex.quote(text)} >&2; exit 1", name=f"s{at}")
        run = self.store.run(steps).wait(60)
        names = [(text, text, run.steps[f"s{at}"].id) for at, text in enumerate(TEXTS)]

        def rename(db: Any) -> None:
            db.executemany("UPDATE runs SET name = ?, step = ? WHERE id = ?", names)
            db.execute("UPDATE runs SET name = ? WHERE id = ?", (TEXTS[0], run.id))

        self.store.database.write(rename)
        return int(run.id)


@pytest.fixture(scope="module")
def corpus(live_lab: Lab) -> Iterator[Corpus]:
    with Visitor(live_lab.store) as store:
        yield Corpus(live_lab.root, store)


class Hostile:
    """A page of the corpus, and what it must not do."""

    def __init__(self, watched: Watched, corpus: Corpus) -> None:
        self.watched, self.page, self.corpus = watched, watched.page, corpus
        self.dialogs: list[str] = []
        self.foreign: list[str] = []
        self.page.on("dialog", self._refuse)
        self.page.context.on("request", self._hear)

    def _refuse(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _hear(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def harmless(self) -> None:
        """Nothing was executed, asked or loaded."""
        self.page.wait_for_timeout(150)
        assert self.page.evaluate("() => window.__pwned") is None
        assert not self.dialogs
        assert not self.foreign
        for place in PLACES:
            assert self.page.locator(f"{place} {ACTIVE}").count() == 0, place

    def start(self, command: str, **args: Any) -> None:
        """The command is started; it may wait for a person."""
        self.page.evaluate(
            "([name, args]) => void window.jupyterapp.commands.execute(name, args)", [command, args]
        )


@pytest.fixture
def hostile(watched: Watched, corpus: Corpus) -> Hostile:
    return Hostile(watched, corpus)


def test_no_text_of_a_store_is_ever_more_than_text(hostile: Hostile, screenshots: Path) -> None:
    page, whole, corpus = hostile.page, hostile.watched.whole, hostile.corpus
    for text in TEXTS[:2]:
        corpus.fail(text)
    page.locator(".Toastify__toast").first.wait_for(timeout=20_000)
    page.screenshot(path=screenshots / "live_hostile.png")
    hostile.harmless()
    for name in ("Schedules", "Matrix", "Graph", "Timeline", "Runs"):
        whole.locator("header").get_by_role("tab", name=re.compile(name)).click()
        hostile.harmless()
    for run in (corpus.runs[0], corpus.pipeline, corpus.failing):
        hostile.watched.command("nbsched:open-page", run=run)
        name = (
            TEXTS[0] if run != corpus.failing else ""
        )  # a notebook's run is named after its file, in tame letters
        expect(whole.locator("aside h3")).to_contain_text(f"{run} · {name}")
        for _ in hostile.watched.sides():
            hostile.harmless()
    page.screenshot(path=screenshots / "live_hostile_run.png")


def test_forms_of_hostile_notebooks_and_schedules_are_only_text(hostile: Hostile, screenshots: Path) -> None:
    page, path = hostile.page, hostile.corpus.notebook.name
    hostile.start("docmanager:open", path=path)
    page.locator(".nbs-badge").first.wait_for(state="attached", timeout=15_000)
    for command, args in {
        "nbsched:schedule": {"path": path}, "nbsched:retry-with": {"run": hostile.corpus.failing},
        "nbsched:backfill": {"schedule": TEXTS[0]},
    }.items():  # fmt: skip
        hostile.start(command, **args)
        page.locator(".jp-Dialog").wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=screenshots / f"live_hostile_{command.partition(':')[2]}.png")
        hostile.harmless()
        page.keyboard.press("Escape")
        page.locator(".jp-Dialog").wait_for(state="detached")


def test_the_panel_in_a_cell_and_what_it_leaves_are_only_text(hostile: Hostile, screenshots: Path) -> None:
    lab, page = hostile.watched.lab, hostile.page
    frozen = FROZEN.replace("STORE", repr(str(lab.store))).replace("PIPELINE", str(hostile.corpus.pipeline))
    book = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell(cell) for cell in ("import nbsched as nb\nnb.dashboard()", frozen)
    ], metadata=SPEC)  # fmt: skip
    nbformat.write(book, lab.root / "cells.ipynb")
    hostile.start("docmanager:open", path="cells.ipynb")
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.context?.path === 'cells.ipynb'")
    page.evaluate(READY)
    hostile.start("notebook:run-all-cells")
    page.locator(".jp-OutputArea .nbs").first.get_by_role("option").first.wait_for(timeout=20_000)
    page.locator(".jp-OutputArea-output table").first.wait_for(state="attached", timeout=20_000)
    page.screenshot(path=screenshots / "live_hostile_cell.png")
    hostile.harmless()
