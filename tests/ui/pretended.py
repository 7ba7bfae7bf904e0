"""nbsched's REST as the browser sees it, answered by the test from a source in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from nbsched.core.errors import NbschedError

CHANGED = "urn:nbsched:changed"
TELL = """([schema_id, token]) =>
    window.jupyterapp.serviceManager.events.stream.emit({schema_id, token, runs: []})"""
VERBS = re.compile(r"/(runs|schedules)/([^/]+)/(cancel|retry|resolve|trigger|pause|resume)")

FORMS = {
    "/zones": ["UTC"],
    "/next": {"trigger": "0 2 * * *", "words": "every day at 02:00", "tz": "UTC", "times": []},
}
"""What the forms ask for as they open."""


class Server:
    """Answers every request of one browser context below `nbsched/api`, from the source.

    `state` is `live`, `lost` (the connection is cut) or `absent` (the extension is not enabled).
    """

    def __init__(self, source: Any) -> None:
        self.source, self.state = source, "live"
        self.asked: list[str] = []
        self.notebooks: Mapping[str, Any] = {"name": "", "schedules": [], "last_run": None, "changed": None}
        self.files: dict[int, str] = {}
        """By run the path of its notebook."""
        self.born = 1
        """Told apart by its tokens from the server before a restart."""

    def serve(self, context: Any) -> None:
        """To be called before the context has a page."""
        context.route("**/nbsched/api/**", self._answer)
        context.route("**/nbsched/api", self._answer)

    def tell(self, page: Any) -> None:
        """The event that something has changed reaches the page."""
        page.evaluate(TELL, [CHANGED, self.token])

    @property
    def token(self) -> str:
        return f"{self.born}.{len(self.source.log)}.{len(self.source.acted)}"

    def _answer(self, route: Any) -> None:
        address = urlsplit(route.request.url)
        path, query = address.path.partition("nbsched/api")[2], parse_qs(address.query)
        self.asked.append(f"{route.request.method} {unquote(path)}")
        if self.state == "lost":
            route.abort("connectionrefused")
        elif self.state == "absent":
            route.fulfill(status=404, content_type="text/html", body="<html>404 : Not Found</html>")
        else:
            self._told(route, lambda: self._about(path, query, route.request))

    def _told(self, route: Any, asked: Callable[[], Any]) -> None:
        try:
            status, answer = 200, asked()
        except NbschedError as error:
            status, answer = 409, {"message": str(error)}
        route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))

    def _about(self, path: str, query: Mapping[str, list[str]], request: Any) -> Any:
        if path == "/news":
            return self._news(query)
        if path == "/notebooks":
            return {"path": query["path"][0], **self.notebooks}
        if path in FORMS:
            return FORMS[path]
        if acted := VERBS.fullmatch(path):
            return self._act(*acted.groups(), request.post_data_json)
        _, _, run, part = path.split("/")
        if part == "details":
            return {**self.source.details(int(run)), "notebook": self.files.get(int(run))}
        return self.source.pipeline(int(run))

    def _news(self, query: Mapping[str, list[str]]) -> dict[str, Any]:
        looked = [int(one) for one in query.get("look", [""])[0].split(",") if one]
        since = query.get("since", ["0.0.0"])[0].split(".")
        if int(since[0]) != self.born:
            news: dict[str, Any] = {"all": True, **self.source.snapshot()}
        else:
            ids, _ = self.source.changed(int(since[1]), looked)
            overview = dict(self.source.overview())
            if int(since[2]) == len(self.source.acted):
                del overview["schedules"]
            news = {"rows": self.source.rows(ids), "overview": overview}
        details = {run: found for run in looked if (found := self.source.details(run))}
        return {"token": self.token, **news, "details": details}

    def _act(self, kind: str, target: str, verb: str, body: Mapping[str, Any]) -> Any:
        name: int | str = int(target) if kind == "runs" else unquote(target)
        if verb == "resolve":
            verb = {True: "approve", False: "reject"}.get(body["value"], "answer")
        self.source.act(verb, name)
        return {}
