"""Who lives: the runtimes that share the store, and their leases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched.store.database import Db

SERVERS = frozenset({"server", "daemon"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A runtime as the others see it."""

    id: str
    kind: str
    pid: int
    birth: str
    port: int | None
    slots: int
    resources: Mapping[str, float]
    notebook: str | None
    started_ms: int
    seen_ms: int
    until_ms: int


VISITOR = "visitor"
"""The kind of a process that asks and does not work."""


def place_of(host: Host) -> str | None:
    """Where the host's own runs are carried out: by itself while it lives, or by anyone if it only asks."""
    return None if host.kind == VISITOR else f"host:{host.id}"


def taken_from(places: Sequence[str], any_place: bool) -> str:
    """The places of what a host takes, as JSON: null for what stands at none."""
    return json.dumps([*places, None] if any_place else list(places))


def register(db: Db, host: Host) -> None:
    """The host lives until its lease is over."""
    db.execute(
        "INSERT INTO hosts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (host.id, host.kind, host.pid, host.birth, host.port, host.slots, json.dumps(dict(host.resources)),
         host.notebook, host.started_ms, host.seen_ms, host.until_ms),
    )  # fmt: skip


def renew(db: Db, host: str, now_ms: int, lease_ms: int) -> bool:
    """The host's lease runs on from now; False when it was taken from it."""
    row = db.execute(
        "UPDATE hosts SET seen_ms = ?, until_ms = ? WHERE id = ? RETURNING id",
        (now_ms, now_ms + lease_ms, host),
    ).fetchone()
    return row is not None


def living(db: Db, now_ms: int) -> list[Host]:
    """The hosts whose lease is not over."""
    return [host for host in known(db) if host.until_ms > now_ms]


def known(db: Db) -> list[Host]:
    """Every host that has neither closed nor been given up."""
    return [_host(row) for row in db.execute("SELECT * FROM hosts ORDER BY started_ms, id")]


def _host(row: Any) -> Host:
    return Host(**{**dict(row), "resources": json.loads(row["resources"])})


def remove(db: Db, host: str) -> bool:
    """The host is no longer; False when it was none."""
    return db.execute("DELETE FROM hosts WHERE id = ? RETURNING id", (host,)).fetchone() is not None
