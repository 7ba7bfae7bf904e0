"""What a panel is fed from: a store, read as rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from nbsched.core.instants import to_ms
from nbsched.core.model import RunRecord
from nbsched.core.panel import (
    Counts,
    Details,
    Handle,
    Overview,
    PanelSnapshot,
    PipelineView,
    Verb,
    details,
    history,
    pipeline_view,
    schedule_line,
)
from nbsched.core.rows import PanelRow, panel_row
from nbsched.engine.calls import Calls
from nbsched.store import events, records, showing

PAST_RUNS = 11
MOST_ROWS = 10_000
LOG_END = 20_000
"""So many characters of a log's end are shown."""


class StoreSource:
    """Feeds panels from a runtime's store; every method may be called from any thread."""

    def __init__(self, runtime: Calls) -> None:
        self._runtime, self._db = runtime, runtime.database

    def overview(self) -> Overview:
        now = self._runtime.clock.now()
        midnight = to_ms(datetime.combine(now.astimezone().date(), time()).astimezone())
        found = self._db.read(records.counts)
        counts = Counts(
            running=found.get("running", 0), queued=found.get("queued", 0), pending=found.get("pending", 0),
            failed_today=self._db.read(showing.failed_since, midnight),
        )  # fmt: skip
        lines = [schedule_line(one) for one in self._db.read(records.schedules)]
        return Overview(now_ms=to_ms(now), counts=counts, schedules=lines)

    def snapshot(self) -> PanelSnapshot:
        rows = self._rows(self._db.read(records.runs, limit=MOST_ROWS))
        return PanelSnapshot(overview=self.overview(), rows=rows, history=history(rows))

    def rows(self, ids: Collection[int]) -> list[PanelRow]:
        return self._rows(self._db.read(records.some, list(ids)))

    def pipeline(self, run_id: int) -> PipelineView | None:
        found = self._db.read(records.some, [run_id])
        if not found or found[0].kind != "pipeline":
            return None
        steps = self._db.read(records.steps, run_id)
        past = self._db.read(showing.before, found[0].name, run_id, PAST_RUNS)
        return pipeline_view(
            found[0], steps, self._needs(run_id, steps),
            [(one, self._db.read(records.steps, one.id)) for one in reversed(past)],
        )  # fmt: skip

    def details(self, run_id: int) -> Details | None:
        found = self._db.read(records.some, [run_id])
        if not found:
            return None
        run = self._runtime.get_run(run_id)
        return details(found[0], run.attempts, run.log[-LOG_END:])

    def watch(self, callback: Callable[[Collection[int]], None]) -> Handle:
        seen = self._db.read(events.last_seq)

        def changed() -> None:
            nonlocal seen
            seen, ids = self._db.read(showing.changed_since, seen)
            callback(ids)

        handle: Handle = self._runtime.watch(changed)
        return handle

    def act(self, verb: Verb, target: int | str) -> None:
        acts: Mapping[str, Callable[[Any], Any]] = {
            "cancel": self._runtime.cancel, "retry": self._runtime.retry, "trigger": self._runtime.trigger,
            "pause": self._runtime.pause, "resume": self._runtime.resume,
        }  # fmt: skip
        acts[verb](target)

    def _rows(self, found: Sequence[RunRecord]) -> list[PanelRow]:
        triggers = self._db.read(showing.triggers)
        waits = self._db.read(showing.unmet_needs, [one.id for one in found if one.state == "pending"])
        return [
            panel_row(one, trigger=triggers.get(one.schedule or ""), needs=waits.get(one.id, ()))
            for one in found
        ]

    def _needs(self, run_id: int, steps: Iterable[RunRecord]) -> Mapping[str, Sequence[str]]:
        names = {step.id: step.step or "" for step in steps}
        found: dict[str, list[str]] = {name: [] for name in names.values()}
        for need, follower in self._db.read(records.needs_of_steps, run_id):
            found[names[follower]].append(names[need])
        return found
