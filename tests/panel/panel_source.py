"""A source for panels that lives in memory: runs are set, and whoever watches is told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nbsched.core.errors import InvalidState
from nbsched.core.model import AttemptRecord, Error, RunRecord, ScheduleRecord
from nbsched.core.panel import (
    Counts,
    Details,
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
from nbsched.core.rows import PanelRow, milliseconds, panel_row
from nbsched.core.states import State
from nbsched.engine.clock import SystemClock

CLOCK = SystemClock()

HOSTILE = (
    "<img src=x onerror=\"window.hacked='img'\">",
    "<script>window.hacked='script'</script>",
    '"><svg onload="window.hacked=\'svg\'">',
    "javascript:window.hacked='url'",
    "</style></textarea><iframe srcdoc=\"<script>parent.hacked='frame'</script>\">",
    "{{constructor.constructor('window.hacked=1')()}}",
    "\u202egnp.exe\x00\x1b[31m",
    "&lt;b&gt; &amp; <b>bold</b>",
)


def run(id: int, name: str = "work", state: State = State.SUCCEEDED, **facts: Any) -> RunRecord:
    """A run with everything not given at its plainest."""
    at = facts.pop("at", datetime(2026, 11, 22, 14, 0, tzinfo=UTC))
    plainest: dict[str, Any] = {
        "kind": "notebook", "reason": None, "schedule": None, "pipeline": None, "step": None, "index": None,
        "parent": None, "retry_of": None, "attempt": 0 if state in (State.PENDING, State.QUEUED) else 1,
        "scheduled_at": at, "until": None, "count": 1, "created_at": at, "not_before": None, "started_at": None,
        "ended_at": None, "key": None, "priority": 0, "retries": 0, "cancel_requested": False, "params": {},
        "result": None, "values": {}, "error": None, "output": None, "progress": None,
    }  # fmt: skip
    return RunRecord(id=id, name=name, state=state, **plainest | facts)


def schedule(name: str, trigger: str, next_at: datetime | None, **facts: Any) -> ScheduleRecord:
    """A schedule with everything not given at its plainest."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    plainest: dict[str, Any] = {
        "tz": "Europe/Berlin", "paused": None, "overlap": "skip", "missed": "latest", "catchup": timedelta(days=1),
        "jitter": None, "start": None, "end": None, "limit": None, "fired": 0, "last_run": None, "created_at": at,
        "notebook": None,
    }  # fmt: skip
    return ScheduleRecord(name=name, trigger=trigger, next_at=next_at, **plainest | facts)


class Watching:
    def __init__(self, watchers: list[Any], callback: Any) -> None:
        self.watchers, self.callback = watchers, callback

    def cancel(self) -> None:
        if self.callback in self.watchers:
            self.watchers.remove(self.callback)


