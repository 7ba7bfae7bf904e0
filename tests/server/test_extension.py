"""The server's extension, in a real Jupyter server."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.instants import to_ms
from nbsched.engine.visiting import Visitor
from nbsched.store.outlook import needed
from tests.real import until

Serve = Callable[..., Any]


def jupyter(server: Any, path: str) -> Any:
    """What Jupyter itself answers."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{server.base_url}api{path}",
        headers={"Authorization": f"token {server.token}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_the_server_is_a_host_of_its_store(server: Any) -> None:
    status, answer = server.ask("GET", "")
    assert (status, answer["version"], answer["store"]) == (200, nb.__version__, str(server.store))
    with Visitor(server.store) as visitor:
        assert {host.kind for host in visitor.hosts()} == {"server"}


def test_who_has_no_token_is_refused(server: Any) -> None:
    assert server.ask("GET", "", Accept="application/json")[0] == 403


def test_functions_run_beside_the_server_s_process(server: Any, works: ModuleType) -> None:
    with Visitor(server.store) as visitor:
        run = visitor.run(works.pid).wait(40, check=True)
        assert run.result == run.attempts[0].pid != server.process.pid


def test_the_traits_say_what_the_host_offers(serve: Serve, tmp_path: Path) -> None:
    store = tmp_path / "another.db"
    server = serve(
        f"--NbschedExtension.store={store}",
        "--NbschedExtension.slots=3",
        "--NbschedExtension.resources=gpu=1",
    )
    assert server.ask("GET", "")[1]["store"] == str(store)
    with Visitor(store) as visitor:
        (host,) = visitor.hosts()
    assert (host.kind, host.slots, host.resources) == ("server", 3, {"gpu": 1})


def test_a_server_that_is_no_host_only_asks(serve: Serve, visitor: Visitor, works: ModuleType) -> None:
    server = serve("--NbschedExtension.host=False")
    run = visitor.run(works.pid)
    assert server.ask("GET", "")[0] == 200
    assert [row["id"] for row in server.ask("GET", "/news")[1]["rows"]] == [run.id]
    assert visitor.hosts() == []
    threading.Event().wait(0.5)
    assert run.state == "queued"


@pytest.mark.parametrize("option", ["store", "slots"])
def test_a_host_that_cannot_start_says_why_in_one_line_and_jupyter_works(
    serve: Serve, tmp_path: Path, option: str
) -> None:
    (tmp_path / "no.db").write_text(
        "this is no database, but a text that is long enough to be seen as none\n" * 9
    )
    given = {"store": tmp_path / "no.db", "slots": 0}[option]
    server = serve(f"--NbschedExtension.{option}={given}")
    status, answer = server.ask("GET", "/news")
    assert status == 503
    assert str(given) in answer["message"]
    assert jupyter(server, "/contents")["type"] == "directory"
    server.stop()
    lines = [line for line in (tmp_path / "server.log").read_text().splitlines() if "does not work" in line]
    assert len(lines) == 1
    assert answer["message"] in lines[0]


# --- whether a server is needed ---


def test_a_host_is_needed_while_something_runs_or_is_to_happen_soon(
    tmp_path: Path, works: ModuleType
) -> None:
    with nb.Runtime(tmp_path / "store.db", kind="server") as rt:

        def is_needed(within: timedelta = timedelta(hours=1)) -> bool:
            return rt.database.read(needed, rt.host.id, to_ms(rt.clock.now() + within))

        assert not is_needed()
        rt.schedule(works.pid, nb.every("3h"), name="rare")
        assert not is_needed()
        assert is_needed(timedelta(hours=4))
        rt.pause("rare")
        assert not is_needed(timedelta(hours=4))
        there = tmp_path / "there"
        run = rt.run(works.until_there, {"path": str(there)})
        assert is_needed()
        until(Path(f"{there}.begun").exists, 30)
        assert is_needed()
        there.touch()
        run.wait(30, check=True)
        assert not is_needed()


@pytest.mark.parametrize("is_needed", [False, True])
def test_jupyter_hears_whether_the_server_is_needed(
    serve: Serve, visitor: Visitor, works: ModuleType, is_needed: bool
) -> None:
    visitor.schedule(works.pid, nb.every("10m" if is_needed else "10d"), name="some_time")
    server = serve()
    assert server.ask("GET", "/news")[0] == 200, "a panel that asks is no person"
    threading.Event().wait(0.3)
    active = datetime.fromisoformat(jupyter(server, "/status?no_track_activity=1")["last_activity"])
    assert (to_ms(active) >= visitor.hosts()[0].started_ms) is is_needed
