"""What time itself brings about: runs that expire, pipelines out of time, runs that are late."""

from __future__ import annotations

from nbsched.store import lateness, runs
from nbsched.store.database import Db


def ring(db: Db, now_ms: int) -> int:
    """All that was to happen by now has happened; to how many runs."""
    return runs.expire(db, now_ms) + lateness.notice(db, now_ms)
