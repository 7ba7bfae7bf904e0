"""What the magics take: one parser for each, and for each verb of `%pipeline` and `%nbsched`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from nbsched.options import (
    Parser,
    VerbParser,
    add_export,
    add_name,
    add_params,
    add_place,
    add_policy,
    add_schedule,
)
from nbsched.stepcells import step_parser
from nbsched.verbs import VERBS
from nbsched.verbs.table import run_id
from nbsched.verbs.why import why_words

TRIGGER_HELP = (
    "when: '0 2 * * *', @daily, 'every 5m', 'at 2026-12-01T09:00+01:00', 'on data.ready', 'after fetch'"
)


def schedule() -> Parser:
    parser = Parser(
        "%schedule", "Schedule this cell (%%schedule) or a notebook (%schedule); alone it lists the schedules.",
        see="%schedule?",
        examples="  %%schedule 'every 5m' --name refresh\n"
        "  %schedule '0 7 * * 1-5 tz Europe/Berlin' report.ipynb -p region={region} -p day=@scheduled_date\n"
        "  %schedule pause refresh\n  %schedule resume",
    )  # fmt: skip
    words = parser.add_argument("words", nargs="*", metavar="TRIGGER [PATH]", help=TRIGGER_HELP)
    parser.offer(words, "triggers")
    add_name(parser, "schedule")
    add_params(parser)
    add_place(parser, "kernel")
    add_schedule(parser)
    add_policy(parser)
    return parser


def task() -> Parser:
    parser = Parser(
        "%%task", "Run this cell in the background, now; its output appears below it.", see="%%task?",
        examples="  %%task download --priority high\n  %%task --where process",
    )  # fmt: skip
    parser.add_argument("name", nargs="?", metavar="NAME", help="what the run is called")
    add_params(parser)
    add_place(parser, "thread")
    add_policy(parser)
    return parser


def on() -> Parser:
    parser = Parser(
        "%%on", "Run this cell on an event; nb.context().event holds its data.", see="%%on?",
        examples="  %%on data.available --where 'rows > 100'\n  %%on 'run.*' --durable",
    )  # fmt: skip
    parser.add_argument("event", metavar="EVENT", help="the event's name; * stands for any parts")
    parser.add_argument(
        "--where", dest="condition", metavar="EXPR", help="only when this holds of the event's data"
    )
    parser.add_argument("--durable", action="store_true", help="at least once, also across a crash")
    add_name(parser, "subscription")
    add_policy(parser)
    return parser


def _run(parser: Parser) -> None:
    _pipeline_name(parser)
    parser.add_argument("--wait", action="store_true", help="return when it has ended")
    add_params(parser)
    add_policy(parser)


def _pipeline_name(parser: Parser) -> None:
    parser.offer(parser.add_argument("name", metavar="NAME", help="the pipeline's name"), "pipelines")


def _why(parser: Parser) -> None:
    _pipeline_name(parser)
    why_words(parser)


def _schedule_pipeline(parser: Parser) -> None:
    _pipeline_name(parser)
    words = parser.add_argument("words", nargs="+", metavar="TRIGGER", help=TRIGGER_HELP)
    parser.offer(words, "triggers")
    parser.add_argument("--name", dest="called", metavar="NAME", help="what the schedule is called")
    add_params(parser)
    add_schedule(parser)
    add_policy(parser)


def _export(parser: Parser) -> None:
    _pipeline_name(parser)
    add_export(parser)


def _backfill(parser: Parser) -> None:
    for words in VERBS["backfill"].words:
        words(parser)


_PIPELINE: Mapping[str, tuple[str, Callable[[Parser], None]]] = {
    "run": ("Run a pipeline now; the panel shows it.", _run),
    "show": ("A pipeline's steps and its last run.", _pipeline_name),
    "schedule": ("Run a pipeline at the instants of a trigger.", _schedule_pipeline),
    "why": ("What of a pipeline would run again now, and why.", _why),
    "export": ("Write a pipeline for another system.", _export),
    "form": ("A form of a pipeline's parameters, with a button that runs it.", _pipeline_name),
    "backfill": ("Run the past instants of a pipeline's schedule, each once.", _backfill),
    "list": ("The pipelines of this notebook.", lambda parser: None),
}

_NBSCHED: Mapping[str, str] = {
    "panel": "The live panel.",
    "attach": "What a run shows, below the cell, until it has ended; of a pipeline the panel.",
    "help": "What %nbsched can do.",
}


def pipeline() -> Parser:
    return VerbParser(
        "%pipeline", "Run, show, schedule and export the pipelines of this notebook.",
        {name: help_ for name, (help_, _) in _PIPELINE.items()}, see="%pipeline?",
        examples="  %pipeline run training -p region=EU\n  %pipeline run training --wait\n"
        "  %pipeline schedule training @daily",
    )  # fmt: skip


def nbsched() -> Parser:
    return VerbParser(
        "%nbsched", "Everything else; alone it shows the panel.",
        {**_NBSCHED, **{name: verb.help for name, verb in VERBS.items()}}, see="%nbsched?",
        examples="  %nbsched\n  %nbsched runs --state failed\n  %nbsched show 12\n  %nbsched next 'every 5m'",
    )  # fmt: skip


def of_verb(magic: str, verb: str) -> Parser:
    """Reads what follows the verb of `%pipeline` or `%nbsched`."""
    prog, see = f"%{magic} {verb}", f"%{magic}?"
    if magic == "nbsched" and verb in VERBS:
        return VERBS[verb].parser("%nbsched", see=see)
    help_, words = (
        _PIPELINE[verb] if magic == "pipeline" else (_NBSCHED[verb], run_id if verb == "attach" else _none)
    )
    parser = Parser(prog, help_, see=see)
    words(parser)
    return parser


def _none(parser: Parser) -> None:
    """No words."""


_MAGICS: Mapping[str, Callable[[], Parser]] = {
    "schedule": schedule,
    "task": task,
    "step": step_parser,
    "pipeline": pipeline,
    "on": on,
    "nbsched": nbsched,
}
MAGICS = tuple(_MAGICS)


@cache
def parser_of(magic: str, verb: str = "") -> Parser:
    """The magic's parser, or the one of its verb."""
    return of_verb(magic, verb) if verb else _MAGICS[magic]()
