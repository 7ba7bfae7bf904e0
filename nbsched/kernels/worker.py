"""The child's side: a fresh process that calls one function with the bytes it is given, and ends.

Started as a program with that function (`module:name`) and the reply pipe's descriptor as its arguments. It
makes itself ready and waits. Standard input then brings one line of JSON (`path`, `cwd`, `env`, `size`) and
`size` bytes for the function, and stays open: when it ends the starter is gone, and so are we.
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


def command(entry: str) -> tuple[str, ...]:
    """What to start; the reply pipe's descriptor is to follow. `entry` gets the bytes and a `Send`."""
    return (sys.executable, "-P", str(PROGRAM), entry)


def request(payload: bytes, env: Mapping[str, str]) -> bytes:
    """What the worker reads; it imports what we can import and works where we do."""
    header = {"path": sys.path, "cwd": os.getcwd(), "env": dict(env), "size": len(payload)}
    return json.dumps(header).encode() + b"\n" + payload


def main() -> None:
    """The entry has been called, or the starter has gone."""
    _prepare_process()
    send = _sender(int(sys.argv.pop()))
    requests = _private_stdin()
    sys.path.insert(0, str(PROGRAM.parents[2]))
    module, _, name = sys.argv.pop().partition(":")
    entry = getattr(importlib.import_module(module), name)
    importlib.import_module("cloudpickle")  # what requests are made with, loaded while nobody waits for it
    header = json.loads(requests.readline() or "null")
    if header is None:
        return
    payload = requests.read(header["size"])
    threading.Thread(target=_end_with_starter, args=(requests,), daemon=True).start()
    sys.path[:] = header["path"]
    os.environ.clear()
    os.environ.update(header["env"])
    os.chdir(header["cwd"])
    entry(payload, send)


def _prepare_process() -> None:
    faulthandler.enable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


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
