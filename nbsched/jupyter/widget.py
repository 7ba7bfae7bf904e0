"""The panel in a cell's output: one widget, fed from a source, plain HTML once its run has ended."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from nbsched.core.panel import Line, PipelineView, Source, shortened
from nbsched.engine import default
from nbsched.engine.live import Run
from nbsched.panel import frozen
from nbsched.panel.feed import Feed
from nbsched.panel.source import StoreSource
from nbsched.store import showing

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


VIEW = files("nbsched.panel") / "view"
PARTS = ("elements", "words", "known", "list", "path", "rows", "tabs", "head", "items", "tries", "facts", "aside",
         "graph", "columns", "matrix", "pipeline", "timeline", "log", "notice", "lists", "panel", "widget")  # fmt: skip
"""The view's modules, each after those it imports."""


def _as_one_module() -> str:
    """The view as the one module that a widget must be; a bundler takes the modules as they are."""
    parts = (VIEW.joinpath(f"{part}.js").read_text("utf-8") for part in PARTS)
    return "\n".join(re.sub(r"^import .*\n", "", part, flags=re.MULTILINE) for part in parts)


class Panel(anywidget.AnyWidget):
    """Shows a whole store, or one pipeline run (`focus`) with its graph, steps and timeline.

    The run `chosen` is shown in full from the start.
    Display it as any object. Shown of one run, it turns into static HTML when that run has ended.
    """

    _esm = _as_one_module()
    _css = VIEW.joinpath("view.css").read_text("utf-8")
    focus = traitlets.Int(None, allow_none=True).tag(sync=True)
    chosen = traitlets.Int(None, allow_none=True).tag(sync=True)

    def __init__(self, source: Source, *, focus: int | None = None, chosen: int | None = None) -> None:
        super().__init__(focus=focus, chosen=chosen)
        self._source = source
        self._display_id = f"nbsched-{uuid4().hex}"
        self._output = threading.Lock()
        self._frozen: frozen.Bundle | None = None
        self._displayed = False
        _answer_on_subshells(self.comm)
        self._feed = Feed(source, self._on_news, focus=focus, ended=self._freeze)
        self.on_msg(self._on_message)

    def close(self) -> None:
        """Nothing more is sent, and views show that the panel has gone."""
        feed = getattr(self, "_feed", None)
        if feed:
            feed.close()
        super().close()

    def settle(self, timeout: float | None = None) -> bool:
        """True when the run it shows has ended and its output is static, waited for at most `timeout` seconds."""
        return self._feed.join(timeout)

    def _on_message(self, _: object, content: Mapping[str, Any], __: object) -> None:
        self._feed.hear(content)

    def _on_news(self, head: Mapping[str, Any], packed: bytes) -> None:
        self.send(dict(head), buffers=[packed])

    def _ipython_display_(self) -> None:
        """Displayed under an id of its own, so that `_freeze` can replace it."""
        with self._output:
            self._displayed = True
            if self._frozen:
                _publish(self._frozen, self._display_id, update=False)
                return
            live = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
            _publish({WIDGET_VIEW: live, **self._static()}, self._display_id, update=False)

    def _static(self) -> frozen.Bundle:
        if self.focus is None:
            return frozen.store(self._source.snapshot(), self._now())
        view = self._source.pipeline(self.focus)
        return self._static_run(view) if view else {}

    def _static_run(self, view: PipelineView) -> frozen.Bundle:
        lines = list(self._lines(view))
        found = {row["id"]: self._source.details(row["id"]) for _, row in shortened(lines)}
        return frozen.run(view, lines, {run: one for run, one in found.items() if one}, self._now())

    def _lines(self, view: PipelineView, depth: int = 0) -> Iterator[Line]:
        """The steps, and behind each pipeline among them that one's."""
        for step in view["steps"]:
            yield depth, step
            if step["pipeline"] and (inside := self._source.pipeline(step["id"])):
                yield from self._lines(inside, depth + 1)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._source.overview()["now_ms"] / 1000, UTC).astimezone()

    def _freeze(self, view: PipelineView) -> None:
        with self._output:
            self._frozen = self._static_run(view)
            if self._displayed:
                _publish(self._frozen, self._display_id, update=True)


def dashboard(focus: int | Run | None = None) -> Panel:
    """The live panel of the default runtime's store; with `focus` of the pipeline that run is in, the run chosen."""
    runtime = default.runtime()
    source = StoreSource(runtime)
    if focus is None:
        return Panel(source)
    run = runtime.get_run(focus if isinstance(focus, int) else focus.id).record
    whole = [*runtime.database.read(showing.path, run), run][0]
    return Panel(
        source,
        focus=whole.id if whole.kind == "pipeline" else None,
        chosen=run.id if run is not whole or whole.kind != "pipeline" else None,
    )


def _publish(bundle: Mapping[str, Any], display_id: str, *, update: bool) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    publisher = InteractiveShell.instance().display_pub
    publisher.publish(dict(bundle), transient={"display_id": display_id}, update=update)


def _answer_on_subshells(comm: Any) -> None:
    """Clicks are heard while a cell runs: ipykernel 7.4 would send them to the shell that last wrote to the comm."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default
