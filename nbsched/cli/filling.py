"""`nbsched backfill`: stays until every run has ended."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from nbsched.cli.running import EXIT, runtime
from nbsched.cli.serving import tell_run
from nbsched.core.model import Event
from nbsched.core.states import State
from nbsched.verbs import Answer
from nbsched.verbs.schedules import filled

if TYPE_CHECKING:
    from nbsched.engine.backfilling import Backfill


def backfill(given: argparse.Namespace) -> tuple[Answer, int]:
    """The runs as they ended, or the instants of a dry run, and the exit code."""
    asked = {name: value for name, value in vars(given).items() if name not in ("store", "json")}

    def tell(event: Event) -> None:
        if event.data.get("schedule") == given.name:
            tell_run(event)

    with runtime(getattr(given, "store", None)) as rt, rt.subscribe("run.*", tell):
        found = rt.backfill(**asked)
        if hasattr(given, "dry_run"):
            return filled(found), 0
        code = _wait(found)  # type: ignore[arg-type]
        return filled(found), code


def _wait(found: Backfill) -> int:
    """All have ended, or a person's Ctrl-C (or a SIGTERM) came before; what is left can be carried on."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found.wait()
    except KeyboardInterrupt:
        print("nbsched: stopped; the same command carries it on", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return next((EXIT[state] for state in (State.FAILED, State.CANCELLED) if state in found.states), 0)