class MemorySource:
    """Runs, schedules and pipelines in memory; `acted` lists what was asked for."""

    def __init__(self, runs: Sequence[RunRecord] = (), schedules: Sequence[ScheduleRecord] = ()) -> None:
        self.lock = threading.RLock()
        self.runs = {one.id: one for one in runs}
        self.schedules = {one.name: one for one in schedules}
        self.needs: dict[str, Mapping[str, Sequence[str]]] = {}
        self.logs: dict[int, str] = {}
        self.said: dict[int, Mapping[str, Any]] = {}
        """By run what its row says instead."""
        self.stale: set[str] = set()
        """Steps of which an input has changed since."""
        self.acted: list[tuple[str, int | str, str]] = []
        self.log: list[int] = []
        self.watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return CLOCK.now()

    # ---------------- what a test does

    def set(self, *runs: RunRecord) -> None:
        with self.lock:
            self.runs.update((one.id, one) for one in runs)
        self.tell([one.id for one in runs])

    def change(self, id: int, **facts: Any) -> None:
        self.set(replace(self.runs[id], **facts))

    def tell(self, ids: Collection[int]) -> None:
        with self.lock:
            self.log.extend(ids or [0])
        for callback in list(self.watchers):
            callback()

    # ---------------- what a panel asks

    def row(self, one: RunRecord) -> PanelRow:
        needs = self.needs.get(one.pipeline or "", {}).get(one.step or "", ()) if one.index is None else ()
        siblings = self.steps(one.parent) if one.parent is not None else []
        ended = {sibling.step for sibling in siblings if sibling.state.final}
        found = self.schedules.get(one.schedule or "")
        row = panel_row(
            one, trigger=found and found.trigger, needs=[need for need in needs if need not in ended],
            items=self.counts(one) if one.kind == "map" else None,
        )  # fmt: skip
        return {**row, **self.said.get(one.id, {})}  # type: ignore[typeddict-item]

    def counts(self, mapped: RunRecord) -> dict[str, int]:
        return dict(Counter(str(item.state) for item in self.steps(mapped.id)))

    def overview(self) -> Overview:
        with self.lock:
            states = [one.state for one in self.runs.values() if one.parent is None]
            lines = [schedule_line(one) for one in self.schedules.values()]
        counts = Counts(
            running=states.count(State.RUNNING), queued=states.count(State.QUEUED),
            pending=states.count(State.PENDING),
        )  # fmt: skip
        return Overview(now_ms=milliseconds(self.now()) or 0, counts=counts, schedules=lines)

    def snapshot(self) -> PanelSnapshot:
        with self.lock:
            roots = [one for _, one in sorted(self.runs.items(), reverse=True) if one.parent is None]
            rows = [self.row(one) for one in roots]
        return PanelSnapshot(overview=self.overview(), rows=rows, history=history(rows))

    def rows(self, ids: Collection[int]) -> list[PanelRow]:
        with self.lock:
            return [self.row(self.runs[id]) for id in ids if id in self.runs]

    def steps(self, id: int) -> list[RunRecord]:
        return [one for one in self.runs.values() if one.parent == id]

    def pipeline(self, run_id: int) -> PipelineView | None:
        with self.lock:
            root = self.runs.get(run_id)
            if root is None or root.kind != "pipeline":
                return None
            before = [
                r
                for r in self.runs.values()
                if r.name == root.name and r.kind == "pipeline" and r.id < root.id
            ]
            past = [(one, self.steps(one.id)) for one in sorted(before, key=lambda one: one.id)[-11:]]
            steps = [self.row(step) for step in self.steps(run_id)]
            view = pipeline_view(self.row(root), steps, self.needs[root.name], past)
            for node in view["nodes"]:
                if node["name"] in self.stale:
                    node["stale"] = True
            return view

    def details(self, run_id: int) -> Details | None:
        with self.lock:
            one = self.runs.get(run_id)
            if one is None:
                return None
            tries = [
                AttemptRecord(number=n + 1, host="here", pid=1, started_at=one.started_at, ended_at=one.ended_at,
                              outcome="failed", error=None, output=None)
                for n in range(one.attempt) if one.started_at
            ]  # fmt: skip
            path = [self.row(around) for around in self.path(one)]
            return details(self.row(one), one, tries, self.logs.get(run_id, ""), path, self.items(one))

    def path(self, one: RunRecord) -> list[RunRecord]:
        around = self.runs.get(one.parent or 0)
        return [*self.path(around), around] if around else []

    def items(self, one: RunRecord) -> Items | None:
        if one.kind != "map":
            return None
        ranks = [State.FAILED, State.RUNNING, State.QUEUED, State.PENDING]
        rank = lambda item: ranks.index(item.state) if item.state in ranks else len(ranks)  # noqa: E731
        first = sorted(self.steps(one.id), key=rank)[:100]
        return items_view(self.counts(one), [self.row(item) for item in first], first)

    def changed(self, cursor: Any, looked: Collection[int]) -> tuple[Collection[int], Any]:
        with self.lock:
            told = set(self.log[len(self.log) if cursor is None else cursor :])
            told |= {self.runs[id].parent for id in told if id in self.runs} - {None}
            return {id for id in told if id in looked or self.told_of(id, looked)}, len(self.log)

    def told_of(self, id: int, looked: Collection[int]) -> bool:
        parent = self.runs[id].parent if id in self.runs else None
        return parent is None or (parent in looked and self.runs[parent].kind != "map")

    def watch(self, callback: Callable[[], None]) -> Watching:
        self.watchers.append(callback)
        return Watching(self.watchers, callback)

    def act(self, verb: Verb, target: int | str, value: str = "") -> None:
        self.acted.append((verb, target, threading.current_thread().name))
        if verb == "cancel" and isinstance(target, int):
            if self.runs[target].state.final:
                raise InvalidState(f"run {target} has ended: only a run that waits or runs can be cancelled")
            self.change(target, state=State.CANCELLED, reason="by user", ended_at=self.now(), progress=None)
        elif verb == "retry" and isinstance(target, int):
            new = replace(self.runs[target], id=max(self.runs) + 1, state=State.QUEUED, reason=None, error=None,
                          attempt=0, retry_of=target, started_at=None, ended_at=None)  # fmt: skip
            self.set(new)
        elif verb in ("approve", "reject") and isinstance(target, int):
            self.said.pop(target)
            state = State.SUCCEEDED if verb == "approve" else State.FAILED
            self.change(target, state=state, started_at=self.now(), ended_at=self.now())
        elif verb in ("pause", "resume") and isinstance(target, str):
            paused = "by user" if verb == "pause" else None
            self.schedules[target] = replace(self.schedules[target], paused=paused)
            self.tell(())


