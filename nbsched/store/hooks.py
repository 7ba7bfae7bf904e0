"""Which runs someone wants to hear of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbsched.store.database import Db


def hooked(db: Db, ids: Sequence[int]) -> list[tuple[int, str, dict[str, Any]]]:
    """Those of the runs whose policy has a hook: id, state and policy."""
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        f"SELECT id, state, policy FROM runs WHERE id IN ({marks}) AND policy LIKE '%\"on_%'", list(ids)
    )
    return [(run, state, json.loads(policy)) for run, state, policy in rows]
