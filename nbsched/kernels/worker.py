"""The child's side: a fresh process that calls one named function with the bytes it is given.

Started as a program with the reply pipe's descriptor as its argument. Standard input brings one line of JSON
(`entry`, `path`, `size`) and `size` bytes for the entry, and then stays open: when it ends the starter is gone,
and so are we. Only the standard library is imported here, so that it is ready at once.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

Send = Callable[[Mapping[str, Any]], None]
PROGRAM = Path(__file__)


def request(entry: str, payload: bytes) -> bytes:
    """What the worker reads; `entry` is `module:function`, called with the payload and a `Send`."""
    header = {"entry": entry, "path": sys.path, "size": len(payload)}
    return json.dumps(header).encode() + b"\n" + payload


def main() -> None:
    """The entry has been called, or the starter has gone."""
    faulthandler.enable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    send = _sender(int(sys.argv.pop()))
    requests = _private_stdin()
    header = json.loads(requests.readline())
    payload = requests.read(header["size"])
    threading.Thread(target=_end_with_starter, args=(requests,), daemon=True).start()
    sys.path[:] = header["path"]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    module, _, name = header["entry"].partition(":")
    getattr(importlib.import_module(module), name)(payload, send)


def _sender(descriptor: int) -> Send:
    os.set_inheritable(descriptor, False)
    lock = threading.Lock()

    def send(message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        with lock:
            while data:
                data = data[os.write(descriptor, data) :]

    return send


def _private_stdin() -> BinaryIO:
    """Standard input under another descriptor; what the work and its children read is empty."""
    private = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return private


def _end_with_starter(requests: BinaryIO) -> None:
    requests.read()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
