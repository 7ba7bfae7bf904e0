"""What is told of a run: a function is called, an event published, or a message sent."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio

from nbsched.core.errors import UsageError
from nbsched.core.rows import run_row
from nbsched.engine.calls import Calls
from nbsched.engine.live import Run
from nbsched.engine.publishing import text
from nbsched.executors.lookup import find
from nbsched.store import events, notices
from nbsched.store.notices import Notice

_log = logging.getLogger("nbsched")

Call = Callable[[str, Run], None]
"""Has the function with this reference called with the run."""

_TITLES: Mapping[str, str] = {"on_retry": "tried again", "on_late": "late", "on_recovery": "recovered"}
"""What a message says of the run; otherwise how it ended."""


def tell(calls: Calls, given: Iterable[Notice], call: Call) -> None:
    """The hooks have been told of their runs, at least once; one that fails changes nothing but the log."""
    for notice in given:
        try:
            _carry_out(calls, calls.get_run(notice.run), notice, call)
        except Exception as error:
            _log.warning("the %s of run %s failed: %r", notice.hook, notice.run, error)
            data = {"handler": notice.hook, "run": notice.run, "error": repr(error), "dead": False}
            calls.database.submit_lightly(events.record, "handler.failed", calls.now_ms(), data)
        calls.database.submit_quietly(notices.told, [notice.id])


def _carry_out(calls: Calls, run: Run, notice: Notice, call: Call) -> None:
    hook = notice.given
    if isinstance(hook, Mapping):
        call(hook["call"], run)
    elif "://" in hook:
        _send(hook, run, _TITLES.get(notice.hook))
    else:
        calls.database.write(events.record, hook, calls.now_ms(), text(dict(run_row(run.record))))


def call(ref: str, run: Run) -> None:
    """The function has been called with the run, if it takes it, in this thread."""
    function = find(ref)
    answer = function(run) if inspect.signature(function).parameters else function()
    if inspect.isawaitable(answer):
        anyio.run(_awaited, answer)


async def _awaited(answer: Any) -> None:
    await answer


def _send(url: str, run: Run, title: str | None) -> None:
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
    ended = f"{record.state} ({record.reason})" if record.reason else str(record.state)
    if not sender.notify(
        title=f"{record.name}: {title or ended}", body=str(record.error or f"run {record.id}")
    ):
        raise UsageError(f"the notification by {url.split('://', maxsplit=1)[0]} was not accepted")
