"""What runs gave, as JSON whose files say which run's they are; of runs that hold others it is made of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbsched.core.errors import DefinitionError, UnknownName
from nbsched.core.model import Error
from nbsched.core.states import State
from nbsched.core.wire import failed, located
from nbsched.store.database import Db
from nbsched.store.reusing import ORIGIN

Row = Mapping[str, Any]
Found = tuple[Any, Sequence[str]]
"""A value's JSON, and the names inside it that are still to be followed."""

_GAVE = f"SELECT id, kind, state, reason, name, step, params, work, result, named, error, {ORIGIN} AS origin FROM runs"


def result(db: Db, run: int) -> Any:
    """The run's result: of a mapped step the list of its items', of a pipeline its last step's, or those by step."""
    return _result(db, db.execute(f"{_GAVE} WHERE id = ?", (run,)).fetchone())


def of_run(db: Db, run: int, path: Sequence[str]) -> Found:
    """The run's result, or its value of that name."""
    return _value(db, db.execute(f"{_GAVE} WHERE id = ?", (run,)).fetchone(), path)


def of_step(db: Db, scope: int, step: str, path: Sequence[str]) -> Found | None:
    """The result of the pipeline's step, or its value of that name; None when there is no such step."""
    row = db.execute(f"{_GAVE} WHERE parent = ? AND step = ?", (scope, step)).fetchone()
    return None if row is None else _value(db, row, path)


def _value(db: Db, row: Row, path: Sequence[str]) -> Found:
    if not path:
        return _result(db, row), ()
    if row["kind"] == "map":
        return _by_item(db, row, lambda item: _inside(row, *_value(db, item, path))), ()
    if row["kind"] == "pipeline":
        found = of_step(db, row["origin"], path[0], path[1:])
        if found is None:
            raise UnknownName(f"step in {row['name']!r}", path[0], [one["step"] for one in _steps(db, row)])
        return found
    named = json.loads(row["named"]) if row["named"] else {}
    if path[0] not in named:
        raise DefinitionError(
            f"step {row['step']!r} gave no value {'.'.join(path)!r}: it has {_names(named)}"
        )
    return located(named[path[0]], row["origin"]), path[1:]


def _names(named: Mapping[str, Any]) -> str:
    return ", ".join(sorted(named)) or "none"


def _inside(row: Row, value: Any, left: Sequence[str]) -> Any:
    if left:
        raise DefinitionError(
            f"{'.'.join(left)!r} inside the values of the mapped step {row['step']!r} cannot be taken: "
            "emit it under a name of its own"
        )
    return value


def _result(db: Db, row: Row) -> Any:
    if row["kind"] == "map":
        return _by_item(db, row, lambda item: _result(db, item))
    if row["kind"] == "pipeline":
        return _of_pipeline(db, row)
    return located(json.loads(row["result"]), row["origin"]) if row["result"] else None


def _by_item(db: Db, row: Row, gave: Callable[[Row], Any]) -> Any:
    items = db.execute(f"{_GAVE} WHERE parent = ? ORDER BY idx", (row["origin"],)).fetchall()
    found = [gave(item) if item["state"] == State.SUCCEEDED else _without(item) for item in items]
    if not json.loads(row["work"]).get("chunk"):
        return found
    return {"$joined": [part if item["state"] == State.SUCCEEDED else [part] * _size(item)
                        for part, item in zip(found, items, strict=True)]}  # fmt: skip


def _size(chunk: Row) -> int:
    return len(json.loads(chunk["params"])["items"])


def _without(item: Row) -> Any:
    if item["state"] == State.SKIPPED or not State(item["state"]).final:
        return None
    error = str(Error.from_json(json.loads(item["error"]))) if item["error"] else None
    return failed(item["id"], item["name"], item["state"], item["reason"], error)


def _of_pipeline(db: Db, row: Row) -> Any:
    """Of the steps that no other needs: the result of the only one, or all by name."""
    steps = _steps(db, row)
    found = {step["step"]: _result(db, step) if step["state"] == State.SUCCEEDED else None for step in steps}
    return next(iter(found.values())) if len(found) == 1 else found


def _steps(db: Db, row: Row) -> list[Any]:
    return db.execute(
        f"{_GAVE} WHERE parent = ?1 AND NOT teardown AND id NOT IN (SELECT n.need FROM needs n "
        "JOIN runs r ON r.id = n.run WHERE r.parent = ?1 AND NOT r.teardown) ORDER BY id",
        (row["origin"],),
    ).fetchall()
