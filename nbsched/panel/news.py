"""What has changed since a client asked last, as the token it was given then says; nothing is sent unasked."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nbsched.core.panel import Overview, Source
from nbsched.panel.gathering import LOOKED, MOST_CHANGED, Lens, News, head, stamp
from nbsched.panel.paced import Paced, TooSoon

MOST_CLIENTS = 64
"""So many clients are known; who is forgotten is told everything."""

HEAD = "overview"


@dataclass(frozen=True, slots=True)
class Position:
    """What a client knows once it has had an answer."""

    cursor: Any = None
    overview: Overview | None = None
    focus: int | None = None
    looked: frozenset[int] = frozenset()
    running: frozenset[int] = frozenset()
    """Those of the runs looked at that ran, whose logs grow."""
    owed: frozenset[int | str] = frozenset()
    """Runs and the head that have changed, and were not told of again so soon."""


class Newsroom:
    """Tells clients of one source what has changed; from any thread.

    A token names a client and an answer, and ends with the stamp of what the source held. The answer
    before is kept until the next token shows that this one has arrived, so that what is lost on the way is told
    again. `withheld` hears in how many seconds something can be had that was not told yet because it takes long to
    make.
    """

    def __init__(self, source: Source, withheld: Callable[[float], None] = lambda seconds: None) -> None:
        self.withheld = withheld
        self._source = source
        self._paced = Paced()
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def news(self, since: str | None = None, looked: Sequence[int] = (), focus: int | None = None) -> News:
        """What is new since the answer with that token, or everything; and the token of this answer."""
        lens = Lens(self._source, focus, frozenset(looked[-LOOKED:]))
        name, known = self._known(since)
        if known is not None and known.focus != focus:
            known = None
        telling = _Telling(lens, self._paced, known)
        token = self._kept(name, telling.position)
        if telling.wait:
            self.withheld(telling.wait)
        return {"token": token, **telling.news}

    def _known(self, since: str | None) -> tuple[str, Position | None]:
        """The client and what it knows; one that is not known is a new one."""
        name, _, number = (since or "").partition(".")
        with self._lock:
            client = self._clients.get(name)
            position = client.arrived(number) if client else None
            if position is None:
                return uuid.uuid4().hex[:12], None
            self._clients.move_to_end(name)
            return name, position

    def _kept(self, name: str, position: Position) -> str:
        """The token of the answer that leads there."""
        with self._lock:
            client = self._clients.setdefault(name, _Client())
            while len(self._clients) > MOST_CLIENTS:
                self._clients.popitem(last=False)
            return f"{name}.{client.send(position)}"


@dataclass(slots=True)
class _Client:
    """What a client has, and what was sent to it and may not have arrived."""

    last: int = 0
    has: tuple[str, Position] | None = None
    sent: tuple[str, Position] | None = None

    def arrived(self, number: str) -> Position | None:
        """What the client knows that has the answer with this number; None when that is forgotten."""
        if self.sent and number == self.sent[0]:
            self.has, self.sent = self.sent, None
        return self.has[1] if self.has and number == self.has[0] else None

    def send(self, position: Position) -> str:
        """What names the answer that leads there."""
        self.last += 1
        number = f"{self.last}.{stamp(position.cursor)}"
        self.sent = number, position
        return number


class _Telling:
    """One answer: the news, where they lead, and in how many seconds there is more."""

    def __init__(self, lens: Lens, paced: Paced, known: Position | None) -> None:
        self.news: News = {}
        self.wait = 0.0
        self._lens, self._paced = lens, paced
        moved, cursor = lens.changed(known.cursor if known else None)
        looked = frozenset(lens.looked)
        self.position = replace(
            known or Position(focus=lens.focus), cursor=cursor, looked=looked, owed=frozenset()
        )
        if known is None or len(moved) > MOST_CHANGED:
            self._tell_everything()
        else:
            self._tell_changes(known, moved)

    def _tell_everything(self) -> None:
        self.news = self._lens.everything()
        self.position = replace(self.position, overview=self.news.get("overview"), running=frozenset())
        self._look_inside(self._lens.shown, at_once=self._lens.shown)

    def _tell_changes(self, known: Position, moved: Collection[int]) -> None:
        seen, owed = self._lens.shown, known.owed
        new = self.position.looked - known.looked
        changed = {*moved, *new}
        self.news = self._lens.rows(changed)
        if self._lens.focus is None and (HEAD in owed or self.position.cursor != known.cursor):
            self._tell_head(known)
        self._look_inside(seen & {*changed, *owed}, seen & known.running, at_once=new)

    def _tell_head(self, known: Position) -> None:
        made = self._made(HEAD, self._lens.source.overview)
        if made is not None:
            self.news |= head(made, known.overview)
            self.position = replace(self.position, overview=made)

    def _look_inside(
        self, changed: Collection[int], running: Collection[int] = (), *, at_once: Collection[int]
    ) -> None:
        """Of the runs looked at those are told that have changed, and those whose logs may have grown."""
        for run in {*changed, *running}:
            must, now = run in changed, run in at_once
            inside = self._made(run, partial(self._lens.inside, run), must=must, at_once=now)
            for kind, found in (inside or {}).items():
                self.news.setdefault(kind, {}).update(found)
        told = self.news.get("details", {})
        still = {run for run, one in told.items() if one["run"]["state"] == "running"}
        self.position = replace(self.position, running=frozenset({*running} - told.keys() | still))

    def _made(
        self, key: int | str, make: Callable[[], Any], *, must: bool = True, at_once: bool = False
    ) -> Any:
        """What `make` gives; None when it is too soon for that, and then it is owed if it must be told."""
        try:
            return self._paced.make(key, make, at_once=at_once)
        except TooSoon as soon:
            if must:
                self.position = replace(self.position, owed=self.position.owed | {key})
                self.wait = max(self.wait, soon.seconds)
            return None
