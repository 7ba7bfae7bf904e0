"""Three sources on the web, as far as anyone who fetches from them can tell: one server of this process.

They serve data that comes with scikit-learn, each in another form. One of them is tired and needs to be asked
three times. Nothing is left running: the server ends with the process.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sklearn import datasets

REFUSALS = 2
"""So often /wines.json says 503 before it answers."""

Rows = list[dict[str, Any]]
_asked = itertools.count()
_starting = threading.Lock()


def address() -> str:
    """Where the sources are, `http://127.0.0.1:PORT`; the first who asks starts them."""
    with _starting:
        return _started()


@functools.cache
def _started() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sources)
    threading.Thread(target=server.serve_forever, name="sources", daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Sources(BaseHTTPRequestHandler):
    """Answers `/flowers.csv`, `/wines.json` and `/tumours.jsonl`."""

    def do_GET(self) -> None:
        if self.path not in FILES:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif self.path == "/wines.json" and next(_asked) < REFUSALS:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            load, write = FILES[self.path]
            body = write(_rows(load)).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a server that logs to the terminal would spoil the progress shown there."""


def _rows(load: Callable[..., Any]) -> Rows:
    data = load()
    kinds = [str(data.target_names[number]) for number in data.target]
    numbers = [dict(zip(data.feature_names, map(float, row), strict=True)) for row in data.data]
    return [{**row, "kind": kind} for row, kind in zip(numbers, kinds, strict=True)]


def _csv(rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _json_lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


FILES: dict[str, tuple[Callable[..., Any], Callable[[Rows], str]]] = {
    "/flowers.csv": (datasets.load_iris, _csv),
    "/wines.json": (datasets.load_wine, json.dumps),
    "/tumours.jsonl": (datasets.load_breast_cancer, _json_lines),
}
