"""A cell as work: checked, named, and tied to its notebook."""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
from dataclasses import replace
from typing import Any

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.core.model import Cell
from nbsched.core.rawtext import plain
from nbsched.jupyter import identity
from nbsched.options import params_given, policy_given
from nbsched.stepcells import referring

TWICE = "{name} is known by its text, so an edited cell would be a second one: give it --name"


def cell_work(shell: Any, source: str, name: str, given: argparse.Namespace, where: str) -> Cell:
    """The cell as work with the line's parameters and policy; UsageError when it does not compile."""
    check_compiles(shell, source)
    work: Cell = nb.cell(source, name=name, where=getattr(given, "where", where), **policy_given(given))
    here = identity.notebook(shell)
    return replace(
        work, params=plain(referring(params_given(given))), cell_id=identity.cell_id(shell), notebook=here.key
    )


def check_compiles(shell: Any, source: str) -> None:
    """Nothing, if IPython can run the cell; UsageError says where it cannot."""
    if not source.strip():
        raise UsageError("the cell is empty: write below the magic what is to run")
    try:
        flags = shell.compile.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compile(shell.transform_cell(source), "<cell>", "exec", flags, True)
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"the cell does not compile ({where}): correct it; nothing was registered") from None


def unnamed(shell: Any, source: str) -> tuple[str, bool]:
    """A name for the cell that stays when it is run again, and whether an edit would change it.

    It is made of the notebook and the cell's id; where the front end tells none, of the text.
    """
    here, cell = identity.notebook(shell), identity.cell_id(shell)
    mark = hashlib.sha256(f"{here.key}\0{cell or source}".encode()).hexdigest()[:8]
    return f"{here.name}-{mark}", cell is None


def inside_a_run() -> bool:
    """True in a notebook that nbsched itself runs: nothing may be registered there; says so in one line."""
    if "NBSCHED_RUN" not in os.environ:
        return False
    print(f"nbsched: checked, not registered: run {os.environ['NBSCHED_RUN']} executes this notebook")
    return True
