"""What the server answers to the forms, as the REST contract has it; what they ask is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from nbsched.core.errors import NbschedError
from nbsched.core.triggers import next_times, parse_trigger

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"]
PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "type": type_, "default": default, "help": help_, "required": False, "optional": type_ != "int", "choices": choices}
    for name, type_, default, help_, choices in [
        ("region", "str", "EU", "which customers", []), ("limit", "int", 1000, "", []),
        ("threshold", "float", 0.5, "below this a row is dropped", []), ("day", "date", None, "", []),
        ("mode", "str", "full", "", ["full", "incremental"]), ("send_mail", "bool", False, "tell the team", []),
        ("columns", "list", ["amount", "price"], "", []),
    ]
]
"""As `GET /notebooks` tells of them."""


def schedule_row(name: str, trigger: str = "0 2 * * *", **more: Any) -> dict[str, Any]:
    """A ScheduleRow."""
    row = {"name": name, "trigger": trigger, "tz": "Europe/Berlin", "next_at": "2026-11-27T02:00:00+01:00", "paused": None,
           "overlap": "skip", "missed": "latest", "last_run": 41}  # fmt: skip
    return row | more


def run_row(run: int, name: str = "report", **more: Any) -> dict[str, Any]:
    """A RunRow."""
    at = "2026-11-26T02:00:00+01:00"
    row = dict.fromkeys(("schedule", "reason", "until", "pipeline", "step", "index", "parent", "result", "error", "output", "key", "retry_of"))
    row |= {"id": run, "name": name, "state": "queued", "attempt": 0, "scheduled_at": at, "count": 1, "started_at": at,
            "ended_at": at, "params": {}, "values": {}}  # fmt: skip
    return row | more


class Answers:
    """Stands before the server; `asked` has method, path, query or body of all that was asked."""

    def __init__(self, page: Any, **more: Any) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.schedules: dict[str, dict[str, Any]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.views: dict[int, dict[str, Any]] = {}
        self.occurrences: list[dict[str, Any]] = []
        self.parameters: list[dict[str, Any]] = PARAMETERS
        self.refusals: dict[str, str] = {}
        vars(self).update(more)
        page.route("**/nbsched/api/**", self._route)

    def posted(self, path: str) -> list[Any]:
        """The bodies that were sent there."""
        return [body for method, asked, body in self.asked if (method, asked) == ("POST", path)]

    def _route(self, route: Any) -> None:
        request, parts = route.request, urlsplit(route.request.url)
        path = unquote(parts.path.split("/nbsched/api", 1)[1])
        given = json.loads(request.post_data) if request.post_data else {k: v[0] for k, v in parse_qs(parts.query).items()}
        if path in ("", "/news"):
            route.fallback()
            return
        self.asked.append((request.method, path, given))
        if path in self.refusals:
            status, answer = 400, {"message": self.refusals[path]}
        else:
            status, answer = self._answer(request.method, path.strip("/").split("/"), given)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))

    def _answer(self, method: str, path: list[str], given: dict[str, Any]) -> tuple[int, Any]:
        answers: dict[str, Callable[..., tuple[int, Any]]] = {
            "zones": lambda: (200, ZONES), "next": lambda: _next(given), "notebooks": lambda: self._notebook(given["path"]),
            "runs": lambda: self._of_run(method, path[1:], given), "schedules": lambda: self._of_schedule(method, path[1:], given),
        }  # fmt: skip
        return answers[path[0]]()

    def _notebook(self, path: str) -> tuple[int, Any]:
        found = [one for one in self.schedules.values() if one.get("path", path) == path]
        name = path.rpartition("/")[2].removesuffix(".ipynb")
        return 200, {"path": path, "name": name, "parameters": self.parameters, "schedules": found, "last_run": None, "changed": None}

    def _of_run(self, method: str, path: list[str], given: dict[str, Any]) -> tuple[int, Any]:
        if not path:
            return 201, run_row(52, given["path"].rpartition("/")[2].removesuffix(".ipynb"), params=given.get("params", {}))
        run = self.runs[int(path[0])]
        if path[1:] == ["details"]:
            return 200, self.views[run["id"]]
        return (201, run_row(53, run["name"], retry_of=run["id"])) if method == "POST" else (200, run)

    def _of_schedule(self, method: str, path: list[str], given: dict[str, Any]) -> tuple[int, Any]:
        if not path:
            return 201, schedule_row(given["name"], given["trigger"], tz=given["tz"])
        if path[0] not in self.schedules:
            return 404, {"message": f"there is no schedule {path[0]!r}: see the list of schedules"}
        row = self.schedules[path[0]]
        if path[1:] in (["pause"], ["resume"]):
            row["paused"] = "by user" if path[1] == "pause" else None
        if path[1:] == ["occurrences"]:
            return 200, self._within(given)
        if path[1:] == ["backfill"]:
            return 200, self._backfill(given)
        return 200, row

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


def _next(given: dict[str, Any]) -> tuple[int, Any]:
    text, zone = given["trigger"], given["tz"]
    now = datetime(2026, 3, 26, 12, tzinfo=ZoneInfo(zone))
    try:
        trigger = parse_trigger(text, tz=zone)
        times = next_times(trigger, int(given["n"]), after=now, tz=zone) if trigger.timed else []
    except NbschedError as error:
        return 400, {"message": str(error)}
    note = "02:30 does not exist that day: it fires at 03:00"
    told = [{"at": at.isoformat(), "note": note if "2026-03-29T03:00" in at.isoformat() else ""} for at in times]
    return 200, {"trigger": str(trigger), "words": f"in words: {text}", "tz": zone, "times": told}


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
