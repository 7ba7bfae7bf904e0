"""A process that asks of a store and does not work for it: the command line."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Self

from nbsched.core.errors import StoreError
from nbsched.engine.calls import Calls
from nbsched.engine.clock import SystemClock
from nbsched.engine.live import Subscription
from nbsched.engine.nudges import Nudges
from nbsched.engine.paths import default_store
from nbsched.store import hosts, records
from nbsched.store.database import Database, Db
from nbsched.store.hosts import VISITOR, Host

BETWEEN_LOOKS_S = 0.2


class Visitor(Calls):
    """The calls of a runtime without being a host: what it starts, the hosts of the store carry out."""

    def __init__(self, store: str | os.PathLike[str] | None = None) -> None:
        self.store_path = Path(store).expanduser().absolute() if store is not None else default_store()
        self.folder = self.store_path.with_name(self.store_path.name + ".runs")
        self.clock = SystemClock()

    @property
    def host(self) -> Host:
        return Host(id=VISITOR, kind=VISITOR, pid=os.getpid(), birth="", port=None, slots=0, resources={},
                    notebook=None, started_ms=0, seen_ms=0, until_ms=0)  # fmt: skip

    def __enter__(self) -> Self:
        self._nudges, self._open = Nudges(), True
        try:
            self.database = Database(self.store_path, self._committed)
        except BaseException:
            self._nudges.close()
            raise
        return self

    def _committed(self) -> None:
        """The hosts that live now hear of it, also those that came after this."""
        if self._open:
            with suppress(StoreError):
                self._nudges.know(host.port for host in self.database.read(hosts.known))
        self._nudges.send()

    def __exit__(self, *_: object) -> None:
        self._open = False
        self.database.close()
        self._nudges.close()

    def when_ended(self, run: int) -> Future[None]:
        """Done once the run has ended; the store is looked at from time to time, for nobody nudges a visitor."""
        future: Future[None] = Future()

        def look() -> None:
            if not future.done() and self.database.read(records.state, run).final:
                watch.cancel()
                future.set_result(None)

        watch = self.watch(look)
        look()
        return future

    def watch(self, changed: Callable[[], None]) -> Subscription:
        """`changed` is called, in a thread of its own, whenever something in the store may have."""
        stop = threading.Event()
        threading.Thread(
            target=self._look_until, args=(stop, changed), name="nbsched-look", daemon=True
        ).start()
        return Subscription("watch", stop.set)

    def _look_until(self, stop: threading.Event, changed: Callable[[], None]) -> None:
        seen = None
        while self._open and not stop.wait(BETWEEN_LOOKS_S):
            version = self.database.read(_version)
            if version != seen:
                seen = version
                changed()


def _version(db: Db) -> int:
    """A number that changes with every commit of another connection."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])
