"""The commands: each with its words and options, and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbsched import __version__
from nbsched.cli import attaching, exporting, filling, following, recovering, running, serving
from nbsched.cli.parameters import about
from nbsched.options import Parser, VerbParser, add_name, add_policy, add_schedule
from nbsched.verbs import VERBS, Answer, Verb
from nbsched.verbs.table import run_id
from nbsched.verbs.why import why_words


@dataclass(frozen=True, slots=True)
class Command:
    """A verb of the command line; `do` gives the exit code."""

    help: str
    words: Sequence[Callable[[Parser], object]]
    do: Callable[[argparse.Namespace], int]


def _command_of(verb: Verb) -> Command:
    return Command(verb.help, verb.words, lambda given: _ask(verb, given))


def _ask(verb: Verb, given: argparse.Namespace) -> int:
    store, as_json = _take(given, "store"), _take(given, "json")
    with running.visitor(store) as rt:
        answer = verb.do(rt, given)
    tell(answer, as_json)
    return 1 if answer.failed else 0


def _take(given: argparse.Namespace, name: str) -> Any:
    return given.__dict__.pop(name, None)


def tell(answer: Answer, as_json: Any) -> None:
    """The answer is on stdout: JSON alone, or what people see."""
    print(answer.json if as_json else answer.view)


def _schedule(given: argparse.Namespace) -> int:
    tell(serving.schedule(given), hasattr(given, "json"))
    return 0


def _why(given: argparse.Namespace) -> int:
    tell(running.why(given), hasattr(given, "json"))
    return 0


def _export(given: argparse.Namespace) -> int:
    tell(exporting.export(given), hasattr(given, "json"))
    return 0


def _recover(given: argparse.Namespace) -> int:
    answer = recovering.recover_output(given)
    tell(answer, hasattr(given, "json"))
    return 1 if answer.failed else 0


def _backfill(given: argparse.Namespace) -> int:
    answer, code = filling.backfill(given)
    tell(answer, hasattr(given, "json"))
    return code


def _trigger_word(parser: Parser) -> None:
    parser.add_argument(
        "trigger", metavar="TRIGGER", help="when: '0 2 * * *', @daily, 'every 5m', 'on data.ready'"
    )


def _name(parser: Parser) -> None:
    add_name(parser, "schedule")


def _staying(verb: Verb) -> Command:
    """The verb starts a run, which this process carries out and waits for."""

    def do(given: argparse.Namespace) -> int:
        with running.runtime(getattr(given, "store", None)) as rt:
            answer = verb.do(rt, argparse.Namespace(**{name: value for name, value in vars(given).items()
                                                       if name not in ("store", "json")}))  # fmt: skip
            return running.follow(rt, rt.get_run(answer.data["id"]), given)

    return Command(f"{verb.help}, and wait for it", verb.words, do)


COMMANDS: Mapping[str, Command] = {
    "run": Command("run a notebook or a pipeline, with live progress",
                   [running.path_words, running.host_words, add_policy], running.run),
    "serve": Command("fire schedules and carry out runs until Ctrl-C", [running.host_words, serving.serve_words],
                     serving.serve),
    "schedule": Command("schedule a notebook or a pipeline",
                        [_trigger_word, running.path_words, _name, add_schedule, add_policy], _schedule),
    **{name: _command_of(verb) for name, verb in VERBS.items()},
    "why": Command(VERBS["why"].help, [running.name_or_path, why_words], _why),
    "trigger": _staying(VERBS["trigger"]),
    "retry": _staying(VERBS["retry"]),
    "attach": Command("what a run shows, from its beginning to its end; Ctrl-C leaves it alone",
                      [run_id], attaching.attach),
    "logs": Command("what a run printed", [run_id, following.follow_words], following.logs),
    "events": Command(VERBS["events"].help, [*VERBS["events"].words, following.follow_words], following.events),
    "backfill": Command(f"{VERBS['backfill'].help}, and wait for them", VERBS["backfill"].words, _backfill),
    "recover": Command("put what its cells had shown into an output of papermill", [recovering.words], _recover),
    "export": Command("write a pipeline for Airflow, cron, GitHub Actions or as Python", [exporting.words], _export),
}  # fmt: skip


def parser_of(name: str) -> Parser:
    """Reads what follows the command."""
    parser = Parser(f"nbsched {name}", f"{COMMANDS[name].help[0].upper()}{COMMANDS[name].help[1:]}.")
    for words in COMMANDS[name].words:
        words(parser)
    parser.add_argument(
        "--store", metavar="PATH", help="the store's file; default NBSCHED_STORE, else one per user"
    )
    parser.add_argument("--json", action="store_true", help="JSON on stdout and nothing else")
    return parser


def carry_out(argv: Sequence[str]) -> int:
    """The exit code of the command that the words ask for."""
    top = VerbParser("nbsched", "Schedules and pipelines for notebooks.",
                     {name: command.help for name, command in COMMANDS.items()})  # fmt: skip
    top.add_argument("--version", action="version", version=f"nbsched {__version__}")
    name, rest = top.split(_common_last(argv))
    parser = parser_of(name)
    if running.path_words in COMMANDS[name].words and not {"-h", "--help"}.isdisjoint(rest):
        parser.epilog = about(rest)
    return COMMANDS[name].do(parser.read(rest))


def _common_last(argv: Sequence[str]) -> list[str]:
    """`--store X` and `--json` may also stand before the command."""
    words, common = list(argv), list[str]()
    while words and words[0].partition("=")[0] in ("--store", "--json"):
        taken = 2 if words[0] == "--store" else 1
        common, words = [*common, *words[:taken]], words[taken:]
    return [*words, *common]
