"""The server's loop is never late because of nbsched, and an idle server pays nothing that can be measured."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.real import until
from tests.server.test_extension import jupyter
from tests.server.test_survival import notebook

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent
MOST_LATE_MS = 20
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def metered(serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A server with a lag meter, with or without nbsched."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    folder = tmp_path / ".config" / "jupyter_server_config.d"
    folder.mkdir(parents=True)

    def start(*options: str, nbsched: bool = True) -> Any:
        extensions = {"lagmeter": True, "nbsched": nbsched}
        (folder / "meter.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": extensions}}))
        return serve(*options, api="nbsched/api" if nbsched else "api")

    return start


def lag(server: Any) -> dict[str, Any]:
    """How late the loop was since this was asked last; what asking costs is not counted."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{server.base_url}lag",
        headers={"Authorization": f"token {server.token}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def fill(visitor: Visitor, runs: int) -> None:
    """So many runs that have ended, as if they had been carried out."""
    first = visitor.run(nb.shell("true", name="old"))
    visitor.cancel(first.id)
    first.wait(20)

    def copy(db: Any) -> None:
        names = [row["name"] for row in db.execute("PRAGMA table_info(runs)") if row["name"] != "id"]
        columns = ", ".join(names)
        db.execute(
            f"INSERT INTO runs ({columns}) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            f"WHERE i < ?) SELECT {columns} FROM runs, n WHERE id = ?", (runs, first.id),
        )  # fmt: skip

    visitor.database.write(copy)


def test_the_loop_is_never_late_under_load(
    metered: Callable[..., Any], visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    """But for when the machine had no core for it, as it is without nbsched too."""
    fill(visitor, 5000)
    path = notebook(tmp_path / "work.ipynb", "for n in range(200): print(n, 'x' * 100)\nsum(range(10**6))")
    control, server = metered(nbsched=False), metered("--NbschedExtension.slots=2")
    for one in (control, server):
        jupyter(one, "/contents/work.ipynb")  # compiles what it checks notebooks with, which takes 100 ms
    until(lambda: server.ask("GET", "/news")[0] == 200)
    threading.Event().wait(2)
    for one in (control, server):
        lag(one)
    runs = [visitor.run(nb.notebook(path)) for _ in range(20)]
    runs += [visitor.run(works.pid) for _ in range(200)]
    until(lambda: reads(server) and all(run.state.final for run in runs), 400)
    assert {run.state for run in runs} == {"succeeded"}
    ours, others = lag(server), lag(control)
    print(f"late at worst: {ours}; without nbsched: {others}")
    assert others["own"][-1] <= MOST_LATE_MS, "a server without nbsched is late here too"
    assert ours["own"][-1] <= MOST_LATE_MS


def reads(server: Any) -> bool:
    """What a panel asks: everything now and then, and changes."""
    token = server.ask("GET", "/news")[1]["token"]
    for _ in range(10):
        token = server.ask("GET", f"/news?since={token}")[1]["token"]
        threading.Event().wait(0.1)
    return True


def seconds_used(server: Any) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def test_an_idle_server_with_a_thousand_schedules_uses_no_more_than_one_without_nbsched(
    metered: Callable[..., Any], visitor: Visitor, works: ModuleType
) -> None:
    """Processor seconds of both in the same span, so that what else the machine does weighs on both."""
    for n in range(1000):
        visitor.schedule(works.pid, f"{n % 60} {n % 24} 1 1 *", name=f"yearly_{n}")
    span = 40
    servers = metered(nbsched=False), metered()
    until(lambda: servers[1].ask("GET", "/news")[0] == 200)
    threading.Event().wait(5)
    before = [seconds_used(server) for server in servers]
    threading.Event().wait(span)
    plain, ours = (seconds_used(server) - used for server, used in zip(servers, before, strict=True))
    print(f"of {span} s: {plain:.2f} s without nbsched, {ours:.2f} s with it")
    assert ours < 1.15 * plain + 0.005 * span
