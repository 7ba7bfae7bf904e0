"""The magics: each reads its line, calls the runtime's verb of the same name, and shows what it gives back."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

from IPython.core.error import UsageError as OneLine
from IPython.core.magic import Magics, cell_magic, line_cell_magic, line_magic, magics_class, no_var_expand

import nbsched as nb
from nbsched.core.errors import NbschedError
from nbsched.engine import default
from nbsched.jupyter import attaching, background, pipelines, scheduling
from nbsched.jupyter.cellwork import inside_a_run
from nbsched.jupyter.grammar import parser_of
from nbsched.jupyter.showing import show
from nbsched.lines import expand, words
from nbsched.options import VerbParser
from nbsched.verbs import VERBS

READING = frozenset(
    {
        "runs",
        "show",
        "compare",
        "schedules",
        "next",
        "simulate",
        "events",
        "doctor",
        "help",
        "panel",
        "attach",
        "why",
    }
)
"""The verbs that change nothing."""

Magic = Callable[..., None]
Do = Callable[[Any, argparse.Namespace], None]

_PIPELINE: Mapping[str, Do] = {
    "run": pipelines.run,
    "show": pipelines.describe,
    "schedule": pipelines.schedule,
    "why": pipelines.why,
    "export": pipelines.export,
    "form": pipelines.form,
    "backfill": pipelines.backfill,
    "list": pipelines.list_,
}


def one_line_errors(magic: Magic) -> Magic:
    """The magic, whose every error made on purpose is one line without a traceback; its help is its parser's."""

    @functools.wraps(magic)
    def run(self: Magics, line: str, cell: str | None = None) -> None:
        try:
            magic(self, line, cell)
        except NbschedError as error:
            raise OneLine(" ".join(str(error).split())) from None
        except SystemExit:
            return  # --help was asked for and has been shown

    run.__doc__ = parser_of(magic.__name__).format_help()
    return run


@magics_class
class NbschedMagics(Magics):
    """`%schedule %%schedule %%task %step %%step %pipeline %%on %nbsched`."""

    shell: Any

    def _tokens(self, line: str) -> list[str]:
        return [expand(word, self.shell.user_ns) for word in words(line)]

    def _read(self, magic: str, line: str) -> argparse.Namespace:
        return parser_of(magic).read(self._tokens(line))

    def _read_verb(self, magic: str, line: str) -> tuple[str, argparse.Namespace]:
        verb, rest = cast(VerbParser, parser_of(magic)).split(self._tokens(line))
        return verb, parser_of(magic, verb).read(rest)

    @no_var_expand
    @line_cell_magic
    @one_line_errors
    def schedule(self, line: str, cell: str | None = None) -> None:
        given = self._read("schedule", line)
        first = getattr(given, "words", [])[:1]
        if cell is not None:
            scheduling.schedule_cell(self.shell, given, cell)
        elif first in (["pause"], ["resume"]):
            scheduling.pause_or_resume(self.shell, given.words)
        elif first:
            scheduling.schedule_notebook(given)
        else:
            show(scheduling.all_schedules(self.shell))

    @no_var_expand
    @cell_magic
    @one_line_errors
    def task(self, line: str, cell: str) -> None:
        background.run_cell(self.shell, self._read("task", line), cell)

    @no_var_expand
    @cell_magic
    @one_line_errors
    def on(self, line: str, cell: str) -> None:
        background.run_on_event(self.shell, self._read("on", line), cell)

    @no_var_expand
    @line_cell_magic
    @one_line_errors
    def step(self, line: str, cell: str | None = None) -> None:
        pipelines.add_step(self.shell, self._read("step", line), cell)

    @no_var_expand
    @line_magic
    @one_line_errors
    def pipeline(self, line: str, cell: None = None) -> None:
        verb, given = self._read_verb("pipeline", line or "list")
        _PIPELINE[verb](self.shell, given)

    @no_var_expand
    @line_magic
    @one_line_errors
    def nbsched(self, line: str, cell: None = None) -> None:
        verb, given = self._read_verb("nbsched", line or "panel")
        if verb == "help":
            show(parser_of("nbsched").format_help())
        elif verb == "panel":
            show(nb.dashboard())
        elif verb == "attach":
            attaching.attach(self.shell, given.id)
        elif verb in READING or not inside_a_run():
            show(VERBS[verb].do(default.runtime(), given).view)