STEPS = {
    "prepare": (),
    "train_logistic": ("prepare",),
    "train_forest": ("prepare",),
    "train_svm": ("prepare",),
    "evaluate": ("train_logistic", "train_forest", "train_svm"),
    "deploy": ("evaluate",),
    "report": ("evaluate", "prepare"),
}


def training(source: MemorySource, id: int, ends: Mapping[str, State], at: datetime, *, state: State) -> None:
    """A run of the pipeline `training` whose steps stand as `ends` says, ids following its own."""
    source.needs["training"] = STEPS
    seconds = {
        "prepare": 4,
        "train_logistic": 12,
        "train_forest": 40,
        "train_svm": 21,
        "evaluate": 6,
        "deploy": 2,
    }
    begin = at
    for place, name in enumerate(STEPS, 1):
        now = ends.get(name, State.PENDING)
        spent = timedelta(seconds=seconds.get(name, 3) * (1 + id % 7 / 10))
        error = (
            Error("ValueError", "penalty must be l2", cell=7, line="model.fit(x, y)", traceback="…")
            if now is State.FAILED
            else None
        )
        begun = now not in (State.PENDING, State.QUEUED, State.SKIPPED)
        source.runs[id + place] = run(
            id + place, name, now, at=at, pipeline="training", step=name, parent=id, error=error, retries=3,
            started_at=begin if begun else None, ended_at=begin + spent if begun and now.final else None,
            reason="condition" if now is State.SKIPPED else None,
        )  # fmt: skip
        begin += spent if name in ("prepare", "train_svm", "evaluate") else timedelta(seconds=1)
    failed = next((name for name, end in ends.items() if end is State.FAILED), None)
    source.runs[id] = run(
        id, "training", state, at=at, kind="pipeline", pipeline="training", schedule="training", started_at=at,
        ended_at=begin if state.final else None,
        error=Error("StepFailed", f"{failed} failed") if failed and state is State.FAILED else None,
    )  # fmt: skip


