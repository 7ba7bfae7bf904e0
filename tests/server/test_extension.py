"""The server's extension, in a real Jupyter server."""

from __future__ import annotations

from typing import Any

import nbsched


def test_the_server_is_a_host_of_its_store(server: Any) -> None:
    status, answer = server.ask("GET", "")
    assert (status, answer["version"], answer["store"]) == (200, nbsched.__version__, str(server.store))
    with nbsched.Runtime(server.store) as rt:
        assert "server" in {host.kind for host in rt.hosts()}


def test_who_has_no_token_is_refused(server: Any) -> None:
    assert server.ask("GET", "", Accept="application/json")[0] == 403
