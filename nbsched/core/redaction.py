"""Secrets taken out of what work says, however it writes them: as they are, or as JSON, repr, HTML, URL or base64."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MASK = "***"
_UNQUOTED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~")
_LEAST_INNER = 4
"""Characters of base64 in the middle of something longer that are taken for a secret."""


class Redaction:
    """What takes the given secrets out of texts and values; false when there is none."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._any = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def __bool__(self) -> bool:
        return self._any is not None

    def text(self, text: str) -> str:
        """The text with a mask in place of each secret."""
        return self._any.sub(MASK, text) if self._any else text

    def value(self, value: Any) -> Any:
        """The value with every text in it redacted, keys too; what is neither text nor holds any is as it was."""
        if self._any is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.value, value))
        return value

    def stream(self) -> Stream:
        """For a text that comes in pieces."""
        return Stream(self)

    def outputs(self, outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A cell's outputs, redacted also where a stream was cut."""
        streams, found, last = dict[str, Stream](), list[dict[str, Any]](), dict[str, dict[str, Any]]()
        for output in outputs:
            if output.get("output_type") != "stream":
                found.append(self.value(output))
                continue
            name = output["name"]
            text = streams.setdefault(name, self.stream()).feed("".join(output["text"]))
            found.append({**output, "text": text})
            last[name] = found[-1]
        for name, stream in streams.items():
            last[name]["text"] += stream.end()
        return found

    def cell(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        """A notebook's cell, redacted."""
        rest = self.value({name: part for name, part in cell.items() if name != "outputs"})
        return {**rest, "outputs": self.outputs(cell["outputs"])} if "outputs" in cell else dict(rest)

    def held_back(self, text: str) -> int:
        """How many of the last characters may be the beginning of a secret."""
        longest = min(len(text), max(map(len, self._forms), default=0))
        beginnings = (size for size in range(longest, 0, -1) if self._begins(text[-size:]))
        size = next(beginnings, 0)
        cut = len(text) - size
        straddling = [found.end() for found in self._found(text) if found.start() < cut < found.end()]
        return len(text) - max([cut, *straddling])

    def _begins(self, end: str) -> bool:
        return any(len(form) > len(end) and form.startswith(end) for form in self._forms)

    def _found(self, text: str) -> Iterator[re.Match[str]]:
        return self._any.finditer(text) if self._any else iter(())


class Stream:
    """A text that comes in pieces: what may be the beginning of a secret is held back until more is known."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction, self._held = redaction, ""

    def feed(self, piece: str) -> str:
        """What of the text can be told by now, redacted."""
        text = self._held + piece
        size = self._redaction.held_back(text)
        cut = len(text) - size
        self._held = text[cut:]
        return self._redaction.text(text[:cut])

    def end(self) -> str:
        """What was held back, when nothing more comes."""
        text, self._held = self._held, ""
        return self._redaction.text(text)


def _forms(secret: str) -> Iterator[str]:
    """Every way in which the secret may be written."""
    data = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(data)[2:-1]
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield from _quoted(data)
    yield from _encoded(data)


def _quoted(data: bytes) -> Iterator[str]:
    """Percent-encoded, in full or with slashes left, in a path or in a form."""
    for safe in (b"", b"/"):
        for digits in ("%{:02X}", "%{:02x}"):
            text = "".join(
                chr(byte) if byte in _UNQUOTED or byte in safe else digits.format(byte) for byte in data
            )
            yield text
            yield text.replace("%20", "+")


def _encoded(data: bytes) -> Iterator[str]:
    """In base64, alone or in the middle of something longer, whatever stands before it."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(data).decode()
        yield alone
        yield alone.rstrip("=")
        for before, affected in ((0, 0), (1, 2), (2, 3)):
            whole = (before + len(data)) * 8 // 6
            inner = encode(b"\0" * before + data).decode()[affected:whole]
            if len(inner) >= _LEAST_INNER:
                yield inner


class Streams:
    """Texts that come in pieces, each under a key of its own."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._streams: dict[tuple[str, str], Stream] = {}

    def feed(self, key: tuple[str, str], piece: str) -> str:
        """What of that text can be told by now, redacted."""
        if not self._redaction:
            return piece
        return self._streams.setdefault(key, self._redaction.stream()).feed(piece)

    def end(self) -> list[tuple[tuple[str, str], str]]:
        """What was held back of each, when nothing more comes."""
        return [(key, text) for key, stream in self._streams.items() if (text := stream.end())]
