"""Verbs about runs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsched.core.panel import Line, shortened
from nbsched.core.rawtext import RawText
from nbsched.core.rows import COLUMNS, AttemptRow, EventRow, RunRow, attempt_row, event_row, panel_cells
from nbsched.core.states import State
from nbsched.core.tables import Table
from nbsched.core.usage import Usage, usage_text
from nbsched.options import Parser, add_params, params_given, whole
from nbsched.store import records, showing
from nbsched.verbs.table import Answer, run_id, verb

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.live import Run


def _filters(parser: Parser) -> None:
    parser.add_argument("--state", choices=[str(state) for state in State], help="only runs in this state")
    for name in ("name", "schedule", "pipeline"):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"only runs of this {name}")
    parser.add_argument("--parent", type=whole, metavar="ID", help="the steps of this run")
    parser.add_argument("--limit", type=whole, metavar="N", help="at most this many (50)")


@verb("runs, newest first", _filters)
def runs(rt: Calls, given: argparse.Namespace) -> Answer:
    found = rt.runs(**vars(given))
    rows = rt.database.read(showing.rows, [run.record for run in found])
    return Answer([run.row for run in found], _table(rt, [(0, row) for row in rows], "no runs yet"))


def run_table(rt: Calls, run: int) -> Table:
    """The run with what is in it, as the panel shows them, at most so many lines."""
    lines = rt.database.read(showing.lines, run)
    kept = shortened(lines)
    return _table(rt, [(max(0, depth - 1), row) for depth, row in kept], more=len(lines) - len(kept))


def _table(rt: Calls, lines: Sequence[Line], empty: str = "", more: int = 0) -> Table:
    now = rt.clock.now().astimezone()
    rest = [tuple(f"… and {more} more" if column == "what" else "" for column in COLUMNS)] if more else []
    return Table(COLUMNS, [*(panel_cells(row, now, depth) for depth, row in lines), *rest], empty)


@verb("a run with its steps, attempts and events", run_id)
def show(rt: Calls, given: argparse.Namespace) -> Answer:
    run = rt.get_run(given.id)
    attempts, cells = _attempts(rt, run), _cells(rt, run)
    parts = (run_table(rt, run.id), _attempts_table(attempts), usage_text(cells), _facts(run))
    return Answer(lambda: whole_run(rt, run.id), "\n\n".join(part for part in map(str, parts) if part))


class WholeRun(RunRow):
    """A run with its steps by name or index, its attempts, what its cells used, and its events."""

    steps: dict[str, RunRow]
    attempts: list[AttemptRow]
    cells: list[Usage]
    events: list[EventRow]


def whole_run(rt: Calls, id_: int) -> WholeRun:
    """The run and all that belongs to it; UnknownName when there is none."""
    run = rt.get_run(id_)
    return WholeRun(
        **run.row, steps={str(name): step.row for name, step in run.steps.items()}, attempts=_attempts(rt, run),
        cells=_cells(rt, run), events=[event_row(event) for event in rt.events(run=id_)],
    )  # fmt: skip


def _attempts(rt: Calls, run: Run) -> list[AttemptRow]:
    return [attempt_row(attempt) for attempt in rt.attempts(run.id)]


def _cells(rt: Calls, run: Run) -> list[Usage]:
    return rt.database.read(records.cells, run.record.origin)


def _attempts_table(attempts: Sequence[Mapping[str, Any]]) -> Table:
    names = ("number", "host", "started_at", "ended_at", "outcome", "error")
    columns = ("attempt", "host", "started", "ended", "outcome", "error")
    return Table(columns, [[str(row[name] or "") for name in names] for row in attempts], empty="")


def _facts(run: Run) -> str:
    row, error = dict(run.row), run.error
    named = [(name, row[name]) for name in ("params", "result", "values", "output", "key")]
    lines = [f"{name}: {value}" for name, value in named if value is not None and value != {}]
    return "\n".join([*lines, error.traceback.rstrip()] if error else lines)


@verb("stop a run", run_id)
def cancel(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.cancel(given.id)
    return _answer(rt, given.id, "stopping")


def _redo(parser: Parser) -> None:
    parser.add_argument(
        "--from",
        dest="from_step",
        action="append",
        metavar="STEP",
        help="do this step and all behind it again too",
    )
    parser.add_argument("--all", action="store_true", help="take nothing over from the run")
    add_params(parser)


@verb("run a finished run again, a pipeline from its failed steps", run_id, _redo)
def retry(rt: Calls, given: argparse.Namespace) -> Answer:
    everything = getattr(given, "all", False)
    new = rt.retry(
        given.id, not everything, from_step=getattr(given, "from_step", ()), params=params_given(given)
    )
    return _answer(rt, new.id, f"tries run {given.id} again")


def _value(parser: Parser) -> None:
    parser.add_argument(
        "value", metavar="VALUE", type=RawText, help="yes or no, or what the approval asks for"
    )


@verb("answer a run that waits for a person", run_id, _value)
def resolve(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.resolve(given.id, given.value)
    return _answer(rt, given.id, "has its answer")


def _answer(rt: Calls, id_: int, doing: str) -> Answer:
    """The run as it stands; in words, what it is doing unless it has ended."""
    run = rt.get_run(id_)
    return Answer(run.row, f"run {run.id} of {run.name}: {run.state if run.state.final else doing}")
