"""What changes in a source, as few messages for its views.

One thread of its own sends everything, so messages keep their order and callbacks only hand over. Each
message carries a number; a view that misses one asks again, and a full snapshot every few seconds repairs
what nobody could notice. Views that are not heard of for a minute are told less often.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any

from nbsched.core.errors import NbschedError
from nbsched.core.panel import Overview, PipelineView, Source
from nbsched.core.pieces import pieces
from nbsched.engine.clock import ticks
from nbsched.panel.gathering import LOOKED, MOST_CHANGED, Lens, News, head

PERIOD_S = 0.11
"""From one message to the next: fewer than ten a second."""
OVERVIEW_S = 0.5
SNAPSHOT_S, SNAPSHOT_SHARE = 10.0, 0.02
"""After changes a snapshot follows within so many seconds, or later where it would take more than its share of them."""
SILENT_AFTER_S, SILENT_PERIOD_S = 60.0, 2.0
REST = 3
"""So many times as long as it took to bring the views up to date they are left alone: other threads have work too."""
RECOVER_S = 1.0
LOG_S = 1.0
"""So often the log, or the items, of a running run that is looked at are read again."""

Send = Callable[[Mapping[str, Any], bytes], None]
"""Sends a small head and its compressed JSON to every view."""

log = logging.getLogger(__name__)


class Feed:
    """Follows a source, or one pipeline run of it (`focus`), until closed or until that run has ended.

    `ended` is called once, in the feed's thread, with the last view of the focused run.
    """

    def __init__(
        self,
        source: Source,
        send: Send,
        *,
        focus: int | None = None,
        ended: Callable[[PipelineView], None] | None = None,
    ) -> None:
        self.messages = 0
        """Sent so far; also the number of the last one."""
        self._source, self._send, self._focus, self._ended = source, send, focus, ended
        self._wake = threading.Condition()
        self._inbox: list[Mapping[str, Any]] = []
        self._asked: set[int] = set()
        self._news = True
        self._closed = False
        self._views: set[str] = set()
        self._looked: OrderedDict[int, None] = OrderedDict()
        self._lens = Lens(source, focus, self._looked)
        self._running: set[int] = set()
        self._mapped: set[int] = set()
        """Running ones that hold items: these are counted in their row, and read with the logs."""
        self._notices: list[str] = []
        self._overview: Overview | None = None
        self._fresh = self._drifted = self._counts_old = False
        self._next_send = self._overview_at = self._snapshot_due = self._heard_at = self._read_at = 0.0
        self._cursor: Any = None
        self._watch = source.watch(self._on_change)
        self._thread = threading.Thread(target=self._work, name="nbsched-panel", daemon=True)
        self._thread.start()

    def hear(self, message: Mapping[str, Any]) -> None:
        """A view's message is handed over; from any thread, at once."""
        with self._wake:
            self._inbox.append(message)
            self._wake.notify()

    def close(self) -> None:
        """Nothing more is sent; from any thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def join(self, timeout: float | None = None) -> bool:
        """True when the feed has ended, waited for at most `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _on_change(self) -> None:
        with self._wake:
            self._news = True
            self._wake.notify()

    # ------------------------------------------------------------ the one thread

    def _work(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._watch.cancel()

    def _turn(self) -> bool:
        with self._wake:
            while not (self._closed or self._inbox or self._patience() == 0):
                self._wake.wait(self._patience())
            if self._closed:
                return False
            inbox, self._inbox = self._inbox, []
        for message in inbox:
            self._obey(message)
        return self._patience() != 0 or self._flush()

    def _patience(self) -> float | None:
        """Seconds until something is to be told; None: nothing to tell."""
        due = [self._next_send] if self._news or (self._views and not self._fresh) else []
        if self._running:
            due.append(self._read_at + LOG_S)
        if self._counts_old:
            due.append(self._overview_at + OVERVIEW_S)
        if self._drifted:
            due.append(self._snapshot_due)
        return max(0.0, max(self._next_send, min(due)) - ticks()) if due else None

    def _flush(self) -> bool:
        with self._wake:
            self._news = False
        began = ticks()
        try:
            last = self._bring_up_to_date()
        except Exception as error:
            log.warning("the panel could not be brought up to date", exc_info=error)
            self._fresh, self._news, self._next_send = False, True, ticks() + RECOVER_S
            return True
        now = ticks()
        silent = self._views and now - self._heard_at > SILENT_AFTER_S
        self._next_send = now + max(SILENT_PERIOD_S if silent else PERIOD_S, REST * (now - began))
        if last and self._ended:
            self._ended(last)
        return last is None

    def _bring_up_to_date(self) -> PipelineView | None:
        """All views know what there is now; the focused run's last view when it has ended."""
        moved, self._cursor = self._lens.changed(self._cursor)
        changed, self._asked = {*moved, *self._asked}, set()
        last = self._last_view(changed)
        many = len(changed) > MOST_CHANGED
        self._tell(changed, full=many or last is not None or not self._fresh or self._repair_due())
        return last

    def _repair_due(self) -> bool:
        return self._drifted and ticks() >= self._snapshot_due

    # ------------------------------------------------------------ what views say

    def _obey(self, message: Mapping[str, Any]) -> None:
        self._heard_at = ticks()
        self._next_send = min(self._next_send, self._heard_at + PERIOD_S)
        kind, run = message.get("t"), message.get("run")
        if kind == "hello":
            self._views.add(str(message.get("view")))
            self._fresh = False
        elif kind == "bye":
            self._views.discard(str(message.get("view")))
        elif kind == "look" and isinstance(run, int):
            self._look(run)
        elif kind == "act":
            self._act(message)

    def _look(self, run: int) -> None:
        self._looked[run] = None
        self._looked.move_to_end(run)
        while len(self._looked) > LOOKED:
            self._looked.popitem(last=False)
        self._mapped.discard(run)
        self._asked.add(run)
        self._news = True

    def _act(self, message: Mapping[str, Any]) -> None:
        try:
            self._source.act(message["verb"], message["target"], str(message.get("value", "")))
        except NbschedError as error:
            self._notice(str(error))
        except Exception as error:
            log.warning("the panel's button had no effect", exc_info=error)
            self._notice(f"{message.get('verb')} had no effect: {error}")

    def _notice(self, text: str) -> None:
        self._notices.append(text)
        self._news = True

    # ------------------------------------------------------------ what views are told

    def _tell(self, changed: Collection[int], *, full: bool) -> None:
        if not self._views:
            self._fresh = self._drifted = self._counts_old = False
            self._running.clear()
            return
        began = ticks()
        news = self._everything() if full else self._lens.rows(changed) | self._counts()
        news |= self._looked_at(None if full else changed)
        if self._notices:
            news["notices"], self._notices = self._notices, []
        if full:
            self._fresh = True
            self._snapshot_due = ticks() + max(SNAPSHOT_S, (ticks() - began) / SNAPSHOT_SHARE)
        self._drifted = not full and (self._drifted or bool(news))
        if news:
            self._post(news)

    def _post(self, news: Mapping[str, Any]) -> None:
        packed = zlib.compress("".join(pieces(news)).encode(), 1)
        self.messages += 1
        self._send({"t": "news", "seq": self.messages}, packed)

    def _everything(self) -> News:
        found = self._lens.everything()
        if "overview" in found:
            self._overview, self._overview_at, self._counts_old = found["overview"], ticks(), False
        return found

    def _counts(self) -> News:
        """The head of the panel, at most every half second."""
        if self._focus is not None:
            return {}
        if ticks() < self._overview_at + OVERVIEW_S:
            self._counts_old = True
            return {}
        before, now = self._overview, self._source.overview()
        self._overview, self._overview_at, self._counts_old = now, ticks(), False
        return head(now, before)

    def _looked_at(self, changed: Collection[int] | None) -> News:
        """Details and graphs of the runs looked at, among those that changed or are writing."""
        due = ticks() >= self._read_at + LOG_S
        if due:
            self._read_at = ticks()
            changed = changed if changed is None else {*changed, *self._running}
        looked = [
            run
            for run in self._looked
            if changed is None or (run in changed and (due or run not in self._mapped))
        ]
        focus = (
            [] if self._focus is None or not (changed is None or self._focus in changed) else [self._focus]
        )
        found: News = {}
        for run in dict.fromkeys([*looked, *focus]):
            for kind, inside in self._lens.inside(run).items():
                found.setdefault(kind, {}).update(inside)
        details = found.get("details", {})
        running = {run for run, one in details.items() if one["run"]["state"] == "running"}
        self._running = (self._running - set(details)) | running
        self._mapped = {
            run
            for run in self._running
            if (details[run]["items"] is not None if run in details else run in self._mapped)
        }
        return found

    def _last_view(self, changed: Collection[int]) -> PipelineView | None:
        if self._focus is None or not (self._focus in changed or self.messages == 0):
            return None
        view = self._source.pipeline(self._focus)
        return view if view and view["run"]["ended_ms"] is not None else None
