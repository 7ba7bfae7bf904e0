"""`nbsched recover`."""

from __future__ import annotations

import argparse
from pathlib import Path

from nbsched.core.errors import UsageError
from nbsched.options import Parser
from nbsched.verbs import Answer


def words(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="the output notebook")


def recover_output(given: argparse.Namespace) -> Answer:
    """The notebook holds all that its cells had shown when papermill died; failed where nothing of that is left."""
    from nbsched.kernels.journal import recover

    path = Path(given.path)
    if not path.is_file():
        raise UsageError(f"there is no notebook {given.path}: give the path of papermill's output")
    recovered = recover(path)
    said = (
        "holds all that its cells had shown" if recovered else "has no journal beside it: nothing to recover"
    )
    return Answer({"path": str(path), "recovered": recovered}, f"{path} {said}", failed=not recovered)
