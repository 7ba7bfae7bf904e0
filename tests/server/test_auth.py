"""Who may ask: the token, or the cookie with what proves that a page of the server asks."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.notebooks import write_notebook

Ask = Callable[..., int]
SCHEDULE = {"path": "report.ipynb", "trigger": "@daily"}


@pytest.fixture
def by_cookie(server: Any) -> Ask:
    """Asks as a browser does that has logged in; `xsrf` sends what its pages send."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    top = f"http://127.0.0.1:{server.port}{server.base_url}"
    opener.open(f"{top}login?token={server.token}", timeout=20).close()
    opener.open(f"{top}api/status?token={server.token}", timeout=20).close()

    def ask(method: str, path: str, body: Any = None, *, xsrf: bool) -> int:
        cookies = {cookie.name: cookie.value or "" for cookie in jar}
        headers = {"X-XSRFToken": cookies["_xsrf"]} if xsrf else {}
        request = urllib.request.Request(
            f"{top}nbsched/api{path}", method=method, headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )  # fmt: skip
        try:
            with opener.open(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    return ask


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/runs"), ("POST", "/schedules"), ("DELETE", "/schedules/x"), ("GET", "/openapi.json")],
)
def test_who_has_no_token_is_refused(server: Any, method: str, path: str) -> None:
    assert server.ask(method, path, Accept="application/json")[0] == 403
    assert server.ask(method, path, Authorization="token wrong")[0] == 403


def test_a_cookie_alone_reads_but_does_not_write(server: Any, by_cookie: Ask) -> None:
    write_notebook(server.root / "report.ipynb")
    assert by_cookie("GET", "/schedules", xsrf=False) == 200
    assert by_cookie("POST", "/schedules", SCHEDULE, xsrf=False) == 403
    assert server.ask("GET", "/schedules")[1] == []
    assert by_cookie("POST", "/schedules", SCHEDULE, xsrf=True) == 201
    assert by_cookie("DELETE", "/schedules/report", xsrf=False) == 403
    assert by_cookie("DELETE", "/schedules/report", xsrf=True) == 200


def test_a_method_that_is_not_there_is_told_with_those_that_are(server: Any) -> None:
    status, answer = server.ask("DELETE", "/runs")
    assert (status, answer) == (405, {"message": "Method Not Allowed"})
