"""What a panel leaves in a saved notebook."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from xml.dom import minidom

import panel_source
import pytest

from nbsched.core.model import Error
from nbsched.core.panel import PipelineView
from nbsched.core.states import State
from nbsched.jupyter.widget import Panel
from nbsched.panel import frozen

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Tags(HTMLParser):
    """The tags, the texts and the attributes' names of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def freeze(source: panel_source.MemorySource, run_id: int) -> tuple[PipelineView, frozen.Bundle]:
    view = source.pipeline(run_id)
    assert view is not None
    details = {step["id"]: found for step in view["steps"] if (found := source.details(step["id"]))}
    return view, frozen.run(view, [(0, step) for step in view["steps"]], details, NOW)


def picture(html: str) -> minidom.Document:
    found = re.search(r"data:image/svg\+xml;base64,([^\"]+)", html)
    assert found
    return minidom.parseString(base64.b64decode(found[1]))


def test_a_frozen_run_shows_every_step_in_table_and_picture() -> None:
    view, bundle = freeze(panel_source.day(NOW), 1060)
    page = Tags(bundle["text/html"])
    drawn = [node.firstChild.data for node in picture(bundle["text/html"]).getElementsByTagName("text")]
    for step in view["steps"]:
        assert step["name"] in " ".join(page.texts)
        assert step["name"] in drawn
        assert step["name"] in bundle["text/plain"]
    assert "training" in bundle["text/plain"].splitlines()[0]


def test_a_frozen_failure_shows_the_error_and_its_traceback() -> None:
    _, bundle = freeze(panel_source.day(NOW), 1060)
    page = Tags(bundle["text/html"])
    assert "ValueError: penalty must be l2 in cell 7" in " ".join(page.texts)
    assert "details" in page.tags
    assert "ValueError: penalty must be l2 in cell 7" in bundle["text/plain"]


def mapped() -> panel_source.MemorySource:
    """A pipeline, 1, of a mapped step with failures, and of a pipeline with steps inside."""
    ok, bad = State.SUCCEEDED, State.FAILED
    error = Error("ValueError", "fold 17 is empty")
    parts: list[tuple[int, str, State, dict[str, Any]]] = [
        (1, "study", bad, {"kind": "pipeline", "error": error}),
        (2, "score", bad, {"kind": "map", "parent": 1, "error": error}),
        (3, "tune", ok, {"kind": "pipeline", "parent": 1}),
        (4, "fit", ok, {"parent": 3, "pipeline": "tune"}),
        *((100 + n, "score", ok, {"parent": 2, "index": n}) for n in range(298)),
        *((117 + 24 * n, "score", bad, {"parent": 2, "index": 17 + 24 * n, "error": error}) for n in (0, 1)),
        *((400 + n, "score", ok, {"parent": 2, "index": 298 + n}) for n in (0, 1)),
    ]  # fmt: skip
    source = panel_source.MemorySource([
        panel_source.run(id, name, state, step=name, started_at=NOW, ended_at=NOW, **{"pipeline": "study", **facts})
        for id, name, state, facts in parts
    ])  # fmt: skip
    source.needs |= {"study": {"score": (), "tune": ("score",)}, "tune": {"fit": ()}}
    return source


def test_a_mapped_step_is_one_line_and_a_pipeline_inside_lies_indented_below_its_step() -> None:
    panel = Panel(mapped(), focus=1)
    try:
        bundle = panel._static()
    finally:
        panel.close()
        assert panel.settle(5)
    lines = bundle["text/plain"].splitlines()
    assert [line.split("  ")[1:3] for line in lines[2:]] == [
        ["score 300 items", "298 ok · 2 failed"],
        ["tune", ""],
        ["", "fit"],
    ]
    page = Tags(bundle["text/html"])
    assert "[17] ValueError: fold 17 is empty\n[41] ValueError" in "".join(page.texts)
    assert "ValueError: fold 17 is empty" not in page.texts, "the items say it"
    drawn = [node.firstChild.data for node in picture(bundle["text/html"]).getElementsByTagName("text")]
    assert drawn == ["score", "✕ 0 ms · 300 items", "tune", "✓ 0 ms"]


def test_of_a_large_run_so_many_lines_are_kept_with_all_that_failed() -> None:
    source = panel_source.MemorySource(
        [panel_source.run(1, "wide", State.FAILED, kind="pipeline", pipeline="wide")]
    )
    for n in range(60):
        source.runs[2 + n] = panel_source.run(
            2 + n,
            f"s{n}",
            State.FAILED if n == 55 else State.SUCCEEDED,
            parent=1,
            step=f"s{n}",
            pipeline="wide",
        )
    source.needs["wide"] = {f"s{n}": () for n in range(60)}
    text = freeze(source, 1)[1]["text/plain"].splitlines()
    assert (len(text), text[-2].split()[:2], text[-1]) == (
        2 + frozen.MOST_LINES + 1, ["✕", "s55"], "20 more steps ended without a failure")  # fmt: skip


def test_a_frozen_page_needs_no_script_no_style_sheet_and_no_network() -> None:
    for bundle in (
        freeze(panel_source.day(NOW), 4180)[1],
        frozen.store(panel_source.day(NOW).snapshot(), NOW),
    ):
        page = Tags(bundle["text/html"])
        assert not page.tags & {"script", "style", "link", "iframe", "svg", "object"}
        assert not {name for name in page.attributes if name.startswith("on")}
        assert "http:" not in re.sub(r"base64,[^\"]+", "", bundle["text/html"])


@pytest.mark.parametrize("text", panel_source.HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    source = panel_source.hostile()
    plain_tags = Tags(freeze(panel_source.day(NOW), 1060)[1]["text/html"]).tags
    _, bundle = freeze(source, 1)
    page = Tags(bundle["text/html"])
    assert page.tags <= plain_tags
    assert not {name for name in page.attributes if name.startswith("on")}
    assert text in "".join(page.texts)
    assert picture(bundle["text/html"]).getElementsByTagName("script") == []
    stored = Tags(frozen.store(source.snapshot(), NOW)["text/html"])
    assert stored.tags <= plain_tags


def test_a_frozen_store_shows_its_newest_runs_and_when_it_was() -> None:
    bundle = frozen.store(panel_source.day(NOW).snapshot(), NOW)
    lines = bundle["text/plain"].splitlines()
    assert lines[0].startswith("nbsched 2 running · 2 queued · 2026-11-23 12:00:00")
    assert "training" in lines[2]
    assert len(lines) == 2 + frozen.MOST_LINES
