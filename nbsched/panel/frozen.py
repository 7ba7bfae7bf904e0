"""What a panel leaves in a saved notebook: a picture of the graph and a table, plain HTML without script.

The picture is an image, for Jupyter shows images, and no inline SVG, in notebooks it does not trust; its
colours are read on light and dark pages alike.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise

from nbsched.core.panel import MOST_LINES, Details, Item, Line, Node, PanelSnapshot, PipelineView, shortened
from nbsched.core.rows import PanelRow, milliseconds, took_ms, took_text, why_text
from nbsched.core.tables import INDENT, Table, indented, named_values, one_line, short

Bundle = dict[str, str]
"""Text by MIME type."""

FAILED_ITEMS = 10
"""So many failed items of a mapped step are named."""

COLOURS: Mapping[str, str] = {
    "ok": "#2f9e62", "run": "#2f80d0", "wait": "#8a90a0", "bad": "#d9483b", "warn": "#c08a1e", "skip": "#9aa1ae",
}  # fmt: skip
_WIDTH, _HEIGHT, _COLUMN, _ROW, _PAD = 156, 40, 204, 56, 6


def run(view: PipelineView, lines: Sequence[Line], details: Mapping[int, Details], now: datetime) -> Bundle:
    """A pipeline's run: its head, its graph, the lines of what is in it with what they gave, and their errors."""
    row = view["run"]
    facts = f"run {row['id']} · {row['state']} · {_took(row, now)} · {_instant(row['started_ms'], now)}"
    kept = shortened(lines)
    rows, left = [step for _, step in kept], len(lines) - len(kept)
    cells = [_step_cells(depth, step, details.get(step["id"]), now) for depth, step in kept]
    columns = ("", "step", "why", "took", "started", "gave")
    more = f"{left} more steps ended without a failure" if left else ""
    head = f"<p>{_sign(row)} <b>{escape(row['name'])}</b> {escape(facts)}</p>"
    end = [f"<p>{more}</p>"] if more else []
    html = _page([head, _image(view), _table(columns, cells, rows), *end, *_errors(rows, details)])
    plain = f"{row['sign']} {row['name']} {facts}\n{Table(columns, cells)}\n{more}"
    return {"text/html": html, "text/plain": plain.rstrip()}


def store(snapshot: PanelSnapshot, now: datetime) -> Bundle:
    """The newest runs of a store, as they were at `now`."""
    rows, counts = snapshot["rows"][:MOST_LINES], snapshot["overview"]["counts"]
    facts = f"{counts['running']} running · {counts['queued']} queued · {_instant(milliseconds(now), now)}"
    cells = [_run_cells(row, now) for row in rows]
    columns = ("", "run", "what", "why", "took", "started")
    html = _page([f"<p><b>nbsched</b> {escape(facts)}</p>", _table(columns, cells, rows)])
    return {"text/html": html, "text/plain": f"nbsched {facts}\n{Table(columns, cells)}"}


def _run_cells(row: PanelRow, now: datetime) -> tuple[str, ...]:
    what = f"{row['name']} {row['detail']}".rstrip()
    return (
        row["sign"],
        str(row["id"]),
        what,
        why_text(row, now),
        _took(row, now),
        _instant(row["started_ms"], now),
    )


def _step_cells(depth: int, step: PanelRow, details: Details | None, now: datetime) -> tuple[str, ...]:
    what = f"{INDENT * depth}{step['name']} {step['detail']}".rstrip()
    gave = _gave(details) if details else ""
    return step["sign"], what, why_text(step, now), _took(step, now), _instant(step["started_ms"], now), gave


def _gave(details: Details) -> str:
    """The named values, else the result, shortened."""
    run = details["run"]
    if run["values"] or run["result"] is None:
        return named_values(run["values"])
    return one_line(short(json.dumps(run["result"], ensure_ascii=False)))


def _took(row: PanelRow, now: datetime) -> str:
    return took_text(took_ms(row, milliseconds(now) or 0))


def _instant(at_ms: int | None, now: datetime) -> str:
    """In the zone of `now`."""
    return (
        ""
        if at_ms is None
        else datetime.fromtimestamp(at_ms / 1000, now.tzinfo).strftime("%Y-%m-%d %H:%M:%S")
    )


# ---------------------------------------------------------------- HTML


def _page(parts: Iterable[str]) -> str:
    return f'<div class="nbsched-frozen">{"".join(parts)}</div>'


