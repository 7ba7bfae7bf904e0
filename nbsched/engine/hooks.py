"""What is told of a run's end: a function is called, an event published, or a message sent."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio

from nbsched.core.errors import UsageError
from nbsched.core.model import State
from nbsched.core.rows import run_row
from nbsched.engine.calls import Calls
from nbsched.engine.live import Run
from nbsched.engine.publishing import text
from nbsched.executors.lookup import find
from nbsched.store import events
from nbsched.store.hooks import hooked

_log = logging.getLogger("nbsched")

ON: Mapping[str, str] = {State.SUCCEEDED: "on_success", State.FAILED: "on_failure", State.QUEUED: "on_retry"}
"""The hook that belongs to what has become of a run."""


def tell(calls: Calls, runs: Iterable[int]) -> None:
    """The hooks of the runs have been told what became of them; one that fails changes nothing but the log."""
    for run, state, policy in calls.database.read(hooked, list(runs)):
        hook = policy.get(ON.get(state, ""))
        if hook is not None:
            try:
                _carry_out(calls, calls.get_run(run), hook)
            except Exception as error:
                _log.warning("the %s of run %s failed: %r", ON[state], run, error)
                data = {"handler": ON[state], "run": run, "error": repr(error), "dead": False}
                calls.database.submit_lightly(events.record, "handler.failed", calls.now_ms(), data)


def _carry_out(calls: Calls, run: Run, hook: Any) -> None:
    if isinstance(hook, Mapping):
        _call(find(hook["call"]), run)
    elif "://" in hook:
        _send(hook, run)
    else:
        calls.database.write(events.record, hook, calls.now_ms(), text(dict(run_row(run.record))))


def _call(function: Callable[..., Any], run: Run) -> None:
    answer = function(run) if inspect.signature(function).parameters else function()
    if inspect.isawaitable(answer):
        anyio.run(_awaited, answer)


async def _awaited(answer: Any) -> None:
    await answer


def _send(url: str, run: Run) -> None:
    try:
        import apprise
    except ImportError:
        raise UsageError("to send notifications, install the extra: pip install 'nbsched[notify]'") from None
    sender = apprise.Apprise()
    if not sender.add(url):
        raise UsageError(
            f"the notification URL {url.split('://', maxsplit=1)[0]}://… is not one that Apprise knows"
        )
    record = run.record
    title = f"{record.name}: {record.state}" + (f" ({record.reason})" if record.reason else "")
    if not sender.notify(title=title, body=str(record.error or f"run {record.id}")):
        raise UsageError(f"the notification by {url.split('://', maxsplit=1)[0]} was not accepted")
