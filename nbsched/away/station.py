"""The worker's side, whichever engine the worker belongs to: its pieces of work, and what their senders say.

Both sides have a lease. A sender that is not heard of for so long has gone, and its work is stopped; so that none is
begun for one that has gone already, a sender that was not heard of lately is asked first.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from nbsched.away.bundle import Bundle
from nbsched.away.link import Stopped
from nbsched.away.mismatch import check, this_worker
from nbsched.away.parcel import header_of
from nbsched.away.piece import Piece, ending, refused
from nbsched.core.errors import WorkerMismatch

_log = logging.getLogger("nbsched")

Post = Callable[[str, str], None]
"""Sends a sender a message."""
TELL_S = 0.1
"""Between two looks for news."""
BUNDLE_S = 0.25
"""A bundle that takes longer is none of short ones."""
LATE_S = 1.0
"""A look that takes so long was held up: the process was stopped, or code in it let no other run."""
NEVER = float("-inf")
LONGEST = 64 * 1024
"""Characters of news in one message, unless one piece of news alone is longer."""


class Station:
    """Where the pieces of this worker process report; `address` is where the engine has their senders reach it."""

    def __init__(self, post: Post, where: str, address: str | None = None) -> None:
        self.address = address or uuid.uuid4().hex
        self._post, self._where = post, this_worker(where)
        self._pieces: dict[str, Piece] = {}
        self._heard: dict[str, float] = {}
        """When each sender was heard of last."""
        self._lives: dict[str, float] = {}
        """When each sender was told last which of its pieces live."""
        self._bundles: dict[Bundle, tuple[float, str]] = {}
        """Since when they are carried out, and for whom."""
        self._lock = threading.Lock()
        self._awake_since = time.monotonic()
        self._busy = threading.Event()
        threading.Thread(target=self._keep, name="nbsched station", daemon=True).start()

    def carry(self, parcels: Sequence[bytes], *, ask: bool = False) -> list[str]:
        """The messages in which they end, one after the other; with `ask` their sender is asked about each first.

        When they take longer than short ones do, those that have not begun go back.
        """
        bundle, began = Bundle(parcels), time.monotonic()
        sender = header_of(parcels[0])["sender"]
        if len(parcels) > 1:
            self._bundles[bundle] = began, sender
        try:
            while (data := bundle.next()) is not None:
                bundle.ended(self._carry(data, ask))
        finally:
            self._bundles.pop(bundle, None)
        return bundle.messages()

    def _carry(self, data: bytes, ask: bool) -> list[str]:
        header = header_of(data)
        piece = Piece(header, data, self._where, lambda piece: self._send([piece]))
        began = time.monotonic()
        try:
            check(header, self._where)
            with self._among_pieces(piece):
                if ask or header["ask"] or not self._is_heard(piece):
                    piece.link.ask("ask", "")
                    began = time.monotonic()
                messages = piece.carry()
                self._post_news(piece.link.sender, piece.link.news())
        except WorkerMismatch as error:
            messages = [ending(piece.link.id, refused(error), Path())]
        except Stopped:
            return []
        end = {**messages[-1], "told": piece.link.told, "took_s": time.monotonic() - began}
        return [*map(json.dumps, messages[:-1]), json.dumps(end)]

    @contextmanager
    def _among_pieces(self, piece: Piece) -> Iterator[None]:
        with self._lock:
            if piece.link.id in self._pieces:  # a message that was lost sight of has come again
                raise Stopped
            self._pieces[piece.link.id] = piece
        self._busy.set()
        try:
            yield
        finally:
            with self._lock:
                del self._pieces[piece.link.id]

    def _is_heard(self, piece: Piece, since: float = NEVER) -> bool:
        """Whether its sender was heard of within its lease, or could not have been yet."""
        heard = max(self._heard.get(piece.link.sender, NEVER), since)
        return heard + piece.lease_s > time.monotonic()

    def close(self) -> None:
        """Nothing of its pieces is to go on."""
        for piece in list(self._pieces.values()):
            piece.link.stop(timedelta())

    # -- what senders say, in any thread -----------------------------------------------------------------------

    def hear(self, message: Mapping[str, Any]) -> None:
        """A sender has said something, and is alive."""
        self._heard[message["sender"]] = time.monotonic()
        self._lives.pop(message["sender"], None)
        piece = self._pieces.get(message.get("id", ""))
        if piece is not None:
            match message["t"]:
                case "stop":
                    piece.link.stop(timedelta(seconds=message["grace_s"]))
                case "file":
                    piece.arrivals.take(message)
                case "answer":
                    piece.link.answer(message["to"], message["fact"])
        self._busy.set()

    # -- the keeper's thread -----------------------------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            self._busy.wait()
            began = time.monotonic()
            time.sleep(TELL_S)
            if time.monotonic() - began > LATE_S:  # what was said meanwhile may not have been heard yet
                self._awake_since = time.monotonic()
            try:
                self._look()
            except Exception as error:
                _log.warning("nbsched: what runs here could not be told of (%s); trying again", error)

    def _look(self) -> None:
        with self._lock:
            pieces = list(self._pieces.values())
            if not pieces:
                self._busy.clear()
        for piece in pieces:
            if not self._is_heard(piece, max(piece.since, self._awake_since)):
                piece.link.stop(timedelta())
            elif piece.link.stopped:
                piece.link.stop_again()
        self._send(pieces)
        for bundle, (began, sender) in list(self._bundles.items()):
            if time.monotonic() - began > BUNDLE_S:
                for text in bundle.break_up():
                    self._post(sender, text)

    def _send(self, pieces: Iterable[Piece]) -> None:
        """The senders of these pieces know what is new of them, and now and then that they live."""
        of_sender = defaultdict[str, list[Piece]](list)
        for piece in pieces:
            of_sender[piece.link.sender].append(piece)
        for sender, theirs in of_sender.items():
            self._send_to(sender, theirs)

    def _send_to(self, sender: str, pieces: list[Piece]) -> None:
        news = [entry for piece in pieces for entry in piece.link.news()]
        now, new = time.monotonic(), [piece for piece in pieces if not piece.link.began]
        due = now - self._lives.get(sender, NEVER) > min(piece.lease_s for piece in pieces) / 3
        if due or new:
            self._lives[sender] = now
        self._post_news(sender, news, alive=bool(due or new))
        for piece in new:
            piece.link.began = True

    def _post_news(self, sender: str, news: list[tuple[str, str, Any]], *, alive: bool = False) -> None:
        living = [piece.link.id for piece in list(self._pieces.values()) if piece.link.sender == sender]
        for part in _parts(news) or ([[]] if alive else []):
            self._post(sender, json.dumps({"t": "news", "from": self.address, "lives": living, "news": part}))


def _parts(news: list[tuple[str, str, Any]]) -> list[list[Any]]:
    """The news in parts that are not too long."""
    parts: list[list[Any]] = []
    size = LONGEST + 1
    for entry in news:
        length = len(json.dumps(entry))
        if size + length > LONGEST:
            parts.append([])
            size = 0
        parts[-1].append(entry)
        size += length
    return parts
