"""What `%schedule` and `%%schedule` do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbsched as nb
from nbsched.core.errors import UsageError
from nbsched.core.model import ScheduleRecord, Work
from nbsched.core.tables import Table
from nbsched.engine import default
from nbsched.jupyter import identity
from nbsched.jupyter.cellwork import TWICE, cell_work, inside_a_run, unnamed
from nbsched.options import params_given, policy_given, schedule_given, trigger_and_path
from nbsched.stepcells import referring
from nbsched.store import records
from nbsched.verbs.schedules import echo, schedules_table

_of_cell: dict[tuple[str, str], str] = {}
"""The schedule that each cell of this kernel has made, so that giving a cell another name leaves no second one."""


def schedule_cell(shell: Any, given: argparse.Namespace, source: str) -> None:
    """The cell runs at the trigger's instants; run again, it replaces itself."""
    trigger, path = trigger_and_path(_words(given))
    if path:
        raise UsageError(f"%%schedule runs the cell below it, not {path}: write one % for a notebook")
    name, by_text = (given.name, False) if hasattr(given, "name") else unnamed(shell, source)
    work = cell_work(shell, source, name, given, "kernel")
    if register(work, trigger, name, given):
        _forget_former(work, name)
        if by_text:
            print(TWICE.format(name=name))


def schedule_notebook(given: argparse.Namespace) -> None:
    """The notebook runs at the trigger's instants."""
    trigger, path = trigger_and_path(_words(given))
    if path is None:
        raise UsageError(
            f"%schedule {trigger}: name the notebook to run (PATH.ipynb), or write %% to schedule this cell"
        )
    if hasattr(given, "where"):
        raise UsageError("--where is for cells: a notebook always runs in a fresh kernel, leave it out")
    work = nb.notebook(
        Path(path).expanduser().absolute(), params=referring(params_given(given)), **policy_given(given)
    )
    register(work, trigger, getattr(given, "name", None), given)


def register(work: Work, trigger: str, name: str | None, given: argparse.Namespace) -> bool:
    """The work is scheduled, and its zone and next instants are shown; False inside a run, where it is only checked."""
    if not trigger:
        raise UsageError("say when: 'every 5m', '0 2 * * *', '@daily', 'on data.ready' (see %schedule?)")
    read = nb.parse_trigger(trigger)
    if inside_a_run():
        return False
    schedule = nb.schedule(work, read, name=name, **schedule_given(given))
    print(echo(schedule.record).view)
    return True


def _forget_former(work: Any, name: str) -> None:
    """The schedule that the same cell made under another name is gone."""
    if work.cell_id is None:
        return
    former = _of_cell.get((work.notebook, work.cell_id), name)
    _of_cell[work.notebook, work.cell_id] = name
    if former != name and former in {schedule.name for schedule in nb.schedules()}:
        nb.unschedule(former)
        print(f"{former}: removed, this cell is {name} now")


def pause_or_resume(shell: Any, words: Sequence[str]) -> None:
    """The named schedule, or every one of this notebook, is paused or resumed."""
    verb, *names = words
    if len(names) > 1:
        raise UsageError(f"%schedule {verb} takes one name, not {len(names)}: quote a name that holds spaces")
    if inside_a_run():
        return
    names = names or [
        found.name for found in of_this_notebook(shell) if bool(found.paused) == (verb == "resume")
    ]
    for name in names:
        (nb.resume if verb == "resume" else nb.pause)(name)
        print(f"{name}: {verb}d")
    if not names:
        print(f"no schedule of this notebook is {'paused' if verb == 'resume' else 'running'}")


def of_this_notebook(shell: Any) -> list[ScheduleRecord]:
    """The schedules that this notebook has made."""
    key = identity.notebook(shell).key
    return default.runtime().database.read(records.schedules_of, key) if key else []


def all_schedules(shell: Any) -> Table:
    """Every schedule as a row, this notebook's first."""
    key = identity.notebook(shell).key
    found = sorted(
        (schedule.record for schedule in nb.schedules()), key=lambda record: record.notebook != key
    )
    return schedules_table(
        default.runtime(), found, "no schedules yet: put %%schedule 'every 5m' above a cell"
    )


def _words(given: argparse.Namespace) -> list[str]:
    return getattr(given, "words", [])
