"""Tab completion in the lines of the magics, read off their parsers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

import nbsched as nb
from nbsched.core.errors import NbschedError
from nbsched.jupyter.grammar import MAGICS, parser_of
from nbsched.options import CHOICES, Parser, VerbParser

_LINE = re.compile(r"\s*%{1,2}(?P<magic>" + "|".join(MAGICS) + r")\s(?P<rest>.*)", re.DOTALL)
TRIGGERS = (
    "'every 5m'",
    "'0 7 * * 1-5'",
    "@hourly",
    "@daily",
    "@weekly",
    "'on data.available'",
    "pause",
    "resume",
)

Names = Mapping[str, Callable[[], Iterable[str]]]


@context_matcher(identifier="nbsched", priority=200)  # type: ignore[untyped-decorator]
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """What can stand at the cursor, if it is in the line of one of our magics."""
    lines = context.full_text.split("\n")
    before = lines[context.cursor_line][: context.cursor_position] if context.cursor_line < len(lines) else ""
    found, fragment = candidates(before, offers())
    completions = [SimpleCompletion(text, type="param") for text in found]
    return SimpleMatcherResult(
        completions=completions, matched_fragment=fragment, suppress=bool(found), ordered=True
    )


def offers() -> Names:
    """The names there are, by the kind that a parser asks for."""
    return {
        "schedules": lambda: [schedule.name for schedule in nb.schedules()],
        "runs": lambda: [str(run.id) for run in nb.runs(limit=20)],
        "pipelines": _pipelines,
        "triggers": lambda: (*TRIGGERS, *_notebooks()),
        "notebooks": _notebooks,
    }


def _pipelines() -> Iterable[str]:
    from IPython.core.getipython import get_ipython

    from nbsched.jupyter.pipelines import names

    return names(get_ipython())


def _notebooks() -> Iterator[str]:
    return (str(path) for path in sorted(Path().glob("*.ipynb")))


def candidates(before: str, names: Names) -> tuple[list[str], str]:
    """What may follow, and the part of it that is typed already."""
    line = _LINE.fullmatch(before)
    if not line:
        return [], ""
    *typed, fragment = re.split(r"\s+", line["rest"])
    parser = parser_of(line["magic"])
    if isinstance(parser, VerbParser):
        if not typed:
            return _starting(parser.verbs, fragment), fragment
        if typed[0] not in parser.verbs:
            return [], fragment
        parser, typed = parser_of(line["magic"], typed[0]), typed[1:]
    return _starting(_next(parser, typed, fragment, names), fragment), fragment


def _starting(found: Iterable[str], fragment: str) -> list[str]:
    return [text for text in found if text.startswith(fragment)]


def _next(parser: Parser, typed: Sequence[str], fragment: str, names: Names) -> Iterator[str]:
    option = parser.action_of(typed[-1]) if typed else None
    if option is not None and option.nargs != 0:
        yield from _values(parser, option, names)
        return
    if not fragment.startswith("-"):
        for action in parser.positionals():
            yield from _values(parser, action, names)
    yield from (flag for flag in parser.flags() if flag.startswith("--") and flag not in typed)


def _values(parser: Parser, action: argparse.Action, names: Names) -> Iterable[str]:
    if action.choices:
        return map(str, action.choices)
    if action.dest in CHOICES:
        return CHOICES[action.dest]
    kind = parser.offers.get(action.dest)
    try:
        return names[kind]() if kind else ()
    except NbschedError:
        return ()  # a store that cannot be read offers nothing


def add(shell: Any) -> None:
    """The shell completes our magics; once, however often this is called."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if known.matcher_identifier != complete.matcher_identifier] + [
        complete
    ]


def remove(shell: Any) -> None:
    """The shell completes as before."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if known.matcher_identifier != complete.matcher_identifier]
