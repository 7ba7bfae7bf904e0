"""Two executions of one notebook made comparable: all that no execution has in common with another is taken out."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")
"""Of messages, models, comms and displays."""
NOISE = (
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "<address>"),
    (re.compile(r"/tmp/ipykernel_\d+/\d+\.py"), "<cell>"),
    (re.compile(r"<<pid \d+>>"), "<pid>"),
)
STATES = "application/vnd.jupyter.widget-state+json"
OWN = "nbsched"
"""The metadata that is ours alone."""
TIMED = ("start_time", "end_time", "duration")


def normal(text: str, *places: tuple[str, Path]) -> dict[str, Any]:
    """The notebook's text as JSON, with the same names for ids, and for places the names given.

    Neighbouring pieces of one stream are joined: where a kernel cuts it is a matter of time.
    """
    notebook: dict[str, Any] = json.loads(text)
    for cell in notebook["cells"]:
        if "outputs" in cell:
            cell["outputs"] = _joined(cell["outputs"])
    text = json.dumps(notebook, ensure_ascii=False)
    for name, path in places:
        text = text.replace(json.dumps(str(path))[1:-1], f"<{name}>")
    for noise, name in NOISE:
        text = noise.sub(name, text)
    notebook = json.loads(text)
    notebook["metadata"] = _metadata(notebook["metadata"])
    notebook["cells"] = [_cell(cell) for cell in notebook["cells"]]
    return _with_names(notebook)


def _with_names(notebook: Mapping[str, Any]) -> dict[str, Any]:
    names = {found: f"<id {number}>" for number, found in enumerate(_ids(notebook))}
    named: dict[str, Any] = json.loads(ID.sub(lambda found: names[found[0]], json.dumps(notebook)))
    return named


def _ids(notebook: Mapping[str, Any]) -> dict[str, None]:
    """The ids as a reader comes upon them: in the cells, then in the models that these show, then in all others."""
    widgets = notebook["metadata"].get("widgets", {}).get(STATES, {})
    texts = {model: json.dumps(state, sort_keys=True) for model, state in widgets.get("state", {}).items()}
    parts = {part for model, text in texts.items() for part in ID.findall(text) if part != model}
    hidden = sorted(texts, key=lambda model: (model in parts, ID.sub("", texts[model])))
    ids: dict[str, None] = {}
    for seen in [*ID.findall(json.dumps(notebook["cells"])), *hidden, *ID.findall(json.dumps(notebook))]:
        _follow(seen, texts, ids)
    return ids


def _follow(model: str, texts: Mapping[str, str], ids: dict[str, None]) -> None:
    if model not in ids:
        ids[model] = None
        for other in ID.findall(texts.get(model, "")):
            _follow(other, texts, ids)


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in metadata.items() if name != OWN}
    if "papermill" in kept:
        kept["papermill"] = {
            name: _timed(value) if name in TIMED else value for name, value in kept["papermill"].items()
        }
    if "execution" in kept:
        kept["execution"] = {name: _timed(value) for name, value in kept["execution"].items()}
    return kept


def _timed(value: Any) -> str | None:
    """The kind of a time or duration: which it is differs."""
    if isinstance(value, str):
        zone = datetime.fromisoformat(value).utcoffset()
        return f"<time, {zone} from UTC>"
    assert value is None or (isinstance(value, float) and value >= 0), value
    return value if value is None else "<seconds>"


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    kept = {**cell, "metadata": _metadata(cell["metadata"]), "source": whole(cell["source"])}
    if {"injected-parameters", "papermill-error-cell-tag"} & set(kept["metadata"]["tags"]):
        kept["id"] = "<new>"
    return kept


def whole(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for output in outputs:
        text = whole(output.get("text", ""))
        if output["output_type"] != "stream":
            joined.append(output)
        elif joined and joined[-1].get("name") == output["name"]:
            joined[-1]["text"] += text
        else:
            joined.append({**output, "text": text})
    return joined


def assigned(cell: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a cell of parameters assigns."""
    namespace: dict[str, Any] = {}
    exec(compile(ast.parse(cell["source"]), "<parameters>", "exec"), namespace)
    return {name: value for name, value in namespace.items() if not name.startswith("_")}
