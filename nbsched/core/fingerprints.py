"""What a run's result depends on, part by part: one fingerprint of it all, and what changed in words.

A part is a text, or the facts of a file: a mapping whose `hash` alone counts. Values are kept as they are
when they are short (`="EU"`), else as their mark (`#9f…`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from nbsched.core.references import Reference
from nbsched.core.syntax import mark
from nbsched.core.wire import decode, encode

Parts = dict[str, Any]
SHORT = 80
"""So many characters of JSON are kept of a value, to be shown when it changes."""
SOURCE = "source"
OUTPUT = "output "
_FILES = ("input ", "module ", OUTPUT)


def value_part(value: Any, name: str = "value") -> str:
    """The value as a part; ValueNotStorable when it has no JSON form."""
    text = json.dumps(encode(value, name), ensure_ascii=False, sort_keys=True)
    return f"={text}" if len(text) <= SHORT else hidden(f"={text}")


def hidden(part: str) -> str:
    """The same part, not to be read."""
    return f"#{mark(part[1:])}" if part.startswith("=") else part


def param_part(name: str, value: Any) -> str:
    """What the part of a parameter is called; one that is another step's value says so."""
    taken = isinstance(value, Reference) and value.kind == "step"
    return f"params.{name} ({value.written})" if taken else f"params.{name}"


def fingerprint(parts: Parts) -> str:
    """One text for all parts but the outputs, which are there only afterwards."""
    counted = {name: _counted(part) for name, part in parts.items() if not name.startswith(OUTPUT)}
    return mark(json.dumps(counted, sort_keys=True))


def _counted(part: Any) -> Any:
    return part["hash"] if isinstance(part, Mapping) else hidden(part)


def changes(before: Parts, now: Parts) -> list[str]:
    """What differs, one text for each part that does; outputs are not compared."""
    names = [name for name in {**before, **now} if not name.startswith(OUTPUT)]
    return [
        text
        for name in names
        if name not in before or name not in now or _counted(before[name]) != _counted(now[name])
        for text in _changed(name, before.get(name), now.get(name))
    ]


def _changed(name: str, old: Any, new: Any) -> Iterator[str]:
    if name == SOURCE and old and new:
        yield from _source(old, new)
    elif name.startswith(_FILES):
        yield file_text(name, old, new)
    elif name.startswith("after "):
        step = name.removeprefix("after ")
        yield f"what {step} left changed" if old and new else f"{step} is {'a new' if new else 'no'} need"
    elif _readable(old) and _readable(new):
        yield f"{name}: {_shown(old)} → {_shown(new)}"
    else:
        yield f"{name} changed" if old and new else f"{name} is {'new' if new else 'gone'}"


def _readable(part: Any) -> bool:
    return part is None or (isinstance(part, str) and part.startswith("="))


def _shown(part: str | None) -> str:
    if part is None:
        return "(not given)"
    value = decode(json.loads(part[1:]))
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


def file_name(name: str) -> str:
    """The part of a file as a person reads it: `input data.csv`."""
    kind, _, path = name.partition(" ")
    return f"{kind} {path if kind == 'module' else path.replace(chr(92), '/').rpartition('/')[2]}"


def file_text(name: str, old: Any, new: Any) -> str:
    """How the file differs."""
    called = file_name(name)
    if not old or not new or not (old["hash"] and new["hash"]):
        return f"{called} is {'new' if new and new['hash'] else 'gone'}"
    sizes = size_text(old["size"]), size_text(new["size"])
    told = not name.startswith("module ") and sizes[0] != sizes[1]
    return f"{called} changed" + (f" ({sizes[0]} → {sizes[1]})" if told else "")


def size_text(size: int) -> str:
    """So many bytes as a person reads them."""
    if size < 1000:
        return f"{size} B"
    value, units = size / 1000, iter(("KB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= 999.5 and unit != "TB":
        value, unit = value / 1000, next(units)
    return f"{value:.3g} {unit}"


def _source(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    called = f"source of {new['name']}"
    before, now = old.get("cells"), new.get("cells")
    if before is None or now is None or before == now:
        yield f"{called} changed"
        return
    for verb, first, last, start, end in difflib.SequenceMatcher(None, before, now, False).get_opcodes():
        changed = min(last - first, end - start) if verb == "replace" else 0
        yield from (f"{called}: cell {at + 1} changed" for at in range(start, start + changed))
        yield from (
            f"{called}: cell {at + 1} is new" for at in range(start + changed, end) if verb != "equal"
        )
        yield from (
            f"{called}: cell {at + 1} is gone" for at in range(first + changed, last) if verb != "equal"
        )
