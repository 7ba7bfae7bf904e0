"""The verb that sets two runs side by side."""

from __future__ import annotations

import argparse
import json
from itertools import zip_longest
from typing import TYPE_CHECKING

from nbsched.core.comparing import Cell, CellPair, Comparison
from nbsched.core.outputs import merged, output_text, written_over
from nbsched.core.sources import source_text
from nbsched.core.tables import Table, short
from nbsched.engine.output import compare as compare_runs
from nbsched.options import Parser, whole
from nbsched.verbs.table import Answer, run_id, verb

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls


def _other(parser: Parser) -> None:
    other = parser.add_argument("other", type=whole, metavar="OTHER", help="the run that it is compared with")
    parser.offer(other, "runs")


@verb("what differs between two runs: parameters, and cell by cell sources and outputs", run_id, _other)
def compare(rt: Calls, given: argparse.Namespace) -> Answer:
    found = compare_runs(rt.get_run(given.id), rt.get_run(given.other))
    return Answer(found, _table(found, given.id, given.other))


def _table(found: Comparison, this: int, other: int) -> Table:
    """A row for each parameter that differs and for each cell, with the first line that does."""
    columns = ("", "what", f"run {this}", f"run {other}")
    params = [
        ("parameter", pair["name"], _json(pair["this"]), _json(pair["other"])) for pair in found["params"]
    ]
    empty = f"runs {this} and {other} have the same parameters, and no output notebooks to compare"
    return Table(columns, [*params, *map(_row, found["cells"])], empty)


def _json(value: object) -> str:
    return short(json.dumps(value, ensure_ascii=False))


def _row(pair: CellPair) -> tuple[str, str, str, str]:
    this, other = pair["this"], pair["other"]
    cell = this or other or {}
    what = next((line for line in source_text(cell).splitlines() if line.strip()), cell["cell_type"])
    mine, theirs = _first_difference(this, other, pair["verdict"])
    return pair["verdict"], short(what), short(mine), short(theirs)


def _first_difference(this: Cell | None, other: Cell | None, verdict: str) -> tuple[str, str]:
    """The first lines that are not the same, of what the verdict is about."""
    if this is None or other is None or verdict == "same":
        return "", ""
    read = source_text if verdict == "source" else _shown
    lines = zip_longest(read(this).splitlines(), read(other).splitlines(), fillvalue="")
    return next(((mine, theirs) for mine, theirs in lines if mine.strip() != theirs.strip()), ("", ""))


def _shown(cell: Cell) -> str:
    return written_over("".join(map(output_text, merged(cell.get("outputs", ())))))
