"""Files on their way between a controller and a worker that do not see the same folder."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbsched.core.errors import UsageError

PIECE = 512 * 1024
"""Bytes of a file in one message."""


def pieces(name: str, path: Path) -> Iterator[dict[str, Any]]:
    """The file, as what `Arrivals.take` takes one after the other."""
    with path.open("rb") as file:
        size, offset = os.fstat(file.fileno()).st_size, 0
        while True:
            data = file.read(PIECE)
            yield {"name": name, "offset": offset, "data": base64.b85encode(data).decode(), "size": size}
            offset += len(data)
            if offset >= size or not data:
                return


class Arrivals:
    """Files that come in pieces, each placed when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, piece: Mapping[str, Any]) -> Path | None:
        """The file, if this was its last piece."""
        path = inside(self._folder, piece["name"])
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside, data = path.with_name(f".{path.name}.part"), base64.b85decode(piece["data"])
        mode = os.O_WRONLY | os.O_CREAT | (0 if piece["offset"] else os.O_TRUNC)
        with os.fdopen(os.open(beside, mode, 0o600), "wb") as file:
            file.seek(piece["offset"])
            file.write(data)
        if piece["offset"] + len(data) < piece["size"]:
            return None
        os.replace(beside, path)
        return path


def inside(folder: Path, name: str) -> Path:
    """The place of that name in the folder; UsageError for one outside."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise UsageError(f"the file {name!r} lies outside of its run's folder: it is refused")
    return path


def refuse_large(work: str, size: int, limit: int) -> None:
    """UsageError when so many bytes are too many for messages."""
    if size > limit:
        raise UsageError(
            f"the files of {work!r} have {size:,} bytes, and without a shared folder at most {limit:,} go with "
            "messages: give files= in nbsched.toml (a folder or URL that both sides see), or a larger limit="
        )


def put(path: Path, url: str) -> None:
    """The file lies at the URL, readable by its owner only where that is a folder."""
    from fsspec.core import url_to_fs

    system, place = url_to_fs(url)
    parent = system._parent(place)
    system.makedirs(parent, exist_ok=True)
    if "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)):
        os.chmod(parent, 0o700)
    system.put_file(str(path), place)


def get(url: str, path: Path) -> None:
    """The file at the URL is at the path."""
    from fsspec.core import url_to_fs

    system, place = url_to_fs(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    system.get_file(place, str(path))


def remove(url: str) -> None:
    """Nothing lies at the URL or below it any more."""
    from fsspec.core import url_to_fs

    system, place = url_to_fs(url)
    if system.exists(place):
        system.rm(place, recursive=True)
