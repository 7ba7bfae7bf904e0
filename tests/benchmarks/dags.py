"""One notebook, many side by side, one again, each importing numpy and pandas, beside the best use of papermill."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import OURS, Spent, best_peer, comparison, in_turns, is_ours
from tests.benchmarks.notebooks import IMPORTS, POOL, opened, written
from tests.benchmarks.results import Report, Row

PROCESSES = os.cpu_count() or 1
SLOTS = 2 * PROCESSES
SEQUENTIALLY, SIDE_BY_SIDE = "papermill, one after the other", f"papermill in {PROCESSES} warm processes"
PEERS = {SEQUENTIALLY: ("papermill", 1), SIDE_BY_SIDE: ("papermill processes", PROCESSES)}


def report(width: int = 18, rounds: int = 3) -> Report:
    return _report(f"DAG of 1-{width}-1 notebooks", width, rounds, OURS, PEERS, 0.15, 0.25, {})


def report_pool(width: int = 18, rounds: int = 3) -> Report:
    peers, ours = {SIDE_BY_SIDE: PEERS[SIDE_BY_SIDE]}, f"{OURS}, without fork"
    return _report(f"DAG of 1-{width}-1 notebooks, without fork", width, rounds, ours, peers, 0.7, None, POOL)


def _report(
    what: str, width: int, rounds: int, ours: str, peers: Mapping[str, tuple[str, int]], wall: float,
    cpu: float | None, env: Mapping[str, str],
) -> Report:  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        source = written(Path(folder, "node.ipynb"), [IMPORTS])
        workers = {}
        for name, (tool, slots) in {ours: ("nbsched", SLOTS), **peers}.items():
            (own := Path(folder, tool)).mkdir()
            workers |= stack.enter_context(opened({name: tool}, [name], own, env, slots))
        turns = {name: partial(one.took, "dag", source, width) for name, one in workers.items()}
        found = in_turns(turns, rounds)
    details = comparison(what, found, {}, 1, ours, machine=True).text
    return Report(details, rows(what, found, wall, cpu))


def rows(what: str, found: Mapping[str, Spent], wall: float, cpu: float | None) -> tuple[Row, ...]:
    """Wall and CPU, each beside the peer that took least of it."""
    ours, fastest = next(took for name, took in found.items() if is_ours(name)), best_peer(found)
    made = [Row(what, ours.wall, "s", fastest, found[fastest].wall, most=wall)]
    for label, of in (("the processes that did it", _of_processes), ("the whole machine", _of_machine)):
        thrifty = best_peer(found, of)
        made.append(Row(f"{what}: CPU of {label}", of(ours), "s", thrifty, of(found[thrifty]), most=cpu))
    return tuple(made)


def _of_processes(took: Spent) -> float:
    return took.cpu


def _of_machine(took: Spent) -> float:
    return took.machine
