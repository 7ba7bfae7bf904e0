"""Whether a run's result is known already, and what is remembered of one that had to be carried out."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import anyio.to_thread

from nbsched.core.durations import duration_text
from nbsched.core.errors import NbschedError, UsageError
from nbsched.core.fingerprints import OUTPUT, SOURCE, Parts, file_name, file_text, fingerprint, hidden
from nbsched.core.instants import from_ms
from nbsched.core.model import Cell, Work
from nbsched.core.policy import Policy
from nbsched.core.redaction import Redaction
from nbsched.core.references import references_in
from nbsched.core.wire import decode
from nbsched.engine.clock import Clock
from nbsched.engine.files import content
from nbsched.engine.fingerprinting import Subject, digested, inputs_of, left_by, outputs_of, parts_of
from nbsched.engine.loaded import outdated
from nbsched.engine.lookups import Around as Place
from nbsched.engine.lookups import Lookup, given_to
from nbsched.store import cache, hosts
from nbsched.store.cache import Memory
from nbsched.store.database import Database

_log = logging.getLogger("nbsched")

Row = Mapping[str, Any]
UNREADABLE = (NbschedError, OSError, ValueError, SyntaxError, ImportError, LookupError, RecursionError)
"""What may come of reading work that people have written."""


class Around(Place, Protocol):
    """Where values and runs are looked up, and what time it is there."""

    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is known of a run before it begins; `hit` is the run whose result is its own."""

    fingerprint: str = ""
    parts: Parts
    hit: Row | None = None


async def recall(row: Row, work: Work, policy: Policy, around: Around) -> Recalled | None:
    """What the run depends on, and a run that has done the same; read in a thread beside the loop.

    None where that cannot be told: what is wrong with the work is for the one who carries it out to say.
    """
    try:
        return await anyio.to_thread.run_sync(_recall, row, work, policy, around)
    except UNREADABLE as error:
        _log.warning("run %s of %r is not compared with earlier ones: %s", row["id"], row["name"], error)
        return None


def _recall(row: Row, work: Work, policy: Policy, around: Around) -> Recalled:
    if not policy.cache:
        return Recalled(parts=inputs_of(policy))
    subject = Subject(
        name=row["name"], pipeline=row["pipeline"], work=work, policy=policy, given=given_to(row),
        kernel=kernel_of(work, row["place"], around.database),
    )  # fmt: skip
    parts = parts_of(subject, Lookup(row, around, digested), _left(row, subject, around))
    refuse_outdated(work, parts)
    recalled = Recalled(fingerprint=fingerprint(parts), parts=parts)
    if row["retry_of"] is not None and row["parent"] is None:
        return recalled  # a person asked for it to be done again
    hit, _ = known(recalled.fingerprint, policy, around)
    return replace(recalled, hit=hit)


def refuse_outdated(work: Work, parts: Parts) -> None:
    """UsageError when the work would run in this process by code that its files do not hold any more."""
    if getattr(work, "where", "process") == "process":
        return
    code = [part for name, part in parts.items() if name.startswith((SOURCE, "module "))]
    if file := outdated([part["path"] for part in code if "path" in part]):
        called = Path(file).name
        raise UsageError(f"{called} was edited after this process had loaded it: reload it, or start anew")


async def memory_of(recalled: Recalled, work: Work, policy: Policy, redaction: Redaction) -> Memory:
    """What is to be remembered of the run, which has just succeeded; no secret is in it."""
    outputs = await anyio.to_thread.run_sync(outputs_of, work, policy) if recalled.fingerprint else {}
    parts = {name: hidden(part) if isinstance(part, str) and redaction.value(part) != part else part
             for name, part in recalled.parts.items()}  # fmt: skip
    return Memory(fingerprint=recalled.fingerprint, parts={**parts, **outputs})


def kernel_of(work: Work, place: str | None, database: Database) -> str:
    """Which kernel's namespace the cell has, a new one after each restart; nothing for other work."""
    if not isinstance(work, Cell) or work.where == "process":
        return ""
    found = (host.id for host in database.read(hosts.known) if f"notebook:{host.notebook}" == place)
    return next(found, "gone")


def _left(row: Row, subject: Subject, around: Around) -> dict[str, Any]:
    """What the steps before it left whose values it is not given; an item's are those of its map."""
    run, taken = row["id"], subject.takes
    if row["idx"] is not None:
        run = row["parent"]
        held = decode(json.loads(around.database.read(cache.work_of, run)))
        taken |= {one.path[0] for one in references_in(held) if one.kind == "step"}
    needs = around.database.read(cache.needed, run)
    return {need["step"]: left_by(need, around) for need in needs if need["step"] not in taken}


def known(mark: str, policy: Policy, around: Around) -> tuple[Row | None, list[str]]:
    """The newest run of that fingerprint that can stand for another; else why those that there are cannot."""
    reasons = []
    for row in around.database.read(cache.same, mark):
        reason = _too_old(row, policy, around.clock.now()) or _missing(row, around.folder)
        if reason is None:
            return row, []
        reasons.append(reason)
    return None, reasons


def _too_old(row: Row, policy: Policy, now: datetime) -> str | None:
    if isinstance(policy.cache, timedelta) and from_ms(row["ended_ms"]) < now - policy.cache:
        return f"run {row['origin']} is older than {duration_text(policy.cache)}"
    return None


def _missing(row: Row, folder: Path) -> str | None:
    """What of the run's files is not there any more as it left it."""
    if not all(path.exists() for path in _files_of(row, folder / str(row["origin"]))):
        return f"files of run {row['origin']} are gone"
    for name, facts in json.loads(row["parts"]).items():
        if name.startswith(OUTPUT) and (now := content(facts["path"]))["hash"] != facts["hash"]:
            return file_text(name, facts, now)
        if name.startswith(OUTPUT) and now["hash"] is None:
            return f"run {row['origin']} did not write its {file_name(name)}"
    return None


def _place_of(file: Mapping[str, Any], folder: Path) -> Path:
    return folder.parent / str(file["run"]) / file["$file"] if "run" in file else folder / str(file["$file"])


def _files_of(row: Row, folder: Path) -> list[Path]:
    """The files of the run's values, and its notebook."""
    found = [Path(row["output"])] if row["output"] else []
    for text in (row["result"], row["named"]):
        if text:
            decode(json.loads(text), lambda file: found.append(_place_of(file, folder)))
    return found
