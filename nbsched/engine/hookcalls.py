"""The functions that are told of runs, called in processes of their own: both sides of the pipe."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import anyio.from_thread
import anyio.to_thread

from nbsched.engine import hooks
from nbsched.engine.live import Run
from nbsched.engine.visiting import Visitor
from nbsched.kernels.group import Stream, child_environment, ending, process_group
from nbsched.kernels.worker import Send
from nbsched.kernels.workers import Workers

ENTRY = f"{__name__}:serve"


class Raised(Exception):
    """What a function raised in its process, as that showed it."""

    def __repr__(self) -> str:
        return str(self)


class Apart:
    """Calls functions of hooks as `hooks.call` does, but none of their code runs here."""

    def __init__(self, store: Path) -> None:
        self._store = str(store)
        self._workers = Workers(ENTRY)

    def __call__(self, ref: str, run: Run) -> None:
        """The function has been called with the run; Raised when it failed. For a worker thread of the loop."""
        anyio.from_thread.run(self._call, ref, run.id)

    async def _call(self, ref: str, run: int) -> None:
        payload = json.dumps({"store": self._store, "call": ref, "run": run}).encode()
        env, replies = child_environment({"NBSCHED_STORE": self._store}), list[bytes]()
        child = await anyio.to_thread.run_sync(self._workers.ask, payload, env)
        async with process_group(child, _print, replies.append) as group:
            status = await group.wait(timedelta)
        if not replies:
            raise Raised(f"its process ended before it returned ({ending(status)})")
        if error := json.loads(replies[0])["error"]:
            raise Raised(error)


def _print(text: str, stream: Stream) -> None:
    """What it prints comes where the prints of this process do."""
    print(text, end="", file=getattr(sys, stream), flush=True)


def serve(payload: bytes, send: Send) -> None:
    """The function has been called, in the child."""
    asked = json.loads(payload)
    try:
        with Visitor(asked["store"]) as calls:
            hooks.call(asked["call"], calls.get_run(asked["run"]))
    except BaseException as error:
        send({"error": repr(error)})
    else:
        send({"error": None})
