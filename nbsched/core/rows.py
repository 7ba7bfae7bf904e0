"""A run, a schedule, an event as the row people see: JSON for programs, one panel row for widget, magics and CLI."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NotRequired, TypedDict

from nbsched.core.estimate import Estimate
from nbsched.core.items import ended, how_many
from nbsched.core.model import Approval, AttemptRecord, Event, RunRecord, ScheduleRecord
from nbsched.core.reasons import retries, why
from nbsched.core.references import resolve
from nbsched.core.states import State
from nbsched.core.tables import INDENT, one_line
from nbsched.core.wire import decode


class RunRow(TypedDict):
    """A run in JSON; times are ISO 8601 with offset."""

    id: int
    name: str
    schedule: str | None
    state: str
    reason: str | None
    attempt: int
    scheduled_at: str
    until: str | None
    count: int
    started_at: str | None
    ended_at: str | None
    pipeline: str | None
    step: str | None
    index: int | None
    parent: int | None
    params: dict[str, Any]
    result: Any
    values: dict[str, Any]
    error: str | None
    output: str | None
    key: str | None
    retry_of: int | None


class AttemptRow(TypedDict):
    """One try of a run in JSON."""

    number: int
    host: str
    pid: int | None
    started_at: str
    ended_at: str | None
    outcome: str | None
    error: str | None
    output: str | None


class ScheduleRow(TypedDict):
    """A schedule in JSON."""

    name: str
    trigger: str
    tz: str | None
    next_at: str | None
    paused: str | None
    overlap: str
    missed: str
    last_run: int | None


class EventRow(TypedDict):
    """An event in JSON."""

    id: str
    name: str
    at: str
    seq: int
    data: dict[str, Any]
    key: NotRequired[str]
    """Of the run that alone it is meant for, when it is a signal."""


class PanelRow(TypedDict):
    """A run as one line for people; instants are milliseconds since 1970, so that a view can count along."""

    id: int
    name: str
    detail: str
    state: str
    reason: str | None
    sign: str
    tone: str
    """One of `ok run wait bad warn skip`: what the colour says, never alone."""
    why: str
    progress: tuple[int, int] | None
    scheduled_ms: int
    until_ms: int | None
    started_ms: int | None
    ended_ms: int | None
    due_ms: int | None
    """What `why` counts towards: the next attempt."""
    ends_ms: int | None
    """When it will have ended, by its last runs; `rest_ms` of that are behind the current cell."""
    rest_ms: int
    series: str
    """Runs of one series are compared with each other: the last ten, the usual duration."""
    parent: int | None
    step: str | None
    index: int | None
    schedule: str | None
    pipeline: bool
    items: dict[str, int] | None
    """Of a mapped step how many items there are by state; None of all else, and where they were not counted."""
    actions: tuple[str, ...]


def run_row(run: RunRecord) -> RunRow:
    """The run as SPEC'd JSON."""
    return RunRow(
        id=run.id, name=run.name, schedule=run.schedule, state=str(run.state), reason=run.reason, attempt=run.attempt,
        scheduled_at=run.scheduled_at.isoformat(), until=iso(run.until), count=run.count,
        started_at=iso(run.started_at), ended_at=iso(run.ended_at), pipeline=run.pipeline, step=run.step,
        index=run.index, parent=run.parent, params=readable(run.params), result=readable(run.result),
        values=readable(run.values), error=text(run.error), output=run.output, key=run.key, retry_of=run.retry_of,
    )  # fmt: skip


def attempt_row(attempt: AttemptRecord) -> AttemptRow:
    """The attempt as JSON."""
    return AttemptRow(
        number=attempt.number, host=attempt.host, pid=attempt.pid, started_at=attempt.started_at.isoformat(),
        ended_at=iso(attempt.ended_at), outcome=attempt.outcome, error=text(attempt.error), output=attempt.output,
    )  # fmt: skip


def schedule_row(schedule: ScheduleRecord) -> ScheduleRow:
    """The schedule as SPEC'd JSON."""
    return ScheduleRow(
        name=schedule.name, trigger=schedule.trigger, tz=schedule.tz, next_at=iso(schedule.next_at),
        paused=schedule.paused, overlap=schedule.overlap, missed=schedule.missed, last_run=schedule.last_run,
    )  # fmt: skip


def event_row(event: Event) -> EventRow:
    """The event as SPEC'd JSON."""
    row = EventRow(
        id=event.id, name=event.name, at=event.at.isoformat(), seq=event.seq, data=plain(event.data)
    )
    return row if event.key is None else {**row, "key": event.key}


