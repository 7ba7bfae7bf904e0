"""The verb that says what would run again, and why."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsched.core.tables import Table
from nbsched.options import Parser, add_params, params_given
from nbsched.verbs.table import Answer, verb

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.explaining import Answer as Explained

_WOULD = {"cached": "is cached", "run": "runs", "depends": "depends"}


def why_words(parser: Parser) -> None:
    """What of the work is asked about, and with which parameters."""
    parser.add_argument("step", nargs="?", metavar="STEP", help="only this step")
    add_params(parser)


def _name(parser: Parser) -> None:
    parser.offer(
        parser.add_argument("name", metavar="NAME", help="what ran last under this name"), "pipelines"
    )


@verb("what would run again now, and why", _name, why_words)
def why(rt: Calls, given: argparse.Namespace) -> Answer:
    return ask(rt, given.name, given)


def ask(rt: Calls, work: Any, given: argparse.Namespace) -> Answer:
    """Each step of the work with what would become of it."""
    found = rt.why(work, params_given(given), step=getattr(given, "step", None))
    return Answer(found, table(found))


def table(found: Sequence[Explained]) -> Table:
    """A row for each step."""
    rows = [(one["step"] or "", _WOULD[one["would"]], "; ".join(one["why"])) for one in found]
    return Table(("step", "would", "why"), rows)
