"""Where work is written: the files beside the script or notebook, and what notebooks declare."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbsched.core.declared import Parameter, declared_parameters
from nbsched.core.errors import DefinitionError

_PACKAGE = __name__.partition(".")[0]


class Files:
    """Relative paths are looked for beside the file that writes the work, then in the current folder."""

    def existing(self, path: str) -> str:
        folders = list(dict.fromkeys(_folders()))
        for folder in folders:
            found = folder / Path(path).expanduser()
            if found.exists():
                return str(found.resolve())
        places = "" if Path(path).is_absolute() else f" in {' or '.join(map(str, folders))}"
        raise DefinitionError(f"there is no {path!r}{places}: check the path")

    def absolute(self, path: str) -> str:
        return str((Path.cwd() / Path(path).expanduser()).resolve())

    def beside(self, path: str) -> str:
        return os.path.abspath(next(_folders()) / Path(path).expanduser())

    def declared_parameters(self, notebook: str) -> Mapping[str, Parameter] | None:
        try:
            found = Path(notebook).stat()
            return _declared(notebook, found.st_mtime_ns, found.st_size)
        except OSError as error:
            reason = error.strerror
            raise DefinitionError(f"notebook {notebook!r} cannot be read: {reason}; check the file") from None


@lru_cache(maxsize=256)
def _declared(notebook: str, mtime_ns: int, size: int) -> Mapping[str, Parameter] | None:
    try:
        content: Any = json.loads(Path(notebook).read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise DefinitionError(f"{notebook!r} is not a notebook (.ipynb, format 4): give the path of one")
    return declared_parameters(content)


def _folders() -> Iterator[Path]:
    """The folder of the file that defines the work, when it is a file, and the current one."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    written = Path(frame.f_globals.get("__file__") or "")
    if written.is_file():
        yield written.resolve().parent
    yield Path.cwd()