def iso(at: datetime | None) -> str | None:
    """ISO 8601 with offset, or None."""
    return at.isoformat() if at else None


def text(value: str | None) -> str | None:
    """The bare text of a str subclass, or None."""
    return None if value is None else str.__str__(value)


def milliseconds(at: datetime | None) -> int | None:
    """Milliseconds since 1970, or None."""
    return None if at is None else math.floor(at.timestamp() * 1000)


def plain(value: Any) -> Any:
    """The value as JSON for any reader: dates as ISO text, NaN and infinities as text, the unknown as its repr."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return repr(value)


def readable(stored: Any) -> Any:
    """A stored value as JSON for any reader; what lies in a file, and what is not known yet, stays named."""
    return plain(resolve(decode(stored, dict), lambda reference: reference.written))


# ---------------------------------------------------------------- the one row people see

_LOOK: Mapping[State, tuple[str, str]] = {
    State.PENDING: ("○", "wait"),
    State.QUEUED: ("◌", "wait"),
    State.RUNNING: ("◐", "run"),
    State.SUCCEEDED: ("✓", "ok"),
    State.FAILED: ("✕", "bad"),
    State.CANCELLED: ("■", "skip"),
    State.SKIPPED: ("⊘", "skip"),
}
_RETRYING = ("◔", "warn")


def panel_row(
    run: RunRecord, *, trigger: str | None = None, needs: Sequence[str] = (), items: Mapping[str, int] | None = None
) -> PanelRow:  # fmt: skip
    """The run as one line; `trigger` is its schedule's text, `needs` the names it still waits for.

    `items` says how many items there are in a mapped step by state.
    """
    state = _shown(run)
    sign, tone = look(state, run.attempt)
    return PanelRow(
        id=run.id, name=one_line(run.name), detail=one_line(_detail(run, items)), state=str(state),
        reason=text(run.reason), sign=sign, tone=tone, why=one_line(why(run, trigger, needs, items or {})),
        progress=_progress(run, items or {}),
        scheduled_ms=math.floor(run.scheduled_at.timestamp() * 1000), until_ms=milliseconds(run.until),
        started_ms=milliseconds(run.started_at), ended_ms=milliseconds(run.ended_at),
        due_ms=milliseconds(run.not_before) if _retrying(run) or _held_back(run) else None,
        ends_ms=run.estimate.ends_ms if run.estimate else None,
        rest_ms=run.estimate.rest_ms if run.estimate else 0, series=series(run),
        parent=run.parent, step=run.step, index=run.index, schedule=run.schedule, pipeline=run.kind == "pipeline",
        items=None if items is None else dict(items), actions=actions(run),
    )  # fmt: skip


def series(run: RunRecord) -> str:
    """What the run is one of: its pipeline's step, a mapped step's items, else its name."""
    step = f"{run.pipeline}.{run.step}" if run.pipeline and run.parent is not None and run.step else run.name
    return step if run.index is None else f"{step}[]"


def actions(run: RunRecord) -> tuple[str, ...]:
    """The verbs a person may use on the run now, the likeliest first."""
    if not run.state.final:
        return () if run.cancel_requested else (*_answers(run), "cancel")
    if run.parent is not None or run.state is State.SKIPPED:
        return ()
    return ("retry",)


def _answers(run: RunRecord) -> tuple[str, ...]:
    asked = run.waits_for if run.started_at is not None else None
    if not isinstance(asked, Approval):
        return ()
    return ("approve", "reject") if asked.type == "bool" else ("answer",)


def _shown(run: RunRecord) -> State:
    """A sensor waits, also while it is being looked at."""
    return State.QUEUED if run.waits_for is not None and run.state is State.RUNNING else run.state


def look(state: State, attempt: int) -> tuple[str, str]:
    """The sign and the tone of a run in that state after so many attempts."""
    return _RETRYING if retries(state, attempt) else _LOOK[state]


def _retrying(run: RunRecord) -> bool:
    return retries(run.state, run.attempt)


def _held_back(run: RunRecord) -> bool:
    """It waits for its rate."""
    return run.state is State.QUEUED and run.reason == "rate"


def _progress(run: RunRecord, items: Mapping[str, int]) -> tuple[int, int] | None:
    done, total = ended(items) if items else run.progress[:2] if run.progress else (0, 0)
    return (done, total) if run.state is State.RUNNING and total > 0 else None


def _detail(run: RunRecord, items: Mapping[str, int] | None) -> str:
    parts = [f"[{run.index}]" if run.index is not None else "", f"× {run.count}" if run.count > 1 else ""]
    if items is not None:
        parts.append(how_many(run.state, items))
    elif run.progress and run.state is State.RUNNING:
        parts.append(_how_far(run.kind, *run.progress))
    if run.late:
        parts.append("late")
    if run.attempt > 1 and not _retrying(run):
        parts.append(f"attempt {run.attempt} of {max(run.attempt, run.retries + 1)}")
    return _joined(*parts)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _how_far(kind: str, done: int, total: int, label: str) -> str:
    """`cell 3 of 12` of a notebook; of others what it is at and how much is done."""
    if not total:
        return label
    if kind == "notebook":
        return f"{label or f'cell {done}'} of {total}"
    count = f"{'step ' if kind == 'pipeline' else ''}{done} of {total}"
    return f"{label} · {count}" if label else count


# ---------------------------------------------------------------- the row as text

COLUMNS = ("", "run", "what", "why", "progress", "took", "when")


def panel_cells(row: PanelRow, now: datetime, depth: int = 0) -> tuple[str, ...]:
    """The row, so deep in others, as text under COLUMNS; clock times are in `now`'s zone."""
    now_ms = math.floor(now.timestamp() * 1000)
    done, total = row["progress"] or (0, 0)
    return (
        row["sign"],
        str(row["id"]),
        f"{INDENT * depth}{row['name']}  {_joined(row['detail'], left_text(row, now_ms))}".rstrip(),
        why_text(row, now),
        f"{100 * done // total} %" if total else "",
        took_text(took_ms(row, now_ms)),
        when_text(row["ended_ms"] or row["started_ms"] or row["scheduled_ms"], now_ms),
    )


