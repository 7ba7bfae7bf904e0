"""An attempt before it begins: the work with what it takes of others, its context and its environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbsched.core.definitions import work_of
from nbsched.core.errors import UsageError
from nbsched.core.expressions import Expression
from nbsched.core.instants import from_ms
from nbsched.core.model import Context, Function, Shell, Wait, Work
from nbsched.core.policy import Policy
from nbsched.core.redaction import Redaction
from nbsched.core.references import references_in, resolve
from nbsched.core.wire import decode
from nbsched.engine.clock import Clock
from nbsched.engine.lookups import Lookup, key_of
from nbsched.engine.paths import make_private
from nbsched.engine.progress import Later
from nbsched.engine.reporting import RunReport, Tell
from nbsched.executors.contract import Assignment, Executor
from nbsched.executors.current import context_to_json
from nbsched.executors.secrets import secret
from nbsched.executors.values import left_in_files, load_value
from nbsched.store import conditions
from nbsched.store.database import Database

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What carrying out needs of its host."""

    database: Database
    clock: Clock
    folder: Path
    """Where runs keep their files."""
    tell: Tell
    later: Later
    zone: Callable[[str | None], str]
    """The zone of a schedule by name, or the machine's."""
    executor_of: Callable[[Work, str], Executor]
    """For work, and where it goes: `local` or an engine's name."""
    environment: Mapping[str, str]
    """To be seen by every piece of work, such as which store it belongs to."""
    apart: bool = False
    """Functions are called in processes of their own, wherever else their work says."""

    def work(self, row: Row) -> Work:
        """The run's work as this host carries it out; of a sensor that asks a function, that function."""
        work = work_of(row["work"])
        if isinstance(work, Wait) and work.ref is not None:
            work = Function(name=row["name"], ref=work.ref, params=work.params)
        return replace(work, where="process") if self.apart and isinstance(work, Function) else work


def is_in_thread(work: Work) -> bool:
    """It runs in this very process, beside the loop."""
    return isinstance(work, Function) and work.where == "thread"


def place_of(row: Row, policy: Policy) -> str:
    """Where the run's work goes: `local`, or the name of an engine."""
    return policy.executor if row["lane"] == "away" else "local"


def is_in_process(work: Work) -> bool:
    """It is a function, and does not."""
    return isinstance(work, Function) and work.where == "process"


def prepare(row: Row, policy: Policy, report: RunReport, around: Surroundings) -> Assignment:
    """The assignment, with every reference resolved and the condition looked at; raises what is wrong with it."""
    if row["condition"] is not None:
        Expression(row["condition"]).evaluate(
            lambda path: around.database.read(conditions.lookup, row["scope"], path)
        )
    work = around.work(row)
    plain = row["params"] == "{}" or row["idx"] is not None
    params = work.params if plain else {**work.params, **decode(json.loads(row["params"]))}
    away = row["lane"] == "away" and isinstance(work, Function)
    lookup = Lookup(row, around, left_in_files if away or is_in_process(work) else load_value)
    resolved = resolve(params, lookup) if params else {}
    context = _context(row, resolved, around)
    folder = report.folder
    if row["kind"] != "function":
        make_private(folder)
    secrets = (
        {name: secret(name) for name in policy.secrets} if row["lane"] != "away" else _known(policy.secrets)
    )
    if secrets:
        report.keep_secret(Redaction(secrets.values()))
    return Assignment(
        work=_resolved(work, row["name"], lookup), context=context, params=resolved, folder=folder,
        env={} if is_in_thread(work) and not secrets else _environment(row, context, folder, secrets, around),
        report=report, cell_timeout=policy.cell_timeout,
        grace=policy.grace, launch=policy.launch, redaction=report.redaction,
        policy=policy,
    )  # fmt: skip


def _known(names: Sequence[str]) -> dict[str, str]:
    """Those secrets that are known here: others may be where the work goes."""
    found = {}
    for name in names:
        with suppress(UsageError):
            found[name] = secret(name)
    return found


def _context(row: Row, params: Mapping[str, Any], around: Surroundings) -> Context:
    scheduled = from_ms(row["scheduled_ms"])
    return Context(
        run_id=row["id"], attempt=row["attempt"], scheduled_at=scheduled,
        interval=(from_ms(row["previous_ms"]), scheduled), params=params, pipeline=row["pipeline"], step=row["step"],
        key=key_of(row, around.database), event=json.loads(row["event"]) if row["event"] else None,
    )  # fmt: skip


def _resolved(work: Work, name: str, lookup: Lookup) -> Work:
    """The work with what it takes of others, under its run's name unless nobody will ask for that."""
    if isinstance(work, Function) and work.args and any(references_in(work.args)):
        work = replace(work, args=resolve(work.args, lookup))
    if isinstance(work, Shell) and work.env:
        work = replace(work, env={name: str(resolve(value, lookup)) for name, value in work.env.items()})
    return work if is_in_thread(work) else replace(work, name=name)


def _environment(
    row: Row, context: Context, folder: Path, secrets: Mapping[str, str], around: Surroundings
) -> dict[str, str]:
    env = {
        **around.environment,
        "NBSCHED_RUN": str(row["id"]),
        "NBSCHED_KEY": context.key or "",
        "NBSCHED_ATTEMPT": str(row["attempt"]),
        "NBSCHED_SCHEDULED_AT": context.scheduled_at.isoformat(),
        "NBSCHED_CONTEXT": json.dumps(context_to_json(context, folder), ensure_ascii=False),
    }
    return {**env, **secrets}
