"""Runs inside the tests' kernel: a loop thread that executes cells there, as a runtime would."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from anyio import CancelScope, from_thread

from nbsched.core.model import Cell, Context, Outcome
from nbsched.executors.cell import CellExecutor
from nbsched.executors.contract import Assignment
from nbsched.executors.current import context_to_json

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOLDER = Path(tempfile.mkdtemp(dir=Path(os.environ["NBSCHED_STORE"]).parent), "1")
"""In the folder that the tests clear away, for a kernel may end too suddenly to do so."""


class Recorder:
    """A report that keeps what it was told."""

    def __init__(self):
        self.pids, self.texts, self.displays, self.values = [], [], [], {}
        self.begun = threading.Event()

    def started(self, pid):
        self.pids.append(pid)
        self.begun.set()

    def progress(self, done, total, label="", usage=None): ...

    def output(self, text, stream="stdout"):
        self.texts.append((stream, text))

    def display(self, message):
        self.displays.append(dict(message))

    def value(self, name, value):
        self.values[name] = value

    def output_file(self, path): ...


class Going:
    """A cell on its way: its report, its outcome, a way to cancel it."""

    def __init__(self, number, source, where, timeout, grace):
        self.report, self.future, self.scope = Recorder(), Future(), LOOP.portal.call(CancelScope)
        self.cancelled = threading.Event()
        context = Context(
            run_id=number,
            attempt=1,
            scheduled_at=NOW,
            interval=(NOW, NOW),
            params={"n": number},
            pipeline=None,
            step=None,
            key=None,
            event=None,
        )
        self.assignment = Assignment(
            work=Cell(name=f"cell_{number}", source=source, where=where, cell_id="owner"),
            context=context,
            params={},
            folder=FOLDER,
            env={"NBSCHED_CONTEXT": json.dumps(context_to_json(context, FOLDER))},
            report=self.report,
            cell_timeout=None if timeout is None else timedelta(seconds=timeout),
            grace=timedelta(seconds=grace),
        )
        LOOP.portal.start_task_soon(self.run)

    async def run(self):
        try:
            with self.scope:
                self.future.set_result(await CellExecutor().execute(self.assignment))
            if self.scope.cancelled_caught:
                self.cancelled.set()
        except BaseException as error:
            self.future.set_exception(error)
            raise

    def cancel(self):
        LOOP.portal.call(self.scope.cancel)
        assert self.cancelled.wait(10), "cancelling never ended"

    def outcome(self, timeout=20) -> Outcome:
        return self.future.result(timeout)

    def text(self, stream="stdout"):
        return "".join(text for name, text in self.report.texts if name == stream)

    def kinds(self):
        """The outputs' kinds; a stream that came in pieces counts once."""
        kinds = [message.get("name", message["output_type"]) for message in self.report.displays]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]


class Loop:
    def __init__(self):
        self._ready = Future()
        threading.Thread(target=anyio.run, args=(self._main,), daemon=True, name="loop").start()
        self.portal = self._ready.result(10)

    async def _main(self):
        async with from_thread.BlockingPortal() as portal:
            self._ready.set_result(portal)
            await portal.sleep_until_stopped()


LOOP = Loop()
_count = 0


def start(source, where="kernel", timeout=None, grace=2):
    global _count
    _count += 1
    return Going(_count, source, where, timeout, grace)
