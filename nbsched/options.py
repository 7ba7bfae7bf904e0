"""The options that magics and command line share: one table, read off the policy and the verbs they call.

Only what was given appears in a parsed namespace, so the defaults stay where they are defined.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from typing import Any, NoReturn, Self

from nbsched.core.errors import UnknownName, UsageError
from nbsched.core.policy import EXECUTORS, FILES, LAUNCHES, PRIORITIES, RULES, Policy, normalise
from nbsched.core.rawtext import RawText, json_or_text, plain
from nbsched.core.waiting import MATCHES

OVERLAPS = ("skip", "queue_one", "queue_all", "cancel_other", "kill_other", "allow")
MISSED = ("latest", "all", "earliest", "none")
PLACES = ("kernel", "thread", "process")
EXPORTS = ("airflow", "cron", "github", "python")

POLICY_HELP: Mapping[str, str] = {
    "retries": "how often a failed attempt is tried again",
    "backoff": "wait before the first retry, then doubled ('10s', or JSON with wait, factor, max_wait, jitter)",
    "retry_on": "retry only these exceptions",
    "fatal": "never retry these exceptions",
    "rerun": "run again what was in flight when its host died",
    "timeout": "stop the whole run after this long",
    "cell_timeout": "stop a run one of whose cells takes longer",
    "grace": "time between the interrupt and the kill",
    "priority": "lower runs first: a number, high, normal or low",
    "executor": "where it runs: on this host (local), or on the workers of dask or celery",
    "launch": "how its process comes to be: forked from a preloaded one, from a pool, or cold",
    "resources": "named slots it takes, such as gpu=1",
    "max_running": "how many of it may run at once",
    "rate": "how many may start per period, such as 10/m",
    "depends_on_previous": "wait until the run of the occurrence before has succeeded",
    "rule": "how the steps before it must have ended",
    "cache": "do not run again what has not changed",
    "inputs": "files that it reads: when one changes, it runs again",
    "outputs": "files that it writes: when one is gone, it runs again",
    "key": "the same key is the same run",
    "tags": "words to find it by",
    "expires": "skip it when it has not started after this long",
    "deadline": "it is late when it has not ended this long after its instant",
    "keep": "how long ('30d') or how many of its runs are kept",
    "secrets": "environment or keyring names that only the work sees",
    "on_success": "event to publish, or Apprise URL to notify",
    "on_failure": "event to publish, or Apprise URL to notify",
    "on_retry": "event to publish, or Apprise URL to notify",
    "on_late": "event to publish, or Apprise URL to notify, when it takes longer than usual or than its deadline",
    "on_recovery": "event to publish, or Apprise URL to notify, when it succeeds after a failure",
}
SCHEDULE_HELP: Mapping[str, str] = {
    "overlap": "what happens when the last run has not ended",
    "missed": "which instants run that fell while nothing was running",
    "catchup": "how far back missed instants count ('1d')",
    "jitter": "start up to this much later, evenly spread",
    "start": "no instant before this one",
    "end": "no instant after this one",
    "limit": "at most this many runs",
}
CHOICES: Mapping[str, Sequence[str]] = {
    "priority": tuple(PRIORITIES),
    "executor": EXECUTORS,
    "launch": LAUNCHES,
    "rule": RULES,
    "overlap": OVERLAPS,
    "missed": MISSED,
}
"""What completion offers; the verbs themselves refuse what they do not know."""

_PAIR = re.compile(r"[^\W\d]\w*=", re.ASCII)
_PAIR_FLAGS = frozenset({"-p", "--param", "--map", "--resources", "--resource"})


class Parser(argparse.ArgumentParser):
    """Reads a line; a mistake is a UsageError of one sentence, never an exit."""

    def __init__(self, prog: str, description: str, *, examples: str = "", see: str = "") -> None:
        self.see = see or f"{prog} --help"
        self.offers: dict[str, str] = {}
        super().__init__(
            prog=prog, description=description, epilog=examples and f"examples:\n{examples}",
            allow_abbrev=False, argument_default=argparse.SUPPRESS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {self._plain(message)} (see {self.see})")

    def _plain(self, message: str) -> str:
        unknown = message.removeprefix("unrecognized arguments: ").split()
        if not message.startswith("unrecognized") or not unknown[0].startswith("-"):
            return message
        near = difflib.get_close_matches(unknown[0].partition("=")[0], self.flags(), n=1)
        return f"no option {unknown[0]}" + (f": did you mean {near[0]}?" if near else "")

    def flags(self) -> list[str]:
        """Every option it takes, in the order of its help."""
        return [flag for action in self._actions for flag in action.option_strings]

    def offer(self, action: argparse.Action, kind: str) -> None:
        """Completion offers the names of this kind for the action: `runs`, `schedules`, `pipelines`, `notebooks`."""
        self.offers[action.dest] = kind

    def positionals(self) -> list[argparse.Action]:
        """What it takes without a flag."""
        return self._get_positional_actions()

    def action_of(self, flag: str) -> argparse.Action | None:
        """The option that the flag names."""
        return self._option_string_actions.get(flag)

    def read(self, tokens: Sequence[str]) -> argparse.Namespace:
        """The tokens' meaning; options and words may come in any order."""
        if not {"-h", "--help"}.isdisjoint(tokens):
            self.print_help()
            self.exit()
        return self.parse_intermixed_args(list(_one_flag_per_pair(tokens)))


