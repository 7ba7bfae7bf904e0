"""Parcels that travel together because each is short: what their worker has of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from nbsched.away.parcel import header_of


class Bundle:
    """Parcels that one thread of a worker carries out one after the other, and the messages in which they end."""

    def __init__(self, parcels: Sequence[bytes]) -> None:
        self._left, self._messages = list(reversed(parcels)), list[str]()
        self._lock = threading.Lock()

    def next(self) -> bytes | None:
        """The parcel that is to be carried out now; None when there is none left."""
        with self._lock:
            return self._left.pop() if self._left else None

    def ended(self, messages: Sequence[str]) -> None:
        """One of them has ended in these messages."""
        with self._lock:
            self._messages += messages

    def messages(self) -> list[str]:
        """Those that nobody has been told."""
        with self._lock:
            found, self._messages = self._messages, []
            return found

    def break_up(self) -> list[str]:
        """The parcels that have not begun go back; the messages that say so, after those that there are."""
        with self._lock:
            backs = [json.dumps({"t": "back", "id": header_of(data)["id"]}) for data in reversed(self._left)]
            self._left.clear()
        return [*self.messages(), *backs]
