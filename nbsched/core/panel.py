"""What a panel shows, as plain data, and what it is fed from."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from nbsched.core.layout import layout
from nbsched.core.model import Approval, AttemptRecord, RunRecord, ScheduleRecord
from nbsched.core.plan import CACHED
from nbsched.core.rows import (
    AttemptRow,
    PanelRow,
    RunRow,
    ScheduleRow,
    attempt_row,
    milliseconds,
    panel_row,
    plain,
    run_row,
    schedule_row,
)
from nbsched.core.tables import named_values
from nbsched.core.usage import Usage, usage_text

Verb = Literal["cancel", "retry", "approve", "reject", "answer", "trigger", "pause", "resume"]
"""What a panel can ask for: the first four of a run by id, the others of a schedule by name."""

Tick = tuple[int, str, int | None]
"""One past run of a series: id, tone, milliseconds it took."""

LAST = 10
"""So many past runs a row is compared with."""
LAST_OF_PIPELINE = 12
"""So many runs of a pipeline, the shown one among them, stand side by side."""
MOST_LINES = 40
"""So many lines of a run and of what is in it are printed or kept."""
LONGEST = 2000
"""So many characters of a parameter are shown."""

Line = tuple[int, PanelRow]
"""A run among those it is shown with, and how deep it lies: 0 the whole one, 1 its steps, then what is in these."""


class Counts(TypedDict):
    """How many runs, without steps, there are now."""

    running: int
    queued: int
    pending: int


class ScheduleLine(ScheduleRow):
    """A schedule as one line for people."""

    next_ms: int | None
    actions: tuple[Verb, ...]


class Node(TypedDict):
    """A step in the picture of its pipeline: column, height in boxes, and its run once there is one."""

    name: str
    layer: int
    height: float
    run: int | None
    stale: NotRequired[bool]
    """Whether a file that its last success read is another now, which `changed` names."""
    changed: NotRequired[str]


class PastRun(TypedDict):
    """One column of the matrix; `cells` has a tone and a run id per step, or None where the step was not there."""

    id: int
    tone: str
    took_ms: int | None
    scheduled_ms: int
    cells: list[tuple[str, int] | None]


class PipelineView(TypedDict):
    """A pipeline's run: itself, its steps, the picture, its last runs (oldest first) and its steps' history."""

    run: PanelRow
    steps: list[PanelRow]
    nodes: list[Node]
    edges: list[list[tuple[int, float]]]
    past: list[PastRun]
    history: dict[str, list[Tick]]


class ErrorView(TypedDict):
    """What went wrong: the line, where, and the whole traceback."""

    text: str
    cell: int | None
    line: str | None
    traceback: str


class Item(TypedDict):
    """One item of a mapped step, and what it was given."""

    row: PanelRow
    given: str


class Items(TypedDict):
    """What is in a mapped step: how many by state, those to be seen first, and how many there are beside them."""

    counts: dict[str, int]
    first: list[Item]
    more: int


class Asks(TypedDict):
    """What kind of answer a run waits for; one of the choices, where there are any."""

    kind: str
    choices: list[str]


class Details(TypedDict):
    """What is shown of one run that is looked at; `path` has what it is in, the outermost first."""

    row: PanelRow
    run: RunRow
    path: list[PanelRow]
    error: ErrorView | None
    attempts: list[AttemptRow]
    asks: Asks | None
    items: Items | None
    log: str
    cells: str
    """What the cells of a notebook used, those that have ended, in a line."""
    notebook: str | None
    """The file of a notebook's run."""


class Overview(TypedDict):
    """The head of the panel; `now_ms` is the source's clock, which the view counts along with."""

    now_ms: int
    counts: Counts
    schedules: list[ScheduleLine]


class PanelSnapshot(TypedDict):
    """All a panel shows of a store: `rows` newest first and without steps, `history` by series, oldest first."""

    overview: Overview
    rows: list[PanelRow]
    history: dict[str, list[Tick]]


class Handle(Protocol):
    """Ends what it was given for."""

    def cancel(self) -> None: ...


class Source(Protocol):
    """What a panel is fed from; every method may be called from any thread.

    `watch` calls back, from any thread and as often as it likes, when something may have changed, and
    `changed` then tells which runs have since the cursor it gave last; a cursor of None is now. Told of are
    the runs that are in no other, those looked at, and the steps of those: of items only the ones looked at.
    `act` raises what is refused; `value` is what was typed for it.
    """

    def snapshot(self) -> PanelSnapshot: ...
    def overview(self) -> Overview: ...
    def rows(self, ids: Collection[int]) -> list[PanelRow]: ...
    def pipeline(self, run_id: int) -> PipelineView | None: ...
    def details(self, run_id: int) -> Details | None: ...
    def changed(self, cursor: Any, looked: Collection[int]) -> tuple[Collection[int], Any]: ...
    def watch(self, callback: Callable[[], None]) -> Handle: ...
    def act(self, verb: Verb, target: int | str, value: str = "") -> None: ...


