"""`python -m tests.benchmarks [GROUP …]`: nbsched beside its peers, measured in turns in one session.

Tables of each group, and one of all at the end. The peers come from the extra `bench`; Prefect, Dagster, DBOS, pyee and
blinker are installed into environments of their own the first time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks import (
    dags,
    elsewhere,
    environments,
    events,
    firing,
    frames,
    growth,
    idle,
    instants,
    live,
    many,
    memory,
    notebooks,
    pipelines,
    starting,
    tasks,
)
from tests.benchmarks.results import Report, Row, machine, summary, written_into

README = Path(__file__).parents[2] / "README.md"


@dataclass(frozen=True)
class Group:
    """What measures; `quick` are sizes that only show that it does."""

    measure: Callable[..., Report]
    quick: Mapping[str, Any] = field(default_factory=dict)

    def report(self, *, quick: bool) -> Report:
        return self.measure(**(self.quick if quick else {}))


def pool(cells_rounds: int = 5, width: int = 18, rounds: int = 3) -> Report:
    return notebooks.report_pool(cells_rounds) + dags.report_pool(width, rounds)


GROUPS = {
    "import": Group(starting.report, {"rounds": 1}),
    "notebooks": Group(notebooks.report, {"rounds": 1, "cells": (1, 2, 3), "size": 2_000}),
    "dag": Group(dags.report, {"width": 2, "rounds": 1}),
    "pool": Group(pool, {"cells_rounds": 1, "width": 2, "rounds": 1}),
    "memory": Group(memory.report, {"kernels": 2}),
    "many": Group(many.report, {"at_once": 4, "in_a_row": 3}),
    "tasks": Group(tasks.report, {"number": 100, "of_huey": 20, "of_dbos": 20, "in_a_row": 5, "rounds": 1}),
    "steps": Group(pipelines.report, {"rounds": 1, "shapes": {"chain": 2}, "of_processes": 1}),
    "bus": Group(events.report, {"events": 2_000, "subscribers": 2, "rounds": 1}),
    "lateness": Group(firing.report, {"number": 5, "seconds": 0.1, "rounds": 1}),
    "idle": Group(idle.report, {"number": 5, "seconds": 1}),
    "growth": Group(growth.report, {"few": 10, "many": 1_000, "calls": 5, "rounds": 1}),
    "cron": Group(instants.report, {"number": 5, "rounds": 1}),
    "frames": Group(frames.report),
    "elsewhere": Group(elsewhere.report, {"number": 20, "resting": 8, "many": 50, "rounds": 1}),
    "live": Group(live.report, {"number": 1, "runs": 100, "steps": 100, "seconds": 2}),
}


def measured(names: Iterable[str], *, quick: bool) -> tuple[list[Row], bool]:
    """The rows of all groups, and whether each could be measured; details are printed as they come."""
    rows, well = [], True
    for name in names:
        began = time.monotonic()
        try:
            found = GROUPS[name].report(quick=quick)
        except Exception:
            traceback.print_exc()
            well = False
            continue
        rows += found.rows
        took = f"{name}: {time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        print(f"{found.text}\n{took}\n", flush=True)
    return rows, well


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[[], *GROUPS], metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, which show that it runs and nothing else"
    )
    parser.add_argument("--readme", action="store_true", help="write the table of all groups into README.md")
    given = parser.parse_args()
    if given.readme and (given.quick or given.groups):
        parser.error("--readme takes the figures of all groups in one session: leave out groups and --quick")
    environments.cache_bytecode()
    rows, well = measured(given.groups or GROUPS, quick=given.quick)
    found = summary(rows, machine(environments.versions()))
    print(found)
    if given.readme and well:
        README.write_text(written_into(README.read_text("utf-8"), found), "utf-8")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
