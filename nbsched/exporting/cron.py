"""A pipeline as lines of a crontab."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta

from nbsched.core.cron_text import ALIASES, parse
from nbsched.core.errors import DefinitionError
from nbsched.core.triggers import AnyOf, Cron, Every, Trigger
from nbsched.exporting.command import quoted, run_command
from nbsched.exporting.subject import Exported, Subject, Timing

_LAST = (59, 23, 31, 12, 6)
"""The last value of each field."""


def to_cron(subject: Subject) -> Exported:
    """Lines for `crontab -e`, one for each cron expression; refused when cron has no word for the trigger."""
    expressions = crons(subject, "cron")
    command = run_command(subject, "cron")
    notes = (*command.notes, *schedule_notes(subject.timing, "cron", overlap="starts the next run beside it"))
    path = command.words[1]
    line = f"cd {shlex.quote(os.path.dirname(path))} && {subject.program} {quoted(command.words)} {_key(subject)}"
    lines = [part for each in expressions for part in _lines(each, line)]
    return Exported("\n".join([*_comments(subject, notes), *lines]) + "\n", notes)


def crons(subject: Subject, target: str) -> list[Cron]:
    """The cron expressions of the subject's trigger; DefinitionError when it has or is anything else."""
    name, timing = subject.pipeline.name, subject.timing
    if timing is None:
        raise DefinitionError(
            f"{name!r} has no schedule that {target} could keep: name a schedule, or give schedule= (--schedule), "
            "such as '0 2 * * *'"
        )
    parts = timing.trigger.parts if isinstance(timing.trigger, AnyOf) else (timing.trigger,)
    return [_cron(part, name, target) for part in parts]


def _cron(trigger: Trigger, name: str, target: str) -> Cron:
    if not isinstance(trigger, Cron):
        raise DefinitionError(
            f"{target} has no word for the trigger '{trigger}' of {name!r}: {_remedy(trigger)}"
        )
    days = parse(trigger.expr, trigger.seconds).days
    odd = days.last_day or days.last_workday or days.last_weekdays or days.nth_weekdays
    if trigger.seconds or odd:
        what = "seconds" if trigger.seconds else "days counted within their month (L, LW, #)"
        raise DefinitionError(f"{target} knows no {what}, as in '{trigger}' of {name!r}: {_remedy(trigger)}")
    return trigger


def _remedy(trigger: Trigger) -> str:
    stay = "keep it in `nbsched serve`"
    near = _nearest(trigger.period) if isinstance(trigger, Every) else None
    return f"give schedule= (--schedule) '{near}', or {stay}" if near else f"give five cron fields, or {stay}"


def _nearest(period: timedelta) -> str | None:
    """The expression with that distance between instants, where there is one."""
    minutes, odd = divmod(period, timedelta(minutes=1))
    if odd or not minutes:
        return None
    if 60 % minutes == 0:
        return "0 * * * *" if minutes == 60 else f"*/{minutes} * * * *" if minutes > 1 else "* * * * *"
    hours, odd_minutes = divmod(minutes, 60)
    if odd_minutes or 24 % hours:
        return None
    return "0 0 * * *" if hours == 24 else f"0 */{hours} * * *"


def _lines(trigger: Cron, command: str) -> Iterator[str]:
    yield f"CRON_TZ={trigger.zone}"
    yield f"{portable(trigger.expr)} {command.replace('%', chr(92) + '%')}"


def portable(expr: str) -> str:
    """Five fields in the spelling that every cron reads: `5/15` is `5-59/15`."""
    fields = ALIASES.get(expr, expr).split()
    return " ".join(_spelt(field, last) for field, last in zip(fields, _LAST, strict=True))


def _spelt(field: str, last: int) -> str:
    return ",".join(re.sub(r"^(\w+)/", rf"\1-{last}/", element) for element in field.split(","))


def _key(subject: Subject) -> str:
    """A key of its own for each minute: should cron start a line twice, nbsched runs it once."""
    return f'--key {shlex.quote(subject.pipeline.name)}@"$(date -u +%Y-%m-%dT%H:%MZ)"'


def schedule_notes(timing: Timing | None, target: str, *, overlap: str) -> Iterator[str]:
    """One sentence for each part of the schedule that the target does not keep."""
    if timing is None:
        return
    yield f"the schedule's overlap {timing.overlap!r} ({target} {overlap})"
    yield f"the schedule's missed {timing.missed!r} ({target} forgets what fell due while the machine was off)"
    for name in ("jitter", "start", "end", "limit"):
        if (value := getattr(timing, name)) is not None:
            yield f"the schedule's {name} {value} ({target} has none)"
    parts = timing.trigger.parts if isinstance(timing.trigger, AnyOf) else (timing.trigger,)
    for part in parts:
        if isinstance(part, Cron) and part.dst != "cron":
            yield f"dst {part.dst!r} ({target} decides about clock changes itself)"


def _comments(subject: Subject, notes: tuple[str, ...]) -> list[str]:
    name = subject.pipeline.name
    return [
        f"# The pipeline {name!r}, for crontab -e.",
        "# CRON_TZ is for cronie (Fedora, Arch and others); Debian's cron ignores it and runs in the machine's zone.",
        *(f"# Not exported: {note}." for note in notes),
    ]
