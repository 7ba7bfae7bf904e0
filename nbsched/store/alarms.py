"""What time itself and events bring about: waiting that ends, runs that expire, pipelines out of time, late runs."""

from __future__ import annotations

from collections.abc import Sequence

from nbsched.store import lateness, sensing, stopping
from nbsched.store.database import Db


def ring(db: Db, met: Sequence[sensing.Met], now_ms: int) -> int:
    """All that was to happen by now has happened, and what these events were waited for; to how many runs."""
    return sensing.conclude(db, met, now_ms) + stopping.expire(db, now_ms) + lateness.notice(db, now_ms)
