"""How the runtimes that share a store wake each other: a datagram on loopback that says "look again"."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import anyio

AGAIN, NEW = b"!", b"+"
"""What a nudge says: look again, or that whoever sends it has come."""


class Nudges:
    """Hears the others' nudges on a port of its own and sends them ours; a lost one costs only time."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._others: tuple[int, ...] = ()

    def know(self, ports: Iterable[int | None]) -> None:
        """These are the others' ports."""
        self._others = tuple(port for port in ports if port is not None and port != self.port)

    def send(self, word: bytes = AGAIN) -> None:
        """The others look again; callable from any thread."""
        for port in self._others:
            with contextlib.suppress(OSError):
                self._socket.sendto(word, ("127.0.0.1", port))

    async def hear(self, heard: Callable[[], Awaitable[None]], met: Callable[[], None]) -> None:
        """`heard` is called for each nudge, and `met` before it when there is a newcomer, until cancelled."""
        while True:
            await anyio.wait_readable(self._socket)
            words = set(self._waiting())
            if NEW in words:
                met()
            await heard()

    def _waiting(self) -> Iterator[bytes]:
        with contextlib.suppress(OSError):
            while word := self._socket.recv(64):
                yield word

    def close(self) -> None:
        self._socket.close()


async def committed(future: Future[Any]) -> Any:
    """The result of a write, once it is there, without blocking the loop."""
    import asyncio

    return await asyncio.wrap_future(future)
