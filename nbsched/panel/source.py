"""A runtime and its store as what a panel is fed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbsched.core.errors import UnknownName
from nbsched.core.instants import floor_ms
from nbsched.core.model import RunRecord
from nbsched.core.panel import (
    LAST_OF_PIPELINE,
    Counts,
    Details,
    Handle,
    Items,
    Overview,
    PanelSnapshot,
    PipelineView,
    Verb,
    details,
    history,
    items_view,
    pipeline_view,
    schedule_line,
)
from nbsched.core.rawtext import RawText
from nbsched.core.rows import PanelRow
from nbsched.engine.calls import Calls
from nbsched.engine.freshness import stale_steps
from nbsched.store import events, records, showing

MOST_RUNS = 10_000
"""So many runs a panel lists, and so many beside them that have not ended."""
MOST_SCHEDULES = 1_000
"""So many schedules a panel lists, the next to fire."""
LOG_BYTES = 64_000
"""So much of the end of a log is shown."""


class StoreSource:
    """Implements `core.panel.Source`."""

    def __init__(self, runtime: Calls) -> None:
        self._runtime, self._read = runtime, runtime.database.read

    def snapshot(self) -> PanelSnapshot:
        rows = self._rows(self._read(showing.newest, MOST_RUNS))
        return PanelSnapshot(overview=self.overview(), rows=rows, history=history(rows))

    def overview(self) -> Overview:
        counts, found = self._read(records.counts), self._read(records.schedules, MOST_SCHEDULES)
        written = self._read(showing.triggers, [one.name for one in found])
        schedules = [replace(one, trigger=written.get(one.name, one.trigger)) for one in found]
        return Overview(
            now_ms=floor_ms(self._runtime.clock.now()),
            counts=Counts(
                running=counts.get("running", 0),
                queued=counts.get("queued", 0),
                pending=counts.get("pending", 0),
            ),
            schedules=[schedule_line(one) for one in schedules],
        )

    def rows(self, ids: Collection[int]) -> list[PanelRow]:
        return self._rows(self._read(showing.some, ids))

    def _rows(self, runs: Sequence[RunRecord]) -> list[PanelRow]:
        return self._read(showing.rows, runs)

    def pipeline(self, run_id: int) -> PipelineView | None:
        found = self._read(showing.some, [run_id])
        if not found or found[0].kind != "pipeline":
            return None
        run, past = found[0], self._read(showing.before, found[0], LAST_OF_PIPELINE - 1)
        steps = _by_parent(self._read(showing.steps, [run.origin, *(one.origin for one in past)]))
        row, *rows = self._rows([run, *steps[run.origin]])
        needs = self._needs(run.origin, steps[run.origin])
        stale = stale_steps(self._read, run.name, steps[run.origin])
        return pipeline_view(row, rows, needs, [(one, steps[one.origin]) for one in past], stale)

    def _needs(self, run_id: int, steps: Iterable[RunRecord]) -> Mapping[str, list[str]]:
        names = {step.id: step.step or step.name for step in steps}
        needs: dict[str, list[str]] = {name: [] for name in names.values()}
        for need, follower in self._read(records.needs_of_steps, run_id):
            needs[names[follower]].append(names[need])
        return needs

    def details(self, run_id: int) -> Details | None:
        try:
            run = self._runtime.get_run(run_id).given
        except UnknownName:
            return None
        row, *path = self._rows([run, *self._read(showing.path, run)])
        attempts, log = self._read(records.attempts, run_id), _end_of(self._runtime.get_run(run_id).log_path)
        cells = self._read(records.cells, run.origin)
        return details(row, run, attempts, log, path, self._items(run), cells)

    def _items(self, run: RunRecord) -> Items | None:
        if run.kind != "map":
            return None
        first = self._read(showing.first_items, run)
        return items_view(self._read(showing.items_by_state, [run])[run.id], self._rows(first), first)

    def changed(self, cursor: Any, looked: Collection[int]) -> tuple[Collection[int], Any]:
        seq = self._read(events.last_seq)
        if cursor is None:
            return (), (seq, self._read(showing.progress))
        since, running = cursor
        ids, running = self._read(showing.changed, since, running, looked)
        return ids, (seq, running)

    def watch(self, callback: Callable[[], None]) -> Handle:
        return self._runtime.watch(callback)

    def act(self, verb: Verb, target: int | str, value: str = "") -> None:
        verbs: Mapping[str, Callable[[Any], Any]] = {
            "cancel": self._runtime.cancel,
            "retry": self._runtime.retry,
            "approve": lambda run: self._runtime.resolve(run, True),
            "reject": lambda run: self._runtime.resolve(run, False),
            "answer": lambda run: self._runtime.resolve(run, RawText(value)),
            "trigger": self._runtime.trigger,
            "pause": self._runtime.pause,
            "resume": self._runtime.resume,
        }
        if verb not in verbs:
            raise UnknownName("button", verb, verbs)
        verbs[verb](target)


def _by_parent(steps: Iterable[RunRecord]) -> Mapping[int | None, list[RunRecord]]:
    found: dict[int | None, list[RunRecord]] = defaultdict(list)
    for step in steps:
        found[step.parent].append(step)
    return found


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - LOG_BYTES))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