def _one_flag_per_pair(tokens: Sequence[str]) -> Iterator[str]:
    """`-p a=1 b=2` as `-p a=1 -p b=2`, so that a word after the pairs is not taken for one."""
    flag = None
    for before, token in zip(("", *tokens), tokens, strict=False):
        if token in _PAIR_FLAGS:
            flag = token
        elif flag and before not in _PAIR_FLAGS:
            flag = flag if _PAIR.match(token) else None
            yield from (flag,) if flag else ()
        yield token


class Given(str):
    """A `name=value` whose value is already a Python one, not text to be read."""

    value: Any

    def __new__(cls, name: str, value: Any) -> Self:
        self = super().__new__(cls, f"{name}=")
        self.value = value
        return self


def pair(text: str) -> tuple[str, Any]:
    """`name=value`, the value as it is typed unless it is a Python one already."""
    if not _PAIR.match(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    name, _, value = text.partition("=")
    return name, text.value if isinstance(text, Given) else RawText(value)


def whole(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _checked(name: str) -> Callable[[str], Any]:
    """Reads one policy option as the policy itself would: a number where it takes one, else text."""

    def read(text: str) -> Any:
        if name == "resources":
            found = plain(dict([pair(text)]))
            return _accepted(name, found) and next(iter(found.items()))
        try:
            return _accepted(name, _scalar(text))
        except argparse.ArgumentTypeError:
            return _accepted(name, text)

    return read


def _accepted(name: str, value: Any) -> Any:
    try:
        normalise({name: value})
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value


def _scalar(text: str) -> Any:
    value = json_or_text(text)
    return text if isinstance(value, (str, bool)) or value is None else value


def add_policy(parser: Parser, *, leave: Iterable[str] = ()) -> None:
    """The parser takes every option of the policy but those left out."""
    group = parser.add_argument_group("policy")
    for item in fields(Policy):
        if item.name not in set(leave):
            _add_policy_option(group, item)


def _add_policy_option(group: Any, item: Field[Any]) -> None:
    default = getattr(Policy(), item.name)
    flag, help_ = f"--{item.name.replace('_', '-')}", POLICY_HELP[item.name]
    if isinstance(default, bool):
        group.add_argument(flag, action=argparse.BooleanOptionalAction, help=help_)
        if item.name == "cache":
            for_ = f"{help_}, if its result is no older than this"
            group.add_argument("--cache-for", dest="cache", type=_checked("cache"), metavar="AGE", help=for_)
    elif isinstance(default, tuple):
        metavar, type_ = ("PATH", _path) if item.name in FILES else ("NAME", str)
        group.add_argument(flag, action="extend", nargs="+", type=type_, metavar=metavar, help=help_)
    elif isinstance(default, Mapping):
        group.add_argument(flag, action="append", type=_checked(item.name), metavar="NAME=N", help=help_)
    else:
        metavar = item.name.upper().removeprefix("ON_") if item.name != "rule" else "RULE"
        group.add_argument(flag, type=_checked(item.name), metavar=metavar, help=help_)


def _path(text: str) -> str:
    """From the current folder, where whoever types it looks for it."""
    return os.path.abspath(os.path.expanduser(text))


def policy_given(given: argparse.Namespace) -> dict[str, Any]:
    """The policy options that were given, as keyword arguments of the verb."""
    found = {item.name: getattr(given, item.name) for item in fields(Policy) if hasattr(given, item.name)}
    return found | ({"resources": dict(found["resources"])} if "resources" in found else {})


def add_params(parser: Parser) -> None:
    """The parser takes `-p name=value` as often as wanted."""
    parser.add_argument(
        "-p", "--param", dest="params", action="append", type=pair, metavar="NAME=VALUE",
        help="a parameter, read as the type that is declared for it; without one as JSON, else as text",
    )  # fmt: skip


def params_given(given: argparse.Namespace) -> dict[str, Any]:
    """The parameters that were given, texts as they were typed; one given twice is refused."""
    pairs = getattr(given, "params", [])
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"parameter {name!r} is given twice: give it once")
    return dict(pairs)


def number(text: str) -> float:
    """A number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(found) if found == int(found) else found


def add_schedule(parser: Parser) -> None:
    """The parser takes the options of `nb.schedule`."""
    group = parser.add_argument_group("schedule")
    for name, help_ in SCHEDULE_HELP.items():
        if name in CHOICES:
            group.add_argument(f"--{name}", choices=CHOICES[name], help=help_)
        else:
            group.add_argument(
                f"--{name}", type=whole if name == "limit" else str, metavar=name.upper(), help=help_
            )


def schedule_given(given: argparse.Namespace) -> dict[str, Any]:
    """The options of `nb.schedule` that were given."""
    return {name: getattr(given, name) for name in SCHEDULE_HELP if hasattr(given, name)}


def add_name(parser: Parser, what: str) -> None:
    """The parser takes `--name`."""
    parser.add_argument("--name", metavar="NAME", help=f"what the {what} is called")


def add_place(parser: Parser, default: str) -> None:
    """The parser takes `--where` for a cell."""
    parser.add_argument(
        "--where", choices=PLACES,
        help=f"this kernel (queued like your cells), a thread of it, or a fresh process; default {default}",
    )  # fmt: skip


def add_step(parser: Parser) -> None:
    """The parser takes what only a step of a pipeline has."""
    group = parser.add_argument_group("step")
    group.add_argument("--after", nargs="*", action="extend", metavar="STEP", help="the steps before it, alone: none; "
                       "without it a cell runs after those that write the names it reads")  # fmt: skip
    group.add_argument(
        "--when", metavar="EXPR", help="run it only if this holds, such as 'score.accuracy > 0.9'"
    )
    group.add_argument(
        "--map", action="append", type=pair, metavar="NAME=LIST",
        help="run it once for each item of a JSON list or of @step.value, which gets the name",
    )  # fmt: skip
    group.add_argument("--product", action="store_true", help="map over every combination of the lists")
    group.add_argument("--max-parallel", type=whole, metavar="N", help="so many items of --map at a time")
    group.add_argument("--setup", action="store_true", help="it prepares the steps after it")
    group.add_argument(
        "--teardown", action="store_true", help="it cleans up after the steps before it, however they ended"
    )


def add_export(parser: Parser) -> None:
    """The parser takes where a pipeline is exported to."""
    parser.add_argument("--to", choices=EXPORTS, required=True, help="the system it is written for")
    parser.add_argument("--file", metavar="PATH", help="write it there; else it is printed")
    parser.add_argument(
        "--schedule", metavar="TRIGGER", help="when it runs, in the place of its own schedule: '0 2 * * *'"
    )
    parser.add_argument("--path", metavar="PATH", help="the file that defines it, which cron and github run")
    add_params(parser)


def export_given(given: argparse.Namespace) -> dict[str, Any]:
    """The options of `nb.export` that were given."""
    found = {name: getattr(given, name) for name in ("to", "schedule", "path") if hasattr(given, name)}
    return found | {"params": params_given(given)}


def add_waiting(parser: Parser) -> None:
    """The parser takes what a sensor or an approval is made of, in place of a cell or notebook."""
    group = parser.add_argument_group("waiting")
    group.add_argument(
        "--wait-for", metavar="WHAT", help="a sensor: a trigger such as 'on data.available', or 'file *.csv'"
    )
    group.add_argument("--poke", metavar="POKE", help="how often files are looked at (30s)")
    group.add_argument("--match", choices=MATCHES, help="which ends of other work count ('after NAME')")
    group.add_argument("--approve", metavar="MESSAGE", help="a question that a person answers")
    group.add_argument(
        "--type", nargs="+", metavar="TYPE", help="what answers it: a type, or several choices (bool)"
    )


class VerbParser(Parser):
    """Reads a verb and leaves what follows it to that verb's own parser."""

    def __init__(
        self, prog: str, description: str, verbs: Mapping[str, str], *, examples: str = "", see: str = ""
    ) -> None:
        super().__init__(prog, description, examples=examples, see=see)
        self.verbs = verbs
        self.add_argument("verb", choices=list(verbs), metavar="VERB ...", help="one of the verbs below")
        width = max(map(len, verbs)) + 2
        lines = "\n".join(f"  {name:{width}}{help_}" for name, help_ in verbs.items())
        self.epilog = f"verbs:\n{lines}" + (f"\n\n{self.epilog}" if self.epilog else "")

    def split(self, tokens: Sequence[str]) -> tuple[str, Sequence[str]]:
        """The verb and what follows it; UnknownName when there is no such verb."""
        if tokens and not tokens[0].startswith("-") and tokens[0] not in self.verbs:
            raise UnknownName(f"{self.prog} verb", tokens[0], self.verbs, f"see {self.see}")
        self.parse_args(tokens[:1])  # shows the help when asked to, or says what is missing
        return tokens[0], tokens[1:]


def trigger_and_path(words: Sequence[str], suffixes: tuple[str, ...] = (".ipynb",)) -> tuple[str, str | None]:
    """The trigger's text and, where the last word names a file, that file."""
    path = words[-1] if words and words[-1].endswith(suffixes) else None
    return " ".join(words[:-1] if path else words), path
