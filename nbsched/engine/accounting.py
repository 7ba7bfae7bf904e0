"""What has fallen due is accounted for: by the run that it starts, or by a row that says why none."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from nbsched.core.errors import StoreError
from nbsched.core.instants import to_ms
from nbsched.core.model import Event
from nbsched.core.triggers import trigger_of
from nbsched.engine import firing
from nbsched.engine.nudges import committed
from nbsched.store import events, schedules
from nbsched.store.database import Database
from nbsched.store.outlook import Outlook

_log = logging.getLogger("nbsched")

Mine = tuple[Sequence[str], bool]
"""The places whose schedules a host fires, and whether also those of no place."""
Changes = dict[str | None, Future[Any]]
"""Writes by schedule."""


class Accountant:
    """Writes what schedules have come to; everything is for the loop's own thread."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._seen: dict[str, int] = {}
        """How far the log holds nothing for a listening schedule, beyond what its row says."""

    def fire(self, now: datetime, ahead: Outlook, mine: Mine, live_since: datetime) -> Changes:
        """What is due is being accounted for, before anything that is asked for later: the writes by schedule."""
        now_ms = to_ms(now)
        listening = self._db.read(schedules.listening, *mine) if ahead.listening else []
        last = self._db.read(events.last_seq) if listening else 0
        due = self._db.read(schedules.due, now_ms, *mine) if ahead.is_due(now_ms) else []
        rows = {row["name"]: row for row in (*due, *listening)}
        accounts = {name: self._account(row, now, live_since, last) for name, row in rows.items()}
        return {name: account for name, account in accounts.items() if account is not None}

    def _account(
        self, row: Mapping[str, Any], now: datetime, live_since: datetime, last: int
    ) -> Future[Any] | None:
        """What of the schedule is due is being accounted for; None when nothing is."""
        account: Future[Any] = Future()
        try:
            heard, now_ms = self._heard(row, last), to_ms(now)
            if not heard and (row["next_ms"] is None or row["next_ms"] > now_ms):
                return None
            told = firing.accounting(row, now, live_since, heard, last if row["patterns"] != "[]" else 0)
            return self._db.submit_quietly(schedules.account, told, now_ms)
        except Exception as error:
            account.set_exception(error)
            return account

    async def written(self, changes: Changes, now_ms: int) -> None:
        """The writes are done; a schedule that cannot be accounted for is paused."""
        for schedule, change in changes.items():
            try:
                await committed(change)
            except Exception as error:
                if schedule is None or isinstance(error, StoreError):
                    raise
                _log.exception("the schedule %r could not be accounted for; it is paused", schedule)
                await committed(self._db.submit(schedules.pause, schedule, now_ms, f"fault: {error}"))

    def _heard(self, row: Mapping[str, Any], last: int) -> Sequence[Event]:
        seen = max(row["after_seq"], self._seen.get(row["name"], 0))
        if row["patterns"] == "[]" or seen >= last:
            return ()
        trigger = trigger_of(row["trigger"])
        found = [
            event
            for event in self._db.read(events.since, seen, last - seen)
            if trigger.matches(event.name, event.data)
        ]
        if not found:
            self._seen[row["name"]] = last
        return found
