"""What a panel leaves in a saved notebook."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.dom import minidom

import panel_source
import pytest

from nbsched.core.panel import PipelineView
from nbsched.jupyter import frozen

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
