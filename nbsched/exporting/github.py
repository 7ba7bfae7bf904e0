"""A pipeline as a workflow of GitHub Actions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

from nbsched.core.durations import duration
from nbsched.core.parameters import required
from nbsched.core.references import references_in
from nbsched.core.triggers import Cron
from nbsched.exporting.command import quoted, run_command
from nbsched.exporting.cron import crons, schedule_notes
from nbsched.exporting.subject import Exported, Subject
from nbsched.exporting.utc import has_summer_time, in_utc

_STORE = "nbsched.db"
_INPUT = {"int": "number", "float": "number", "bool": "boolean"}
_TOO_OFTEN = "GitHub starts nothing more often than every five minutes, and late when it is busy"


def to_github(subject: Subject) -> Exported:
    """A file for `.github/workflows/`: one job that runs the pipeline, by its schedule and by hand."""
    inside = replace(subject, path=_in_repository(subject))
    command = run_command(inside, "GitHub")
    triggers = crons(subject, "GitHub") if subject.timing else []
    notes = (
        *command.notes, *_input_notes(subject),
        *schedule_notes(subject.timing, "GitHub", overlap="lets one next run wait"),
    )  # fmt: skip
    lines = [
        f"# The pipeline {subject.pipeline.name!r}, for .github/workflows/.",
        *(f"# Not exported: {note}." for note in notes),
        f"name: {_quoted(subject.pipeline.name)}",
        "on:", *_schedule(triggers), "  workflow_dispatch:", *_inputs(_asked(subject)),
        "concurrency:", f"  group: {_quoted(f'nbsched-{subject.pipeline.name}')}",
        f"  cancel-in-progress: {'true' if _cancels(subject) else 'false'}",
        "jobs:", *_job(subject, f"nbsched {_plain(quoted(command.words))} --store {_STORE}"),
    ]  # fmt: skip
    return Exported("\n".join(lines) + "\n", notes)


def _in_repository(subject: Subject) -> str | None:
    """The file as the job sees it, which begins in the repository's folder."""
    if subject.path is None:
        return None
    path = PurePath(subject.path)
    return path.relative_to(subject.repository or path.parent).as_posix()


def _cancels(subject: Subject) -> bool:
    return subject.timing is not None and subject.timing.overlap in ("cancel_other", "kill_other")


def _schedule(triggers: list[Cron]) -> Iterator[str]:
    if not triggers:
        return
    yield "  schedule:"
    yield f"    # {_TOO_OFTEN}."
    for trigger in triggers:
        later = ", an hour later while its summer time holds" if has_summer_time(trigger.zone) else ""
        for expr in in_utc(trigger):
            yield f"    - cron: {_quoted(expr)}  # in UTC; {trigger}{later}"


def _inputs(asked: Mapping[str, Any]) -> Iterator[str]:
    if asked:
        yield "    inputs:"
    for name, default in asked.items():
        kind = required(default) or type(default).__name__
        yield f"      {name}:"
        yield f"        description: {_quoted(_described(kind, default))}"
        yield f"        type: {_INPUT.get(kind, 'string')}"
        yield f"        required: {'true' if required(default) else 'false'}"
        if isinstance(default, bool):
            yield f"        default: {json.dumps(default)}"


def _asked(subject: Subject) -> Mapping[str, Any]:
    """The parameters that whoever starts the job by hand can give, with their defaults or types."""
    return {
        name: default for name, default in subject.pipeline.declared.items()
        if name not in subject.params and name.isascii() and not any(references_in(default))
    }  # fmt: skip


def _described(kind: str, default: Any) -> str:
    if required(default):
        return kind
    shown = (
        default.isoformat()
        if isinstance(default, date)
        else json.dumps(default, ensure_ascii=False, default=str)
    )
    return f"{kind}; empty: {shown}"


def _job(subject: Subject, command: str) -> Iterator[str]:
    asked = _asked(subject)
    given = "".join(f' ${{PARAM_{name}:+-p "{name}=$PARAM_{name}"}}' for name in asked)
    yield from ("  run:", "    runs-on: ubuntu-latest")
    timeout = subject.pipeline.policy.get("timeout")
    if timeout:
        yield f"    timeout-minutes: {max(1, math.ceil(duration(timeout) / timedelta(minutes=1)))}"
    yield from (
        "    steps:",
        "      - uses: actions/checkout@v4",
        "      - uses: actions/setup-python@v5",
        "        with:",
        '          python-version: "3.12"',
        "      - run: pip install nbsched  # and what the pipeline imports",
        f"      - name: {_quoted(f'Run {subject.pipeline.name}')}",
    )
    if asked:
        yield "        env:"
        for name, default in asked.items():
            yield f"          PARAM_{name}: {_expression(name, default)}"
    yield from (
        "        run: |",
        f"          {command}{given}",
        "      - if: always()",
        "        uses: actions/upload-artifact@v4",
        "        with:",
        f"          name: {_quoted(_artifact(subject.pipeline.name))}",
        "          path: |",
        f"            {_STORE}*",
    )


def _expression(name: str, default: Any) -> str:
    """The input as JSON, so that a text of digits stays a text; nothing when a schedule starts the job."""
    kind = required(default) or type(default).__name__
    return (
        f"${{{{ inputs.{name} && toJSON(inputs.{name}) }}}}" if kind == "str" else f"${{{{ inputs.{name} }}}}"
    )


def _input_notes(subject: Subject) -> Iterator[str]:
    for name in subject.pipeline.declared:
        if name not in subject.params and name not in _asked(subject):
            yield f"parameter {name!r} as an input (GitHub takes ASCII names, and defaults that are known beforehand)"


def _plain(command: str) -> str:
    """The command with nothing in it that GitHub would compute."""
    return command.replace("${{", "${{ '${{' }}")


def _artifact(name: str) -> str:
    return f"{re.sub(r'[^a-zA-Z0-9._-]', '_', name)}-${{{{ github.run_id }}}}"


def _quoted(text: str) -> str:
    """A YAML string, which JSON's are."""
    return json.dumps(text, ensure_ascii=False)
