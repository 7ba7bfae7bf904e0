"""What references stand for, once a run is there: its facts, its event, its parameters, other steps' values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from nbsched.core.errors import DefinitionError, NbschedError, UsageError
from nbsched.core.instants import from_ms
from nbsched.core.references import Reference, references_in, resolve
from nbsched.core.triggers import default_zone
from nbsched.core.wire import decode, encode
from nbsched.executors.values import elements, load_value
from nbsched.store import results
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


def params_of(run: int, around: Around, load: Load = load_value) -> dict[str, Any]:
    """What the run's work is given: its own parameters and the run's; a reference stays where nothing is known yet."""
    row = around.database.read(_row, run)
    lookup = Lookup(row, around, load)
    return {name: _if_known(value, lookup) for name, value in given_to(row).items()}


def given_to(row: Row) -> dict[str, Any]:
    """What the run's work is given, with references: the run's parameters over the work's; of an item the work's."""
    work = json.loads(row["work"])
    own = decode(work.get("params", {})) if row["kind"] != "pipeline" or row["parent"] else {}
    return own if row["idx"] is not None else {**own, **decode(json.loads(row["params"]))}


def _if_known(value: Any, lookup: Lookup) -> Any:
    if not any(references_in(value)):
        return value
    try:
        return resolve(value, lookup)
    except NbschedError:
        return value


def key_of(row: Row, database: Database) -> str:
    """The same text for every attempt of the run, and for no other run: for work that must not be done twice."""
    if row["key"]:
        return str(row["key"])
    if row["parent"]:
        above = "" if row["parent"] == row["root"] else _path_of(row["parent"], database)
        return f"{_base_of(row)}{above}{_place_of(row)}"
    return _base_of(row)


def _base_of(row: Row) -> str:
    if row["schedule"]:
        return f"{row['schedule']}@{from_ms(row['scheduled_ms']).isoformat()}"
    return f"run-{row['root'] or row['retry_of'] or row['id']}"


@lru_cache(maxsize=256)
def _path_of(run: int, database: Database) -> str:
    """Where the run stands within its whole run, which no change of it touches: the items of a map ask for the same."""
    row = database.read(_row, run)
    above = "" if row["parent"] == row["root"] else _path_of(row["parent"], database)
    return f"{above}{_place_of(row)}"


def _place_of(row: Row) -> str:
    """The run's place in the one around it: its step's name, or an item's number under its step's."""
    return f"/{row['step']}" if row["idx"] is None else f"/{row['idx']}"


class Lookup:
    """What the references of a run's parameters stand for."""

    def __init__(self, row: Row, around: Around, load: Load = load_value) -> None:
        self._row, self._around, self._load = row, around, load

    def __call__(self, reference: Reference) -> Any:
        return getattr(self, f"_{reference.kind}")(reference.path)

    def elements(self, given: Any) -> list[Any] | None:
        """The JSON of each element of a list, given as JSON or by a reference; None when it is no list."""
        reference = decode(given)
        if not isinstance(reference, Reference):
            return elements(given, self._anywhere)
        if reference.kind == "step":
            stored, left = self._stored(reference.path)
        elif reference.kind == "param":
            stored, left = json.loads(self._params())[reference.path[0]], reference.path[1:]
        else:
            stored, left = encode(self(reference)), ()
        return elements(self._followed(stored, left, reference.written), self._anywhere)

    def _followed(self, stored: Any, left: Sequence[str], written: str) -> Any:
        for name in left:
            if not isinstance(stored, Mapping) or name not in stored:
                raise DefinitionError(
                    f"{written} has nothing named {name!r} that is in the store: emit it by itself"
                )
            stored = stored[name]
        return stored

    @property
    def _anywhere(self) -> Path:
        """The folder of a run, for values whose files say which run's they are."""
        return self._around.folder / str(self._row["id"])

    def _stored(self, path: tuple[str, ...]) -> results.Found:
        step, *rest = path
        found = self._around.database.read(results.of_step, self._row["scope"], step, rest)
        if found is None:
            raise DefinitionError(
                f"step {self._row['step']!r} takes a value of {step!r}, which is no step beside it"
            )
        return found

    def _step(self, path: tuple[str, ...]) -> Any:
        stored, left = self._stored(path)
        value = self._load(stored, self._anywhere)
        return (
            _inner(value, left, f"step {path[0]!r} gave no value {'.'.join(path[1:])!r}") if left else value
        )

    def _params(self) -> str:
        return self._around.database.read(_params_text, self._row["scope"] or self._row["id"])

    def _param(self, path: tuple[str, ...]) -> Any:
        folder = self._around.folder / str(self._row["scope"] or self._row["id"])
        given = {
            name: self._load(stored, folder)
            for name, stored in json.loads(self._params()).items()
            if name == path[0]
        }
        return _inner(given, path, f"the pipeline has no parameter {'.'.join(path)!r}")

    def _item(self, path: tuple[str, ...]) -> Any:
        stored = json.loads(self._row["params"])[path[0]]
        if not isinstance(stored, (list, dict)):
            return stored
        return resolve(self._load(stored, self._anywhere), self)

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
            case "interval":
                return [from_ms(row["previous_ms"]), at]
            case "interval_start":
                return from_ms(row["previous_ms"])
            case "scheduled_date":
                return at.astimezone(ZoneInfo(self._around.zone(row["schedule"]))).date()
            case "run_id":
                return row["root"] or row["id"]
            case "run_key":
                return key_of(row, self._around.database)
        raise DefinitionError(f"{name!r} is no fact of a run")


def _row(db: Any, run: int) -> Any:
    return db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()


def _zone_of(db: Any, schedule: str) -> str | None:
    row = db.execute("SELECT tz FROM schedules WHERE name = ?", (schedule,)).fetchone()
    return row[0] if row else None


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
