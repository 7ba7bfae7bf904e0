"""What takes long to make is not made all the time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from nbsched.engine.clock import ticks

REST, LONGEST_S = 20, 2.0
"""So many times as long as it took to make, but at most for so many seconds, it is not made again."""
SHORT_S = 0.05
"""A shorter rest is none."""
MOST = 256

T = TypeVar("T")


class TooSoon(Exception):
    """It can be made again in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Paced:
    """Makes things, each by its key; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again_at: OrderedDict[Hashable, float] = OrderedDict()

    def make(self, key: Hashable, make: Callable[[], T], *, at_once: bool = False) -> T:
        """What `make` gives; TooSoon when it was made a short while ago and is not wanted at once."""
        began = ticks()
        with self._lock:
            left = self._again_at.get(key, 0.0) - began
        if left > 0 and not at_once:
            raise TooSoon(left)
        made = make()
        self._rest(key, REST * (ticks() - began))
        return made

    def _rest(self, key: Hashable, seconds: float) -> None:
        if seconds < SHORT_S:
            return
        with self._lock:
            self._again_at[key] = ticks() + min(LONGEST_S, seconds)
            self._again_at.move_to_end(key)
            while len(self._again_at) > MOST:
                self._again_at.popitem(last=False)