def day(now: datetime | None = None) -> MemorySource:
    """A day in the life of a store, up to now: the runs of the drawing."""
    now = now or CLOCK.now()
    ago = lambda **kw: now - timedelta(**kw)  # noqa: E731
    source = MemorySource(schedules=[
        schedule("training", "@daily", now + timedelta(minutes=41), last_run=4180),
        schedule("etl", "on data.available", None, tz=None, overlap="queue_one"),
        schedule("monitor", "every 30s", now + timedelta(seconds=12), tz=None, last_run=4140),
        schedule("report", "0 6 * * mon-fri", now + timedelta(hours=9), missed="none"),
        schedule("backup", "30 3 * * *", now + timedelta(hours=6), paused="by user"),
    ])  # fmt: skip
    ok = dict.fromkeys(STEPS, State.SUCCEEDED)
    for past in range(11):
        ends = dict(ok)
        if past in (1, 5):
            ends["deploy"] = State.SKIPPED
        if past == 3:
            ends |= {"train_logistic": State.FAILED, "evaluate": State.SKIPPED, "deploy": State.SKIPPED}
        end = State.FAILED if past == 3 else State.SUCCEEDED
        training(source, 1000 + 20 * past, ends, ago(days=11 - past), state=end)
    live = {
        "prepare": State.SUCCEEDED,
        "train_logistic": State.SUCCEEDED,
        "train_forest": State.RUNNING,
        "train_svm": State.QUEUED,
    }
    training(source, 4180, live, ago(seconds=72), state=State.RUNNING)
    source.runs[4183] = replace(
        source.runs[4183], started_at=ago(seconds=50), ended_at=None, progress=(7, 12, "")
    )
    source.runs[4184] = replace(
        source.runs[4184], attempt=1, started_at=ago(seconds=60), not_before=now + timedelta(seconds=38)
    )
    source.runs[4180] = replace(source.runs[4180], progress=(2, 7, "train_forest"))
    for n in range(14):
        id, at = 4000 + n, ago(minutes=5 * (14 - n))
        bad = n == 9
        source.runs[id] = run(
            id, "etl", State.FAILED if bad else State.SUCCEEDED, at=at, schedule="etl", kind="notebook", started_at=at,
            ended_at=at + timedelta(seconds=7 + n % 4), error=Error("ConnectionError", "refused") if bad else None,
        )  # fmt: skip
    for n in range(60):
        id, at = 4040 + n, ago(seconds=2700 + 30 * (60 - n))
        source.runs[id] = run(id, "monitor", at=at, schedule="monitor", kind="cell", started_at=at,
                              ended_at=at + timedelta(milliseconds=300 + 40 * (n % 5)))  # fmt: skip
    for n, end in enumerate([State.SUCCEEDED] * 5 + [State.FAILED] * 2):
        at = ago(hours=24 * (8 - n))
        source.runs[3000 + n] = run(3000 + n, "report", end, at=at, schedule="report", started_at=at,
                                    ended_at=at + timedelta(seconds=20 + n))  # fmt: skip
    trace = "\n".join(["Traceback (most recent call last):", '  File "report.ipynb", cell 5, line 3',
                       '    total = df["amount"].sum()', "KeyError: 'amount'"])  # fmt: skip
    extra = [
        run(
            4120,
            "train_svm",
            State.QUEUED,
            at=ago(minutes=4),
            attempt=1,
            retries=3,
            not_before=now + timedelta(seconds=38),
        ),
        run(
            4130,
            "monitor",
            State.SKIPPED,
            at=ago(minutes=43),
            until=ago(minutes=3),
            count=80,
            reason="paused",
            schedule="monitor",
            kind="cell",
        ),
        run(
            4140,
            "monitor",
            at=ago(minutes=2),
            schedule="monitor",
            kind="cell",
            started_at=ago(minutes=2),
            ended_at=ago(minutes=2) + timedelta(milliseconds=420),
        ),
        run(4150, "deploy", State.PENDING, at=ago(seconds=90)),
        run(
            4160,
            "report",
            State.FAILED,
            at=ago(minutes=12),
            schedule="report",
            attempt=3,
            retries=2,
            started_at=ago(minutes=12),
            ended_at=ago(minutes=12) + timedelta(seconds=21),
            error=Error("KeyError", "'amount'", cell=5, line='total = df["amount"].sum()', traceback=trace),
            params={"day": "2026-11-22", "region": "EU"},
            values={"rows": 18204},
            output="/home/me/store.runs/4160/report.ipynb",
        ),
        run(
            4170,
            "etl",
            State.RUNNING,
            at=ago(seconds=8),
            schedule="etl",
            kind="function",
            started_at=ago(seconds=8),
            progress=(31, 120, "fetch"),
        ),
        run(4171, "thumbnails", State.QUEUED, at=ago(seconds=5), kind="shell"),
        run(
            4172,
            "cleanup",
            State.CANCELLED,
            at=ago(minutes=30),
            kind="shell",
            reason="by user",
            started_at=ago(minutes=30),
            ended_at=ago(minutes=29),
        ),
    ]
    source.runs.update((one.id, one) for one in extra)
    source.logs[4160] = "reading sales.csv\n18204 rows\n" + trace
    return source


def many(amount: int = 10_000) -> MemorySource:
    """So many runs of twenty names, the newest fifty running."""
    now = CLOCK.now()
    source = MemorySource()
    for id in range(1, amount + 1):
        at = now - timedelta(seconds=amount - id)
        running = id > amount - 50
        source.runs[id] = run(
            id,
            f"work_{id % 20}",
            State.RUNNING if running else State.SUCCEEDED,
            at=at,
            started_at=at,
            ended_at=None if running else at + timedelta(milliseconds=500 + id % 700),
            progress=(0, 100, "") if running else None,
        )
    return source


def hostile() -> MemorySource:
    """A store in which every text tries to be more than text."""
    now = CLOCK.now()
    source = MemorySource()
    source.needs["<b>evil</b>"] = dict.fromkeys(HOSTILE, ())
    source.runs[1] = run(
        1, "<b>evil</b>", State.RUNNING, at=now, kind="pipeline", pipeline="<b>evil</b>", started_at=now
    )
    for n, text in enumerate(HOSTILE):
        error = Error(text, text, cell=1, line=text, traceback=text)
        source.runs[2 + n] = run(
            2 + n,
            text,
            State.FAILED,
            at=now,
            pipeline="<b>evil</b>",
            step=text,
            parent=1,
            reason=text,
            error=error,
            started_at=now,
            ended_at=now,
            values={text: text},
            result=text,
        )
        source.runs[50 + n] = run(
            50 + n,
            text,
            State.FAILED,
            at=now,
            schedule=text,
            reason=text,
            error=error,
            key=text,
            params={text: text},
            values={text: [text]},
            result=text,
            output=text,
            started_at=now,
            ended_at=now,
        )
        source.schedules[text] = schedule(text, text, now + timedelta(hours=1), tz=text)
        source.logs[50 + n] = text
    return source
