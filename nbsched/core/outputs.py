"""What cells show, as text and as HTML, and as what it is compared by."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbsched.core.messages import without_colours

Output = Mapping[str, Any]
"""An output of a cell, as a notebook has it."""

LONGEST = 1_000_000
"""So many characters of one printed text are shown, its end."""


def merged(outputs: Iterable[Output]) -> list[Output]:
    """The outputs, in which a text that was printed in pieces is one."""
    found: list[Output] = []
    for output in outputs:
        last = found[-1] if found else {}
        if output["output_type"] == "stream" and output.get("name") == last.get("name"):
            found[-1] = {**last, "text": text_of(last["text"]) + text_of(output["text"])}
        else:
            found.append(output)
    return found


def text_of(value: Any) -> str:
    """The text, however a notebook splits it."""
    return value if isinstance(value, str) else "".join(map(str, value))


def written_over(text: str) -> str:
    """The text as a terminal without colours leaves it: what follows a carriage return is written over its line."""
    lines = without_colours(text).split("\n")
    return "\n".join(_written_over(line) if "\r" in line else line for line in lines)


def _written_over(line: str) -> str:
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown


def output_text(output: Output) -> str:
    """The output as text, which ends its line unless it was printed without."""
    if output["output_type"] == "stream":
        return text_of(output["text"])
    if output["output_type"] == "error":
        return f"{_traceback(output)}\n"
    return f"{text_of(output['data'].get('text/plain', ''))}\n"


def _traceback(output: Output) -> str:
    return "\n".join(output.get("traceback") or [f"{output['ename']}: {output['evalue']}"])


def output_html(output: Output) -> str:
    """The output as HTML: what was meant as such by the code that made it, everything else as text."""
    if output["output_type"] in ("stream", "error"):
        return preformatted(_end_of(output_text(output)))
    return bundle_html(output["data"])


def _end_of(text: str) -> str:
    left = len(text) - LONGEST
    return f"… {left} characters before\n{text[-LONGEST:]}" if left > 0 else text


def bundle_html(data: Mapping[str, Any]) -> str:
    """What was displayed, in the richest kind that HTML can hold."""
    if "text/html" in data:
        return f"<div>{text_of(data['text/html'])}</div>"
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img src="data:{kind};base64,{html.escape(_packed(data[kind]))}">'
    if "image/svg+xml" in data:
        return text_of(data["image/svg+xml"])
    return preformatted(text_of(data.get("text/plain", "")))


def _packed(value: Any) -> str:
    return "".join(text_of(value).split())


def preformatted(text: str) -> str:
    """The text, in which nothing is markup, as a terminal without colours leaves it."""
    return f"<pre>{html.escape(written_over(text))}</pre>"


# --- compared ---


_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
_ACCIDENTAL = re.compile(rf"\b(?:0x[0-9a-f]{{4,16}}|{_UUID}|T_[0-9a-f]{{5}}|In ?\[\d+\])", re.IGNORECASE)
"""Addresses and ids, which are others in each run, and the numbers of executions."""


def comparable(outputs: Iterable[Output]) -> list[Any]:
    """What two cells with the same results have in common: no ids, no numbers of executions, no times."""
    return [_comparable(output) for output in merged(outputs)]


def _comparable(output: Output) -> Any:
    kind = output["output_type"]
    if kind == "stream":
        return output["name"], _plain("text/plain", output["text"])
    if kind == "error":
        return kind, output["ename"], _plain("text/plain", output["evalue"])
    return {name: _plain(name, value) for name, value in output["data"].items()}


def _plain(kind: str, value: Any) -> str:
    if kind.startswith("image/") and kind != "image/svg+xml":
        return _packed(value)
    if kind.startswith("application/") and kind.endswith("json"):
        text = json.dumps(value, sort_keys=True)
    else:
        text = written_over(text_of(value))
    return _ACCIDENTAL.sub("…", text)
