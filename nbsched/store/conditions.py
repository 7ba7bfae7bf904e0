"""What decides whether a step runs: how its needs ended, and its condition in its pipeline's run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.core import plan
from nbsched.core.errors import UnknownName
from nbsched.core.expressions import Expression
from nbsched.core.references import referred
from nbsched.core.wire import decode
from nbsched.store import results
from nbsched.store.database import Db


def join(db: Db, run: int, rule: str) -> str:
    """`plan.join` for the run as its needs stand."""
    waiting = db.execute("SELECT 1 FROM needs WHERE run = ? AND ended IS NULL LIMIT 1", (run,)).fetchone()
    if waiting and rule in ("all_success", "all_done"):
        bad = rule == "all_success" and db.execute(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM needs WHERE run = ?1 AND ended < 'succeeded') "
            "OR EXISTS (SELECT 1 FROM needs WHERE run = ?1 AND ended > 'succeeded')",
            (run,),
        ).fetchone()  # fmt: skip
        if not bad:
            return plan.WAIT
    counts = dict(
        db.execute("SELECT ended, count(*) FROM needs WHERE run = ? GROUP BY ended", (run,)).fetchall()
    )
    return plan.join(rule, counts, counts.pop(None, 0))


def holds(db: Db, row: Mapping[str, Any]) -> bool:
    """Whether the step's condition is true; one that cannot be evaluated is left to the attempt, which fails by it."""
    if row["condition"] is None:
        return True
    try:
        return bool(Expression(row["condition"]).evaluate(lambda path: lookup(db, row["scope"], path)))
    except Exception:
        return True


def lookup(db: Db, parent: int, path: tuple[str, ...]) -> Any:
    """What a condition's name means: a step's result, its named value, or a parameter of the pipeline."""
    params = decode(json.loads(db.execute("SELECT params FROM runs WHERE id = ?", (parent,)).fetchone()[0]))
    known = db.execute(
        "SELECT step FROM runs WHERE parent = ? AND step IN (?, ?)", (parent, path[0], (*path, "")[1])
    )
    found = referred(path, [step for (step,) in known], params)
    if found is None:
        raise UnknownName("step or parameter", path[0], params)
    if found.kind == "param":
        return _within(params, found.path, "the pipeline's parameters")
    step, *names = found.path
    stored, left = results.of_step(db, parent, step, names) or (None, ())
    return _within(decode(stored), left, f"the values of step {step!r}")


def _within(value: Any, path: Sequence[str], where: str) -> Any:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            raise UnknownName(f"name in {where}", name, value if isinstance(value, Mapping) else ())
        value = value[name]
    return value
