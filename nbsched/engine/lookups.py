"""What references stand for, once a run is there: its facts, its event, its parameters, other steps' values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from nbsched.core.errors import DefinitionError, NbschedError, UsageError
from nbsched.core.instants import from_ms
from nbsched.core.model import Work
from nbsched.core.references import Reference, references_in, resolve
from nbsched.core.triggers import default_zone
from nbsched.core.wire import decode
from nbsched.executors.values import load_value
from nbsched.store.database import Database

Row = Mapping[str, Any]
Load = Callable[[Any, Path], Any]
"""Gives a stored value as it is to be had: `values.load_value`, or what leaves files alone."""


class Around(Protocol):
    """Where values are looked up."""

    @property
    def database(self) -> Database: ...
    @property
    def folder(self) -> Path: ...
    @property
    def zone(self) -> Callable[[str | None], str]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A store and the folder of its runs' files."""

    database: Database
    folder: Path

    def zone(self, schedule: str | None) -> str:
        """The zone that the schedule thinks in, or the machine's."""
        found = self.database.read(_zone_of, schedule) if schedule else None
        return found or default_zone()


def given_to(work: Work, row: Row) -> dict[str, Any]:
    """The parameters of the run, with the references that are in them."""
    return {**work.params, **(decode(json.loads(row["params"])) if row["params"] != "{}" else {})}


def params_of(run: int, around: Around, load: Load = load_value) -> dict[str, Any]:
    """What the run's work is given: its own parameters and the run's; a reference stays where nothing is known yet."""
    row = around.database.read(_row, run)
    own = decode(json.loads(row["work"]).get("params", {})) if row["kind"] != "pipeline" else {}
    given = {**own, **decode(json.loads(row["params"]))}
    lookup = Lookup(row, around, load)
    return {name: _if_known(value, lookup) for name, value in given.items()}


def _if_known(value: Any, lookup: Lookup) -> Any:
    if not any(references_in(value)):
        return value
    try:
        return resolve(value, lookup)
    except NbschedError:
        return value


def key_of(row: Row) -> str:
    """The same text for every attempt of the run, and for no other run: for work that must not be done twice."""
    if row["key"]:
        return str(row["key"])
    if row["schedule"]:
        base = f"{row['schedule']}@{from_ms(row['scheduled_ms']).isoformat()}"
    else:
        base = f"run-{row['parent'] or row['retry_of'] or row['id']}"
    return f"{base}/{row['step']}" if row["step"] else base


class Lookup:
    """What the references of a run's parameters stand for."""

    def __init__(self, row: Row, around: Around, load: Load = load_value) -> None:
        self._row, self._around, self._load = row, around, load

    def __call__(self, reference: Reference) -> Any:
        return getattr(self, f"_{reference.kind}")(reference.path)

    def _step(self, path: tuple[str, ...]) -> Any:
        step, *rest = path
        found = self._found(step)
        folder = self._around.folder / str(found["origin"])
        if not rest:
            return self._load(json.loads(found["result"]), folder) if found["result"] else None
        named = json.loads(found["named"]) if found["named"] else {}
        values = {name: self._load(value, folder) for name, value in named.items()}
        return _inner(values, rest, f"step {step!r} gave no value {'.'.join(rest)!r}")

    def _found(self, step: str) -> Row:
        """What the step left, and whose it is."""
        found: Row | None = self._around.database.read(_step_row, self._row["scope"], step)
        if found is None:
            raise DefinitionError(
                f"step {self._row['step']!r} takes a value of {step!r}, which is no step beside it"
            )
        return found

    def _params(self) -> dict[str, Any]:
        text = self._around.database.read(_params_text, self._row["scope"] or self._row["id"])
        params: dict[str, Any] = decode(json.loads(text))
        return params

    def _param(self, path: tuple[str, ...]) -> Any:
        return _inner(self._params(), path, f"the pipeline has no parameter {'.'.join(path)!r}")

    def _event(self, path: tuple[str, ...]) -> Any:
        text = self._row["event"] or self._around.database.read(_event_text, self._row["root"])
        if not text:
            raise UsageError("nb.event has no field here: this run was not started by an event")
        return _inner(json.loads(text), path, f"the event has no field {'.'.join(path)!r}")

    def _fact(self, path: tuple[str, ...]) -> Any:
        name, row = path[0], self._row
        at = from_ms(row["scheduled_ms"])
        match name:
            case "scheduled_at" | "interval_end":
                return at
            case "interval_start":
                return from_ms(row["previous_ms"])
            case "scheduled_date":
                return at.astimezone(ZoneInfo(self._around.zone(row["schedule"]))).date()
            case "run_id":
                return row["root"] or row["id"]
            case "run_key":
                return key_of(row)
        raise DefinitionError(f"{name!r} is no fact of a run")


def _row(db: Any, run: int) -> Any:
    return db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()


def _zone_of(db: Any, schedule: str) -> str | None:
    row = db.execute("SELECT tz FROM schedules WHERE name = ?", (schedule,)).fetchone()
    return row[0] if row else None


def _step_row(db: Any, parent: int, step: str) -> Any:
    return db.execute(
        "SELECT coalesce(retry_of, id) AS origin, result, named FROM runs WHERE parent = ? AND step = ?",
        (parent, step),
    ).fetchone()


def _params_text(db: Any, run: int) -> str:
    return str(db.execute("SELECT params FROM runs WHERE id = ?", (run,)).fetchone()[0])


def _event_text(db: Any, run: int | None) -> str | None:
    row = db.execute("SELECT event FROM runs WHERE id = ?", (run,)).fetchone()
    return row[0] if row else None


def _inner(value: Any, path: Any, missing: str) -> Any:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            known = ", ".join(sorted(map(str, value))) if isinstance(value, Mapping) else ""
            raise DefinitionError(f"{missing}: it has {known or 'none'}")
        value = value[name]
    return value
