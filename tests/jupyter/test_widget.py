"""The panel as a widget, without a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import panel_source
import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbsched.core.states import State
from nbsched.jupyter.widget import WIDGET_VIEW, Panel, _answer_on_subshells

AT = datetime(2026, 11, 22, 14, tzinfo=UTC)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What reaches the notebook, in order."""
    found: list[dict[str, Any]] = []

    def publish(data: Any, *, transient: Any, update: bool) -> None:
        found.append({"data": data, "id": transient["display_id"], "update": update})

    shell = SimpleNamespace(display_pub=SimpleNamespace(publish=publish))
    monkeypatch.setattr(InteractiveShell, "instance", lambda: shell)
    yield found
    Panel.close_all()


def test_a_panel_is_displayed_live_with_static_html_beside_it(published: list[dict[str, Any]]) -> None:
    panel = Panel(panel_source.day())
    panel._ipython_display_()
    [output] = published
    assert set(output["data"]) == {WIDGET_VIEW, "text/html", "text/plain"}
    assert output["data"][WIDGET_VIEW]["model_id"] == panel.model_id
    assert "report" in output["data"]["text/plain"]


def test_a_run_that_ends_replaces_its_panel_by_static_html(published: list[dict[str, Any]]) -> None:
    source = panel_source.day()
    panel = Panel(source, focus=4180)
    panel._ipython_display_()
    assert not panel.settle(0)
    source.change(4180, state=State.SUCCEEDED, ended_at=AT)
    assert panel.settle(5)
    live, static = published
    assert static["update"]
    assert static["id"] == live["id"]
    assert set(static["data"]) == {"text/html", "text/plain"}
    assert "succeeded" in static["data"]["text/plain"].splitlines()[0]


def test_the_panel_of_an_ended_run_is_static_from_the_start(published: list[dict[str, Any]]) -> None:
    panel = Panel(panel_source.day(), focus=1000)
    assert panel.settle(5)
    panel._ipython_display_()
    [output] = published
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert not output["update"]


def test_a_closed_panel_watches_no_longer(published: list[dict[str, Any]]) -> None:
    source = panel_source.day()
    panel = Panel(source)
    assert len(source.watchers) == 1
    panel.close()
    assert panel.settle(5)
    assert source.watchers == []


def test_clicks_are_answered_on_the_shell_that_they_were_sent_to() -> None:
    from ipykernel.comm import Comm

    comm = Comm.__new__(Comm)
    assert hasattr(comm, "_reply_subshell_for"), (
        "ipykernel has changed: see whether clicks still need the cure"
    )
    _answer_on_subshells(comm)
    assert comm._reply_subshell_for({"content": {}}, "the-subshell") == "the-subshell"


def test_a_comm_that_needs_no_cure_is_left_alone() -> None:
    comm = SimpleNamespace()
    _answer_on_subshells(comm)
    assert vars(comm) == {}