def _sign(row: PanelRow) -> str:
    return f'<span style="color:{COLOURS[row["tone"]]}" title="{escape(row["state"])}">{row["sign"]}</span>'


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]], rows: Sequence[PanelRow]) -> str:
    head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in columns)
    lines = "".join(_line(row, line) for row, line in zip(rows, cells, strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _line(row: PanelRow, cells: Sequence[str]) -> str:
    rest = "".join(f'<td style="text-align:left">{indented(cell)}</td>' for cell in cells[1:])
    return f"<tr><td>{_sign(row)}</td>{rest}</tr>"


def _errors(rows: Sequence[PanelRow], details: Mapping[int, Details]) -> list[str]:
    """Of a pipeline that a step inside has failed only that one's."""
    said = {row["parent"] for row in rows if row["tone"] == "bad"}
    return [_error(row, details[row["id"]]) for row in rows if row["id"] in details and row["id"] not in said]


def _error(step: PanelRow, details: Details) -> str:
    error, failed = details["error"], _failed(details)
    if error is None:
        return ""
    line = f"\n{error['line']}" if error["line"] else ""
    items = "\n".join(f"[{one['row']['index']}] {one['row']['why']}" for one in failed)
    return (
        f"<details><summary><b>{escape(step['name'])}</b>: {escape(step['why'] if failed else error['text'])}</summary>"
        f"<pre>{escape(items or error['traceback'] or error['text'] + line)}</pre></details>"
    )


def _failed(details: Details) -> list[Item]:
    """The first failed items of a mapped step."""
    found = details["items"]["first"] if details["items"] else ()
    return [item for item in found if item["row"]["state"] == "failed"][:FAILED_ITEMS]


# ---------------------------------------------------------------- the picture


def _image(view: PipelineView) -> str:
    picture = base64.b64encode(svg(view).encode()).decode()
    steps = ", ".join(f"{step['name']} {step['state']}" for step in view["steps"])
    return f'<p><img alt="{escape(steps)}" src="data:image/svg+xml;base64,{picture}"></p>'


def svg(view: PipelineView) -> str:
    """The graph as a picture of its own."""
    nodes, steps = view["nodes"], {step["step"]: step for step in view["steps"]}
    width = (max((node["layer"] for node in nodes), default=0)) * _COLUMN + _WIDTH + 2 * _PAD
    heights = [node["height"] for node in nodes] + [point[1] for points in view["edges"] for point in points]
    height = max(heights, default=0.0) * _ROW + _HEIGHT + 2 * _PAD
    lines = "".join(_curve(points) for points in view["edges"])
    boxes = "".join(_box(node, steps.get(node["name"])) for node in nodes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:g}" '
        f'viewBox="0 0 {width} {height:g}" font-family="system-ui, sans-serif" font-size="12">'
        f'<g fill="none" stroke="#9aa1ae" stroke-width="1.4">{lines}</g>{boxes}</svg>'
    )


def _curve(points: Sequence[tuple[int, float]]) -> str:
    """From box to box, level through the places where it passes a layer."""
    path, half = "", (_COLUMN - _WIDTH) / 2
    for (layer, height), (_, next_height) in pairwise(points):
        x, y = _PAD + layer * _COLUMN + _WIDTH, _PAD + height * _ROW + _HEIGHT / 2
        end = _PAD + next_height * _ROW + _HEIGHT / 2
        start = f"M{x} {y:g}" if not path else f"H{x}"
        path += f"{start}C{x + half:g} {y:g} {x + half:g} {end:g} {x + 2 * half:g} {end:g}"
    return f'<path d="{path}"/>'


def _box(node: Node, step: PanelRow | None) -> str:
    x, y = _PAD + node["layer"] * _COLUMN, _PAD + node["height"] * _ROW
    colour = COLOURS[step["tone"] if step else "wait"]
    took = "" if step is None or step["ended_ms"] is None else took_text(took_ms(step, step["ended_ms"]))
    about = f"{step['sign']} {took if step['started_ms'] else step['state']}" if step else "not run"
    if step and step["items"] is not None and step["detail"]:
        about += f" · {step['detail']}"
    return (
        f'<g transform="translate({x} {y:g})"><rect width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{colour}" '
        f'fill-opacity=".1" stroke="{colour}" stroke-opacity=".55"/><rect width="4" height="{_HEIGHT}" rx="2" '
        f'fill="{colour}"/>{_holding(step)}<svg width="{_WIDTH - 6}" height="{_HEIGHT}" fill="#7b8190">'
        f'<text x="13" y="17" font-weight="600">{escape(one_line(node["name"]))}</text>'
        f'<text x="13" y="31" font-size="10.5">{escape(about)}</text></svg></g>'
    )


def _holding(step: PanelRow | None) -> str:
    """Edges of cards below a mapped step, a mark of depth on a pipeline."""
    paths: list[str] = []
    if step and step["items"] is not None:
        paths = [f"M{_WIDTH + at} {at + 4}V{_HEIGHT + at - 5}a5 5 0 0 1-5 5H{at + 4}" for at in (2.5, 5)]
    elif step and step["pipeline"]:
        paths = [f"M{_WIDTH - 15} {_HEIGHT / 2 - 5:g}l5 5l-5 5"]
    return "".join(f'<path d="{path}" fill="none" stroke="#9aa1ae"/>' for path in paths)
