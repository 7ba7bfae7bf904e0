"""`logs` and `events`: what is there, and with -f what comes."""

from __future__ import annotations

import argparse
import json
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from nbsched.cli.printing import Printer
from nbsched.cli.running import visitor
from nbsched.core.errors import UsageError
from nbsched.core.rows import event_row
from nbsched.engine.output import read_log
from nbsched.options import Parser
from nbsched.verbs import VERBS
from nbsched.verbs.upkeep import event_cells

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.live import Run

LOOK_S = 0.2


def follow_words(parser: Parser) -> None:
    """-f."""
    parser.add_argument(
        "-f", "--follow", action="store_true", help="and what comes, until it has ended or Ctrl-C"
    )


def logs(given: argparse.Namespace) -> int:
    """What the run and its steps printed is on stdout."""
    with visitor(getattr(given, "store", None)) as rt:
        run = rt.get_run(given.id)
        if hasattr(given, "json"):
            print(json.dumps(_log_json(run), ensure_ascii=False, indent=2))
        else:
            _print_log(run, follow=hasattr(given, "follow"))
    return 0


def _log_json(run: Run) -> dict[str, object]:
    return {"id": run.id, "log": run.log, "steps": {name: step.log for name, step in run.steps.items()}}


def _print_log(run: Run, *, follow: bool) -> None:
    printer, offsets, ended = Printer(), defaultdict[str, int](int), False
    while not ended:
        ended = not follow or run.state.final
        for name, source in {"": run, **run.steps}.items():
            offsets[str(name)] = _print_rest(printer, str(name), source, offsets[str(name)])
        if not ended:
            threading.Event().wait(LOOK_S)
    printer.end()


def _print_rest(printer: Printer, name: str, run: Run, offset: int) -> int:
    """What is new of the run's log, below its step's name; from where to read on."""
    while (part := read_log(run, offset))["text"]:
        printer.tell(name, part["text"])
        offset = part["next"]
    return offset


def events(given: argparse.Namespace) -> int:
    """The events are on stdout; with -f one line for each that comes, as JSON if asked."""
    store, as_json, follow = (given.__dict__.pop(name, None) for name in ("store", "json", "follow"))
    if follow and hasattr(given, "dead"):
        raise UsageError("--dead lists what is there and cannot follow: leave out -f or --dead")
    with visitor(store) as rt:
        if follow:
            _follow_events(rt, given, as_json=bool(as_json))
        answer = VERBS["events"].do(rt, given)
    print(answer.json if as_json else answer.view)
    return 0


def _follow_events(rt: Calls, given: argparse.Namespace, *, as_json: bool) -> None:
    """A line for each event from now on, until Ctrl-C."""
    options = {name: value for name, value in vars(given).items() if name in ("name", "run")}
    newest = rt.events(limit=1)
    seen = getattr(given, "after", newest[-1].seq if newest else 0)
    changed = threading.Event()
    with rt.watch(changed.set):
        while True:
            changed.clear()
            for event in rt.events(**{**options, "after": seen, "limit": None}):
                if event.seq > seen:
                    seen = event.seq
                    line = (
                        json.dumps(event_row(event), ensure_ascii=False)
                        if as_json
                        else "  ".join(event_cells(event))
                    )
                    print(line, flush=True)
            changed.wait(5)
