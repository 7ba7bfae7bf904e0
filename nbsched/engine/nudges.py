"""How the runtimes that share a store wake each other: a datagram on loopback that says "look again"."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

import anyio


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

    def send(self) -> None:
        """The others look again; callable from any thread."""
        for port in self._others:
            with contextlib.suppress(OSError):
                self._socket.sendto(b"!", ("127.0.0.1", port))

    async def hear(self, heard: Callable[[], None]) -> None:
        """`heard` is called for each nudge, until cancelled."""
        while True:
            await anyio.wait_readable(self._socket)
            with contextlib.suppress(OSError):
                while self._socket.recv(64):
                    pass
            heard()

    def close(self) -> None:
        self._socket.close()


async def committed(future: Future[Any]) -> Any:
    """The result of a write, once it is there, without blocking the loop."""
    import asyncio

    return await asyncio.wrap_future(future)
