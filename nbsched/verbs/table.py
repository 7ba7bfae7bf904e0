"""The verbs, each with its words and options, what programs get of it and what people see."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from nbsched.options import Parser, whole

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls


class Shown(Protocol):
    """What shows itself: as text by `str`, in notebooks as HTML."""

    def _repr_html_(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb gives back: for programs, and for people; `failed` when what was asked about is not well."""

    data: Any
    """As JSON, or what gives it: nobody else waits for it."""
    view: str | Shown
    failed: bool = False

    @property
    def json(self) -> str:
        """The data as text."""
        data = self.data() if callable(self.data) else self.data
        return json.dumps(data, ensure_ascii=False, indent=2)


Words = Callable[[Parser], object]
Do = Callable[["Calls", argparse.Namespace], Answer]


@dataclass(frozen=True, slots=True)
class Verb:
    """Something to ask by name."""

    name: str
    help: str
    words: tuple[Words, ...]
    do: Do

    def parser(self, prog: str, *, see: str = "") -> Parser:
        """Reads what follows the verb."""
        parser = Parser(f"{prog} {self.name}", f"{self.help[0].upper()}{self.help[1:]}.", see=see)
        for word in self.words:
            word(parser)
        return parser


VERBS: dict[str, Verb] = {}


def verb(help_: str, *words: Words, name: str = "") -> Callable[[Do], Do]:
    """The function is a verb, under its own name unless given."""

    def register(do: Do) -> Do:
        called = name or do.__name__
        VERBS[called] = Verb(called, help_, words, do)
        return do

    return register


def run_id(parser: Parser) -> None:
    """ID: a run."""
    parser.offer(parser.add_argument("id", type=whole, metavar="ID", help="the run's number"), "runs")


def schedule_name(parser: Parser) -> None:
    """NAME: a schedule."""
    parser.offer(parser.add_argument("name", metavar="NAME", help="the schedule's name"), "schedules")
