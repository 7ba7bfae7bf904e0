"""Routes about the notebooks of the server's folder."""

from __future__ import annotations

from typing import TypedDict

from nbsched.core.errors import UsageError
from nbsched.core.forms import ParameterRow, parameter_row
from nbsched.core.model import Notebook
from nbsched.core.rows import RunRow, ScheduleRow, schedule_row
from nbsched.core.work import notebook
from nbsched.engine.calls import Calls
from nbsched.engine.notebooks import known_of
from nbsched.server.fields import text
from nbsched.server.places import file_in
from nbsched.server.routes import Given, Route, fields


class NotebookRow(TypedDict):
    """A notebook: what it asks for, when it runs, how it ran last by itself, whether its code is another since."""

    path: str
    name: str
    parameters: list[ParameterRow]
    schedules: list[ScheduleRow]
    last_run: RunRow | None
    changed: bool | None
    """Since its last successful run; None where that cannot be told."""


def _notebook(calls: Calls, given: Given) -> NotebookRow:
    file = file_in(given.root, given["path"])
    if file.suffix != ".ipynb":
        raise UsageError(f"{given['path']!r} is no notebook: give the path of an .ipynb file")
    work: Notebook = notebook(file)
    found = known_of(calls.database.read, work)
    return NotebookRow(
        path=given["path"], name=work.name, parameters=[parameter_row(one) for one in found.parameters],
        schedules=[schedule_row(one) for one in found.schedules],
        last_run=calls.get_run(found.last_run.id).row if found.last_run else None, changed=found.changed,
    )  # fmt: skip


ROUTES = (
    Route(
        path="/notebooks", summary="what is known of a notebook", answer=_notebook, gives=NotebookRow,
        query=fields("path", path=text("a notebook, from the server's folder on")),
    ),
)  # fmt: skip
