"""Verbs about what happened, the store and the machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbsched.core.durations import duration
from nbsched.core.errors import UsageError
from nbsched.core.executors import LOCAL
from nbsched.core.instants import instant_text
from nbsched.core.model import Event
from nbsched.core.policy import EXECUTORS
from nbsched.core.rawtext import json_or_text
from nbsched.core.rows import event_row, plain
from nbsched.core.tables import Table
from nbsched.options import Parser, whole
from nbsched.verbs.table import Answer, verb

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.simulating import Simulation
    from nbsched.verbs.examination import Finding


def _events(parser: Parser) -> None:
    parser.add_argument("--name", metavar="PATTERN", help="only events of this name; * stands for any parts")
    parser.add_argument("--run", type=whole, metavar="ID", help="only events of this run")
    parser.add_argument("--after", type=whole, metavar="SEQ", help="only events after this one")
    parser.add_argument("--limit", type=whole, metavar="N", help="at most this many")
    parser.add_argument("--dead", action="store_true", help="those a durable handler gave up on")


@verb("what happened, oldest first", _events)
def events(rt: Calls, given: argparse.Namespace) -> Answer:
    options = dict(vars(given))
    if options.pop("dead", False):
        if options:
            raise UsageError(f"--dead lists every dead letter: leave out --{next(iter(options))}")
        return _dead(rt.dead_letters())
    found = rt.events(**options)
    return Answer([event_row(event) for event in found], events_table(found))


def _dead(letters: Sequence[Mapping[str, Any]]) -> Answer:
    columns, rows = ("subscription", "seq", "at", "event", "error"), dead_rows(letters)
    cells = [
        [str((row["event"] or {}).get("name", "") if name == "event" else row[name]) for name in columns]
        for row in rows
    ]
    return Answer(rows, Table(columns, cells, "no dead letters"))


def dead_rows(letters: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The dead letters as JSON."""
    return [
        {**letter, "event": event_row(letter["event"]) if letter["event"] else None} for letter in letters
    ]


def events_table(found: Iterable[Event]) -> Table:
    """The events with their data as JSON."""
    return Table(("seq", "at", "event", "data"), [event_cells(event) for event in found], "no events yet")


def event_cells(event: Event) -> tuple[str, str, str, str]:
    data = json.dumps(event_row(event)["data"], ensure_ascii=False)
    return str(event.seq), instant_text(event.at), event.name, data


def _event(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME", help="the event's name, words joined by dots")
    parser.add_argument("data", nargs="?", metavar="JSON", type=json_or_text, help="its data, an object")
    parser.add_argument("--key", metavar="K", help="of the sensors, only those of the run with this key")


@verb("publish an event", _event)
def publish(rt: Calls, given: argparse.Namespace) -> Answer:
    rt.publish(given.name, getattr(given, "data", None), key=getattr(given, "key", None))
    return Answer({"name": given.name, "published": True}, f"{given.name}: published")


def _dry(parser: Parser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and keep it")


@verb("remove what is older than its `keep`", _dry)
def prune(rt: Calls, given: argparse.Namespace) -> Answer:
    gone = rt.prune(dry_run=getattr(given, "dry_run", False))
    would = "would remove" if hasattr(given, "dry_run") else "removed"
    return Answer(gone, f"{would} {' and '.join(f'{count} {what}' for what, count in gone.items())}")


def _span(parser: Parser) -> None:
    for name, help_ in (("start", "its beginning; default now"), ("end", "its end; default a day later")):
        parser.add_argument(name, nargs="?", metavar=name.upper(), help=f"{help_}; or as --from and --to")
    for name in ("from", "to"):
        parser.add_argument(
            f"--{name}", metavar="WHEN", help="an instant with offset: 2026-01-05T02:00+01:00"
        )
    parser.add_argument("--for", metavar="TIME", help="how long, such as 3d, instead of --to")


@verb("what the schedules would do in a span of time", _span)
def simulate(rt: Calls, given: argparse.Namespace) -> Answer:
    end = _either(given, "end", "to")
    if end and hasattr(given, "for"):
        raise UsageError("--for and an end say the same twice: leave one out")
    rows = foreseen(rt, _either(given, "start", "from"), end, getattr(given, "for", "1d"))
    return Answer(plain(rows), rows)


def foreseen(rt: Calls, start: str | None, end: str | None, length: str = "1d") -> Simulation:
    """What the schedules would do from the start, without one now, to the end, or for so long."""
    since = _instant(start, rt.clock.now().astimezone())
    return rt.simulate(since, _instant(end, since + duration(length, "--for")))


def _either(given: argparse.Namespace, word: str, option: str) -> str | None:
    """What was given by place or by option; UsageError when it was by both."""
    found = [getattr(given, name) for name in (word, option) if getattr(given, name, None)]
    if len(found) > 1:
        raise UsageError(f"{found[0]!r} and --{option} {found[1]} say the same twice: leave one out")
    return found[0] if found else None


def _instant(text: str | None, default: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(text) if text else default
    except ValueError:
        raise UsageError(f"{text!r} is not an instant: write it like 2026-01-05T02:00+01:00") from None
    if found.tzinfo is None:
        raise UsageError(f"{text!r} has no zone: add its offset, such as {text}+00:00")
    return found


def _notebook(parser: Parser) -> None:
    action = parser.add_argument(
        "path", nargs="?", metavar="PATH", help="a notebook: how its kernel comes to be, not the others"
    )
    parser.offer(action, "notebooks")


def _engine(parser: Parser) -> None:
    parser.add_argument(
        "--executor", choices=[name for name in EXECUTORS if name != LOCAL],
        help="look at that engine and its workers instead: whether work and files go there and come back",
    )  # fmt: skip


@verb("whether nbsched has here what it needs, and how kernels come to be", _notebook, _engine)
def doctor(rt: Calls, given: argparse.Namespace) -> Answer:
    rows = _examined(rt, getattr(given, "path", None), getattr(given, "executor", None))
    table = Table(
        ("", "what", "found"), [("✓" if row["ok"] else "✕", row["what"], row["found"]) for row in rows]
    )
    return Answer(rows, table, failed=not all(row["ok"] for row in rows))


def _examined(rt: Calls, notebook: str | None, engine: str | None) -> Sequence[Finding]:
    if engine is not None:
        from nbsched.verbs import engines

        return engines.examine(rt, engine, notebook)
    from nbsched.verbs.examination import examine

    return examine(rt, notebook)
