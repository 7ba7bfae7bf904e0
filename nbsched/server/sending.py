"""Answers as bytes, made in a worker thread: what the server's loop would have to do at once is done there in parts."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbsched.core.pieces import pieces

SMALL = 8_192
"""Bytes that are not worth to be compressed."""
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and how that is said."""

    data: bytes
    headers: Mapping[str, str]


def body(answer: Any, accepted: str) -> Body:
    """The answer as JSON, compressed when it is large and the client accepts gzip."""
    plain = "".join(pieces(answer)).encode()
    headers = {"Vary": "Accept-Encoding"}
    if len(plain) <= SMALL or "gzip" not in accepted:
        return Body(plain, headers)
    packer = zlib.compressobj(1, wbits=GZIP)
    return Body(packer.compress(plain) + packer.flush(), {**headers, "Content-Encoding": "gzip"})