def schedule_line(schedule: ScheduleRecord) -> ScheduleLine:
    """The schedule as one line."""
    return ScheduleLine(
        **schedule_row(schedule),
        next_ms=None if schedule.paused else milliseconds(schedule.next_at),
        actions=("trigger", "resume" if schedule.paused else "pause"),
    )


def tick(row: PanelRow) -> Tick:
    """The row as one bar among the last of its series; what came from the cache does not tell how long it takes."""
    started, ended = row["started_ms"], row["ended_ms"]
    unknown = started is None or ended is None or row["reason"] == CACHED
    return row["id"], row["tone"], None if unknown else (ended or 0) - (started or 0)


def history(rows: Iterable[PanelRow]) -> dict[str, list[Tick]]:
    """The last ended runs of each series, oldest first; `rows` come newest first."""
    found: dict[str, list[Tick]] = {}
    for row in rows:
        ticks = found.setdefault(row["series"], [])
        if row["ended_ms"] is not None and len(ticks) < LAST:
            ticks.insert(0, tick(row))
    return {name: ticks for name, ticks in found.items() if ticks}


def details(
    row: PanelRow, run: RunRecord, attempts: Sequence[AttemptRecord] = (), log: str = "",
    path: Sequence[PanelRow] = (), items: Items | None = None, cells: Sequence[Usage] = (),
    notebook: str | None = None,
) -> Details:  # fmt: skip
    """What is shown of the run, of which `row` is the line."""
    error = run.error and ErrorView(
        text=str.__str__(run.error), cell=run.error.cell, line=run.error.line, traceback=run.error.traceback
    )
    shown = run_row(run)
    shown["params"] = {name: _short(value) for name, value in shown["params"].items()}
    return Details(
        row=row,
        run=shown,
        path=list(path),
        error=error or None,
        attempts=[attempt_row(one) for one in attempts],
        asks=_asks(run.waits_for),
        items=items,
        log=log,
        cells=usage_text(cells),
        notebook=notebook,
    )


def _asks(asked: Any) -> Asks | None:
    if not isinstance(asked, Approval):
        return None
    return Asks(kind=asked.type, choices=[str(choice) for choice in asked.choices])


def _short(value: Any) -> Any:
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(written) <= LONGEST else f"{written[:LONGEST]}…"


def items_view(counts: Mapping[str, int], rows: Sequence[PanelRow], runs: Sequence[RunRecord]) -> Items:
    """The items in number, and some of them: their lines and their runs, which say what they were given."""
    first = [
        Item(row=row, given=named_values(plain(run.params))) for row, run in zip(rows, runs, strict=True)
    ]
    return Items(counts=dict(counts), first=first, more=sum(counts.values()) - len(rows))


def shortened(lines: Sequence[Line], most: int = MOST_LINES) -> list[Line]:
    """At most so many of the lines, in their order: what failed and what lies least deep before all else."""
    ranks = sorted(range(len(lines)), key=lambda at: (lines[at][1]["tone"] != "bad", lines[at][0], at))
    return [lines[at] for at in sorted(ranks[:most])]


def paths(lines: Sequence[Line]) -> list[str]:
    """Each line's name behind those of the steps it is in: `inner › doubled`."""
    found: list[str] = []
    above: list[str] = []
    for depth, row in lines:
        above[max(0, depth - 1) :] = [row["step"] or row["name"]]
        found.append(" › ".join(above))
    return found


def pipeline_view(
    run: PanelRow,
    steps: Sequence[PanelRow],
    needs: Mapping[str, Sequence[str]],
    past: Sequence[tuple[RunRecord, Sequence[RunRecord]]] = (),
    stale: Mapping[str, str] | None = None,
) -> PipelineView:
    """The run's view; `needs` has every step in the order of definition, `past` the runs before, oldest first.

    `stale` says of steps which file has changed since they succeeded last.
    """
    changed = stale or {}
    edges = [(need, step) for step, before in needs.items() for need in before]
    drawn = layout(list(needs), edges)
    ids = {step["step"]: step["id"] for step in steps}
    return PipelineView(
        run=run,
        steps=list(steps),
        nodes=[
            Node(
                name=n,
                layer=p[0],
                height=p[1],
                run=ids.get(n),
                stale=n in changed,
                changed=changed.get(n, ""),
            )
            for n, p in drawn.places.items()
        ],
        edges=[list(points) for points in drawn.paths.values()],
        past=[past_run(one, its, list(needs)) for one, its in past],
        history=history(panel_row(step) for _, its in reversed(past) for step in its),
    )


def past_run(run: RunRecord, steps: Iterable[RunRecord], names: Sequence[str]) -> PastRun:
    """The run as one column of the matrix, a cell per step named."""
    row = panel_row(run)
    cells = {step.step: (panel_row(step)["tone"], step.id) for step in steps}
    return PastRun(
        id=run.id, tone=row["tone"], took_ms=tick(row)[2], scheduled_ms=row["scheduled_ms"],
        cells=[cells.get(name) for name in names],
    )  # fmt: skip
