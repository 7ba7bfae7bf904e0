"""GET /news, of a real server."""

from __future__ import annotations

import gzip
import urllib.request
from typing import Any

import pytest

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.real import until


def test_everything_is_told_first_and_then_what_changes(server: Any) -> None:
    with Visitor(server.store) as visitor:
        first = visitor.run(nb.shell("true")).wait(30)
        status, everything = server.ask("GET", "/news")
        assert status == 200
        assert everything["all"] is True
        assert {"overview", "history", "rows", "token"} <= everything.keys()
        assert everything["rows"][0]["id"] == first.id
        second = visitor.run(nb.shell("echo hello")).wait(30)
        changes = server.ask("GET", f"/news?since={everything['token']}&look={second.id}")[1]
        assert "all" not in changes
        assert [row["id"] for row in changes["rows"]] == [second.id]
        assert changes["details"][str(second.id)]["log"] == "hello\n"


def test_a_pipeline_s_run_is_told_alone(server: Any) -> None:
    with nb.pipeline("two") as two:
        nb.shell("true", name="a") >> nb.shell("true", name="b")
    with Visitor(server.store) as visitor:
        run = visitor.run(two).wait(40)
        news = server.ask("GET", f"/news?focus={run.id}")[1]
    assert news.keys() == {"all", "token", "pipelines"}
    assert [step["state"] for step in news["pipelines"][str(run.id)]["steps"]] == ["succeeded"] * 2


@pytest.mark.parametrize("query", ["look=x", "focus=x"])
def test_what_is_no_run_is_refused(server: Any, query: str) -> None:
    status, answer = server.ask("GET", f"/news?{query}")
    assert status == 400
    assert "'x'" in answer["message"]


def test_large_answers_are_compressed_for_who_can_read_them(server: Any) -> None:
    with Visitor(server.store) as visitor:
        runs = [visitor.run(nb.shell("true", name=f"a_long_name_to_fill_rows_{n}")) for n in range(30)]
        until(lambda: all(run.state.final for run in runs), 50)
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{server.base_url}nbsched/api/news",
        headers={"Authorization": f"token {server.token}", "Accept-Encoding": "gzip"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b'"overview"' in gzip.decompress(answer.read())
