"""The line of a magic: split into words, with `{expr}` and `$name` expanded word by word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbsched.core.errors import UsageError
from nbsched.core.rawtext import json_or_text
from nbsched.options import Given

_PIECE = re.compile(r"\$\$|\$(?P<name>[^\W\d]\w*)|(?P<open>\{)")
_WHOLE = re.compile(r"(?P<param>[^\W\d]\w*)=(?P<value>\$[^\W\d]\w*|\{.*\})", re.DOTALL)


def words(line: str) -> list[str]:
    """The line's words as a shell splits them, but for `{...}` outside quotes, which stays as it is typed."""
    found: list[str] = []
    for piece, starts in _pieces(line):
        if starts:
            found.append(piece)
        else:
            found[-1] += piece
    return found


def _pieces(line: str) -> Iterator[tuple[str, bool]]:
    """The parts of words, each with whether it begins one."""
    at, fresh = 0, True
    while at < len(line):
        if line[at].isspace():
            at, fresh = at + 1, True
            continue
        read = _READERS.get(line[at], _plain)
        piece, at = read(line, at)
        yield piece, fresh
        fresh = False


def _plain(line: str, at: int) -> tuple[str, int]:
    return line[at], at + 1


def _escaped(line: str, at: int) -> tuple[str, int]:
    if at + 1 == len(line):
        raise UsageError("the line ends in a backslash: remove it, or write it twice")
    return line[at + 1], at + 2


def _quoted(line: str, at: int) -> tuple[str, int]:
    end = line.find(line[at], at + 1)
    if end < 0:
        raise UsageError(f"the quote {line[at]} in {line[at : at + 30]!r} is not closed: add the closing one")
    return line[at + 1 : end], end + 1


def _braced(line: str, at: int) -> tuple[str, int]:
    end = closing(line, at)
    return line[at:end], end


_READERS: Mapping[str, Callable[[str, int], tuple[str, int]]] = {
    "'": _quoted, '"': _quoted, "\\": _escaped, "{": _braced,
}  # fmt: skip


def closing(text: str, at: int) -> int:
    """The place after the `}` that closes the `{` at `at`; braces in quotes inside do not count."""
    depth, quote = 0, ""
    for place in range(at, len(text)):
        char = text[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if not depth:
                return place + 1
    raise UsageError(
        f"the brace in {text[at : at + 30]!r} is not closed: add }}, or write it twice for a plain one"
    )


def expand(word: str, namespace: Mapping[str, Any]) -> str:
    """The word with every `{expr}` and `$name` replaced; `name={expr}` alone keeps the value's type.

    JSON stays as it is, `{{`, `}}` and `$$` stand for plain ones; UsageError names what is not defined.
    """
    whole = _WHOLE.fullmatch(word)
    if whole and (whole["value"][0] == "$" or closing(whole["value"], 0) == len(whole["value"])):
        return _expand_whole(word, whole["param"], whole["value"], namespace)
    return _expand_text(word, namespace)


def _expand_whole(word: str, name: str, value: str, namespace: Mapping[str, Any]) -> str:
    if value.startswith("{{") or not isinstance(json_or_text(value), str):
        return _expand_text(word, namespace)
    return Given(name, _value(value[1:] if value[0] == "$" else value[1:-1], value, namespace))


def _expand_text(word: str, namespace: Mapping[str, Any]) -> str:
    out, at = "", 0
    while piece := _PIECE.search(word, at):
        out += word[at : piece.start()]
        at = closing(word, piece.start()) if piece["open"] else piece.end()
        out += _text_of(word[piece.start() : at], namespace)
    return out + word[at:]


def _text_of(piece: str, namespace: Mapping[str, Any]) -> str:
    if piece == "$$":
        return "$"
    if piece.startswith("$"):
        return str(_value(piece[1:], piece, namespace))
    if piece.startswith("{{") and piece.endswith("}}"):
        return piece[1:-1]
    if not isinstance(json_or_text(piece), str):
        return piece
    return _formatted(piece, namespace)


def _formatted(piece: str, namespace: Mapping[str, Any]) -> str:
    try:
        return str(eval(f"f'''{piece}'''", dict(namespace)))
    except Exception as error:  # the user's expression may raise anything
        raise _undefined(piece, error) from None


def _value(expression: str, piece: str, namespace: Mapping[str, Any]) -> Any:
    try:
        return eval(expression, dict(namespace))
    except SyntaxError:
        return _formatted(piece, namespace)
    except Exception as error:  # the user's expression may raise anything
        raise _undefined(piece, error) from None


def _undefined(piece: str, error: Exception) -> UsageError:
    plain = "$" + piece if piece.startswith("$") else "{" + piece + "}"
    return UsageError(
        f"{piece} cannot be expanded ({type(error).__name__}: {error}): define it, or write {plain} for plain text"
    )
