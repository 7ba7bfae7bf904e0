"""Texts from one process to another over Celery's broker: each has an inbox, a queue that ends some time after it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from kombu.entity import Queue

_log = logging.getLogger("nbsched")

AGAIN_S = 0.2
"""Before a broker that could not be reached is tried again."""
KEPT_S = 600
"""So long is an inbox kept that nobody looks into."""


def inbox(address: str) -> Queue:
    """The queue in which texts for the address lie."""
    return Queue(f"nbsched.{address}", expires=KEPT_S)


class Mail:
    """`hear` is called, in a thread, with each text for the address; texts wait here while the broker is away."""

    def __init__(self, app: Any, address: str, hear: Callable[[str], object]) -> None:
        self._app, self._address, self._hear = app, address, hear
        self._outgoing: SimpleQueue[tuple[str, str] | threading.Event] = SimpleQueue()
        self._next: tuple[str, str] | threading.Event | None = None
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._steadily, args=(call,), name="nbsched mail", daemon=True)
            for call in (self._take, self._give)
        ]
        for thread in self._threads:
            thread.start()

    def post(self, address: str, text: str) -> None:
        """The text goes there, after those posted before."""
        self._outgoing.put((address, text))

    def flush(self) -> None:
        """The broker has all that was posted so far."""
        there = threading.Event()
        self._outgoing.put(there)
        there.wait()

    def close(self) -> None:
        """The inbox is gone, if the broker is there."""
        self._closed.set()
        self.post(self._address, "")  # wakes both threads
        for thread in self._threads:
            thread.join(timeout=2)

    # -- the two threads ---------------------------------------------------------------------------------------

    def _steadily(self, call: Callable[[Any], None]) -> None:
        while not self._closed.is_set():
            try:
                with self._app.connection_for_write() as connection:
                    connection.connect()
                    call(connection)
            except Exception as error:
                _log.info("Celery's broker cannot be reached: %s", error)
                self._closed.wait(AGAIN_S)

    def _take(self, connection: Any) -> None:
        queue = inbox(self._address)
        with connection.Consumer([queue], on_message=self._read, no_ack=True) as consumer:
            while not self._closed.is_set():
                try:
                    connection.drain_events(timeout=1)
                except TimeoutError:
                    connection.heartbeat_check()
            queue(consumer.channel).purge()
            queue(consumer.channel).delete()

    def _read(self, message: Any) -> None:
        text = message.decode()
        try:
            if text:
                self._hear(text)
        except Exception:
            _log.exception("nbsched: what was said could not be taken in")

    def _give(self, connection: Any) -> None:
        producer = connection.Producer()
        while not (self._closed.is_set() and self._outgoing.empty() and self._next is None):
            self._next = self._next or self._outgoing.get()
            if isinstance(self._next, threading.Event):
                self._next.set()
            else:
                queue, text = inbox(self._next[0]), self._next[1]
                producer.publish(
                    text, routing_key=queue.name, declare=[queue],
                    content_type="text/plain", content_encoding="utf-8",
                )  # fmt: skip
            self._next = None
