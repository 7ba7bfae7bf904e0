"""What is in files: read once for each version of a file."""

from __future__ import annotations

import glob
import hashlib
import os
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

READING = threading.RLock()
"""Held while code is read: in CPython 3.11 threads that parse at the same time get in each other's way."""
SMALL = 1_000_000
"""Bytes that may be read while a person waits for a picture."""


def digest(path: str) -> str:
    """The mark of the file's content; OSError when it cannot be read."""
    facts = os.stat(path)
    return _digest(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@lru_cache(maxsize=4096)
def _digest(path: str, size: int, mtime_ns: int, inode: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=10)).hexdigest()


def version(path: str) -> dict[str, Any]:
    """The size and time by which a later version of the file is told; a hash of None where there is no file."""
    try:
        facts = os.stat(path)
    except OSError:
        return {"path": path, "size": 0, "mtime_ns": 0, "hash": None}
    return {"path": path, "size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "hash": ""}


def content(path: str) -> dict[str, Any]:
    """The file's version, with the mark of its content as its hash."""
    found = version(path)
    return found if found["hash"] is None else {**found, "hash": digest(path)}


def matching(patterns: Iterable[str]) -> list[str]:
    """The files that these paths and patterns name, all within a folder; a path where nothing is stays."""
    found: dict[str, None] = {}
    for pattern in patterns:
        literal = os.path.lexists(pattern) or not glob.has_magic(pattern)
        paths = [pattern] if literal else sorted(glob.glob(pattern, recursive=True))
        found.update((file, None) for path in paths for file in _within(path))
    return list(found)


def _within(path: str) -> Iterable[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(at, name) for at, _, names in sorted(os.walk(path)) for name in sorted(names)]


def has_changed(known: Mapping[str, Any]) -> bool:
    """Whether the file is another than it was; told by its size where it is large, for it is not read then."""
    now = version(known["path"])
    if (now["size"], now["mtime_ns"]) == (known["size"], known["mtime_ns"]):
        return False
    if now["hash"] is None or known["hash"] is None or now["size"] != known["size"] or now["size"] > SMALL:
        return True
    return not known["hash"] or digest(known["path"]) != known["hash"]
