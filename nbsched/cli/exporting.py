"""`nbsched export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nbsched.cli.running import visitor
from nbsched.core.errors import UsageError
from nbsched.loading.files import StepNotebook, load
from nbsched.options import Parser, add_export, export_given
from nbsched.verbs import Answer
from nbsched.verbs.exports import write_export


def words(parser: Parser) -> None:
    """What is exported, and where to."""
    parser.add_argument(
        "name", metavar="NAME", help="a schedule, the name of what was run last, or a notebook or Python file"
    )
    parser.add_argument("--pipeline", metavar="NAME", help="which pipeline, where the file defines several")
    add_export(parser)


def export(given: argparse.Namespace) -> Answer:
    """The text for the other system is written, or is the answer."""
    options = export_given(given)
    work = _work(given, options)
    with visitor(getattr(given, "store", None)) as rt:
        exported = rt.export(work, **options)
    data = {"name": given.name, "to": given.to, "text": str(exported), "notes": list(exported.notes)}
    return Answer(data, write_export(given, exported))


def _work(given: argparse.Namespace, options: dict[str, Any]) -> Any:
    """The name, or the work of the file that it is; that file is then what cron and github run."""
    if not given.name.endswith((".py", ".ipynb")):
        if hasattr(given, "pipeline"):
            raise UsageError(f"--pipeline chooses in a file, and {given.name!r} is none: leave it out")
        return given.name
    work = load(given.name, getattr(given, "pipeline", None))
    if isinstance(work, StepNotebook):
        raise UsageError(
            f"the steps of {work.path.name} need its kernel: use %pipeline export {work.name} --to {given.to} in it"
        )
    options.setdefault("path", Path(given.name))
    return work
