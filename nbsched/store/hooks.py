"""Which runs someone wants to hear of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nbsched.store.database import Db


def hooked(db: Db, ids: Sequence[int]) -> list[tuple[int, str, dict[str, Any]]]:
    """Those of the runs whose policy has a hook: id, state and policy."""
    rows = db.execute(
        "SELECT id, state, policy FROM runs WHERE id IN (SELECT value FROM json_each(?)) AND policy LIKE '%\"on_%'",
        (json.dumps(list(ids)),),
    )
    return [(run, state, json.loads(policy)) for run, state, policy in rows]
