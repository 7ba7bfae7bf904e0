"""What the server answers to the forms, as the REST contract has it; what they ask is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import panel_source as ps

from nbsched.core.clock_changes import clock_note
from nbsched.core.errors import NbschedError, UnknownName, UsageError
from nbsched.core.triggers import next_times, parse_trigger
from nbsched.core.words import words
from tests.ui.pretended import Server

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"]
PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "type": type_, "default": default, "help": about, "required": False,
     "optional": type_ != "int", "choices": choices}
    for name, type_, default, about, choices in [
        ("region", "str", "EU", "which customers", []),
        ("limit", "int", 1000, "", []),
        ("threshold", "float", 0.5, "below this a row is dropped", []),
        ("day", "date", None, "", []),
        ("mode", "str", "full", "", ["full", "incremental"]),
        ("send_mail", "bool", False, "tell the team", []),
        ("columns", "list", ["amount", "price"], "", []),
    ]
]  # fmt: skip
"""As `GET /notebooks` tells of them."""


def schedule_row(name: str, trigger: str = "0 2 * * *", **more: Any) -> dict[str, Any]:
    """A ScheduleRow."""
    row = {"name": name, "trigger": trigger, "tz": "Europe/Berlin", "next_at": "2026-11-27T02:00:00+01:00",
           "paused": None, "overlap": "skip", "missed": "latest", "last_run": 41}  # fmt: skip
    return row | more


def run_row(run: int, name: str = "report", **more: Any) -> dict[str, Any]:
    """A RunRow."""
    at = "2026-11-26T02:00:00+01:00"
    row = dict.fromkeys(
        (
            "schedule",
            "reason",
            "until",
            "pipeline",
            "step",
            "index",
            "parent",
            "result",
            "error",
            "output",
            "key",
            "retry_of",
        )
    )
    row |= {"id": run, "name": name, "state": "queued", "attempt": 0, "scheduled_at": at, "count": 1, "started_at": at,
            "ended_at": at, "params": {}, "values": {}}  # fmt: skip
    return row | more


class Answers(Server):
    """The server of one test; `requests` has method, path and what was given of all that forms asked."""

    def __init__(self, **more: Any) -> None:
        super().__init__(ps.day())
        self.requests: list[tuple[str, str, Any]] = []
        self.schedules: dict[str, dict[str, Any]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.views: dict[int, dict[str, Any]] = {}
        self.occurrences: list[dict[str, Any]] = []
        self.parameters: list[dict[str, Any]] = PARAMETERS
        self.refusals: dict[str, str] = {}
        vars(self).update(more)

    def posted(self, path: str) -> list[Any]:
        """The bodies that were sent there."""
        return [body for method, asked, body in self.requests if (method, asked) == ("POST", path)]

    def _told(self, route: Any, asked: Callable[[], Any]) -> None:
        try:
            status, answer = 200, asked()
        except NbschedError as error:
            status, answer = 404 if isinstance(error, UnknownName) else 400, {"message": str(error)}
        route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))

    def _about(self, path: str, query: Mapping[str, list[str]], request: Any) -> Any:
        if path == "/news":
            return super()._about(path, query, request)
        given = request.post_data_json or {name: values[0] for name, values in query.items()}
        path = unquote(path)
        self.requests.append((request.method, path, given))
        if path in self.refusals:
            raise UsageError(self.refusals[path])
        kind, *rest = path.strip("/").split("/")
        answers: dict[str, Callable[[], Any]] = {
            "zones": lambda: ZONES, "next": lambda: _next(given), "notebooks": lambda: self._notebook(given["path"]),
            "runs": lambda: self._of_run(request.method, rest, given),
            "schedules": lambda: self._of_schedule(rest, given),
        }  # fmt: skip
        return answers[kind]()

    def _notebook(self, path: str) -> Any:
        found = [one for one in self.schedules.values() if one.get("path", path) == path]
        name = path.rpartition("/")[2].removesuffix(".ipynb")
        return {
            "path": path,
            "name": name,
            "parameters": self.parameters,
            "schedules": found,
            "last_run": None,
            "changed": None,
        }

    def _of_run(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        if not path:
            return run_row(
                52, given["path"].rpartition("/")[2].removesuffix(".ipynb"), params=given.get("params", {})
            )
        run = self.runs[int(path[0])]
        if path[1:] == ["details"]:
            return self.views[run["id"]]
        return run_row(53, run["name"], retry_of=run["id"]) if method == "POST" else run

    def _of_schedule(self, path: list[str], given: dict[str, Any]) -> Any:
        if not path:
            return schedule_row(given["name"], given["trigger"], tz=given["tz"])
        if path[0] not in self.schedules:
            raise UnknownName("schedule", path[0], self.schedules)
        row = self.schedules[path[0]]
        if path[1:] in (["pause"], ["resume"]):
            row["paused"] = "by user" if path[1] == "pause" else None
        if path[1:] == ["occurrences"]:
            return self._within(given)
        return self._backfill(given) if path[1:] == ["backfill"] else row

    def _within(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = (datetime.fromisoformat(given[key]) for key in ("start", "end"))
        return [one for one in self.occurrences if start <= datetime.fromisoformat(one["at"]) < end]

    def _backfill(self, given: dict[str, Any]) -> list[Any]:
        again = {None, "failed", "cancelled"} if given["rerun_failed"] else {None}
        todo = [one for one in self._within(given) if one["state"] in again]
        if given.get("dry_run"):
            return [one["at"] for one in todo]
        for number, one in enumerate(todo):
            one |= {"run": 200 + number, "state": "running" if number < given["max_parallel"] else "queued"}
        return [run_row(one["run"]) for one in todo]


def _next(given: dict[str, Any]) -> Any:
    zone = ZoneInfo(given["tz"])
    trigger = parse_trigger(given["trigger"], tz=given["tz"])
    skipped = given["trigger"].startswith("30 2 ")
    now = datetime(2027, 3, 26, 12, tzinfo=zone) if skipped else datetime.now(zone)
    times = next_times(trigger, int(given["n"]), after=now, tz=given["tz"]) if trigger.timed else []
    told = [
        {"at": at.isoformat(), "note": clock_note(trigger, before, at)}
        for before, at in pairwise([now, *times])
    ]
    return {"trigger": str(trigger), "words": words(trigger, given["tz"]), "tz": given["tz"], "times": told}


def days(states: str, last: datetime) -> list[dict[str, Any]]:
    """An occurrence a day, the last one then: `s` succeeded, `f` failed, `r` running, `k` skipped, `-` not run."""
    names = {"s": "succeeded", "f": "failed", "r": "running", "k": "skipped", "q": "queued", "-": None}
    first = last - timedelta(days=len(states) - 1)
    return [
        {"at": (first + timedelta(days=n)).isoformat(), "run": None if state == "-" else 100 + n, "state": names[state],
         "reason": "missed" if state == "k" else ""}
        for n, state in enumerate(states)
    ]  # fmt: skip


def yesterday() -> datetime:
    """At two o'clock, in UTC."""
    return datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