def why_text(row: PanelRow, now: datetime) -> str:
    """Why the row is as it is, with the instants it is about."""
    if row["due_ms"] is not None:
        return f"{row['why']} {when_text(row['due_ms'], math.floor(now.timestamp() * 1000))}"
    if row["until_ms"] is not None and row["until_ms"] != row["scheduled_ms"]:
        span = " – ".join(_clock(at, now.tzinfo) for at in (row["scheduled_ms"], row["until_ms"]))
        return f"{row['why']} {span}"
    return row["why"]


def _clock(at_ms: int, tz: tzinfo | None) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz).strftime("%H:%M")


def took_ms(row: PanelRow, now_ms: int) -> int | None:
    """How long it has run, milliseconds; None while it waits."""
    if row["started_ms"] is None or row["state"] in ("pending", "queued"):
        return None
    return max(0, (row["ended_ms"] or now_ms) - row["started_ms"])


def took_text(took: int | None) -> str:
    """A duration of milliseconds as people read it: `12 ms`, `4.1 s`, `0:21`, `1:02:05`, `3 d 4 h`."""
    if took is None:
        return "—"
    if took < 100:
        return f"{took} ms"
    if took < 9950:
        tenths = (took + 50) // 100
        return f"{tenths // 10}.{tenths % 10} s"
    seconds = (took + 500) // 1000
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    if days:
        return f"{days} d {hours} h"
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def left_text(row: PanelRow, now_ms: int) -> str:
    """`about 40 s left`, `about 3 min left`; empty where that is not known, or was wrong."""
    if row["ends_ms"] is None:
        return ""
    left = Estimate(row["ends_ms"], row["rest_ms"]).left_ms(now_ms)
    if left is None:
        return ""
    size, unit = next((s, u) for s, u, most in _LEFT if left <= 1000 * most)
    return f"about {-(-left // (1000 * size))} {unit} left"


_LEFT = ((1, "s", 90), (60, "min", 5400), (3600, "h", math.inf))


def when_text(at_ms: int | None, now_ms: int) -> str:
    """How far from now: `now`, `in 38 s`, `41 min ago`, `in 3 h`, `2 d ago`."""
    if at_ms is None:
        return ""
    apart = at_ms - now_ms
    seconds = abs(apart) / 1000
    if seconds < 1:
        return "now"
    size, unit = next((s, u) for s, u, most in _SCALE if seconds < most)
    amount = f"{math.floor(seconds / size)} {unit}"
    return f"in {amount}" if apart > 0 else f"{amount} ago"


_SCALE = ((1, "s", 60), (60, "min", 3600), (3600, "h", 172_800), (86_400, "d", math.inf))
