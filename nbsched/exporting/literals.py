"""Values and calls as Python source."""

from __future__ import annotations

import ast
import builtins
import keyword
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, count
from typing import Any

from nbsched.core.references import Reference

Write = Callable[[Reference], str]
"""How a reference is written."""

_WIDTH = 100


def literal(value: Any, write: Write) -> str:
    """The source of the value, with every reference in it as `write` says."""
    if isinstance(value, Reference):
        return write(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{str(key)!r}: {literal(part, write)}' for key, part in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(literal(part, write) for part in value)}]"
    return _atom(value)


def _atom(value: Any) -> str:
    if isinstance(value, datetime):
        return f"datetime.datetime.fromisoformat({value.isoformat()!r})"
    if isinstance(value, date):
        return f"datetime.date.fromisoformat({value.isoformat()!r})"
    if isinstance(value, timedelta):
        return f"datetime.timedelta(seconds={value.total_seconds()!r})"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, str):
        return text(value)
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind.__repr__(value)  # a member of an enum is its value
    return repr(value)


def text(value: str) -> str:
    """A text as source: one with several lines in triple quotes where that gives it back as it is."""
    quoted = f'"""\\\n{value}"""'
    if "\n" in value.strip("\n") and _gives_back(quoted, value):
        return quoted
    return str.__repr__(value)


def _gives_back(source: str, value: str) -> bool:
    try:
        return bool(ast.literal_eval(source) == value)
    except (SyntaxError, ValueError):
        return False


def call(name: str, arguments: Sequence[str], indent: int = 0) -> str:
    """The call on one line, or with a line for each argument where it is long."""
    flat = f"{name}({', '.join(arguments)})"
    short = len(flat) - flat.rfind("\n") - 1 + indent <= _WIDTH
    if not arguments or (short and not any("\n" in argument for argument in arguments)):
        return flat
    margin = " " * indent
    lines = "".join(f"{margin}    {argument},\n" for argument in arguments)
    return f"{name}(\n{lines}{margin})"


def keywords(values: Mapping[str, str]) -> list[str]:
    """Named arguments; those whose name is no plain word in a mapping of their own."""
    plain = [f"{name}={source}" for name, source in values.items() if _is_word(name)]
    odd = ", ".join(f"{name!r}: {source}" for name, source in values.items() if not _is_word(name))
    return [*plain, f"**{{{odd}}}"] if odd else plain


def _is_word(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


class Names:
    """Names of variables, each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*taken, *dir(builtins), *keyword.kwlist, *keyword.softkwlist}

    def take(self, wanted: str, otherwise: str = "") -> str:
        """A name for what is called `wanted`: with `otherwise` behind it, then numbered, when that is taken."""
        stem = re.sub(r"\W", "_", wanted)
        stem = stem if stem.isidentifier() else f"_{stem}"
        tried = chain((stem, f"{stem}{otherwise}"), (f"{stem}_{number}" for number in count(2)))
        name = next(name for name in tried if name not in self._taken)
        self._taken.add(name)
        return name
