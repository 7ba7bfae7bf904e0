"""DBOS' side: functions that do nothing, each kept in SQLite when it has ended."""

from __future__ import annotations

import sys

from dbos import DBOS
from serve import serve, timed


@DBOS.step()
def nothing() -> None: ...


@DBOS.workflow()
def together(number: int) -> None:
    """The cheapest way: each is a step of one workflow."""
    for _ in range(number):
        nothing()


@DBOS.workflow()
def one() -> int:
    return 1


def one_by_one(number: int) -> None:
    for _ in range(number):
        one()


DBOS(config={"name": "benchmark", "system_database_url": f"sqlite:///{sys.argv[1]}", "log_level": "ERROR"})
DBOS.launch()
together(1)
serve({"together": timed(together), "one by one": timed(one_by_one)})
DBOS.destroy()
