"""The kinds of values that lie in a file of their run's folder: how each is known, written and read again."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from nbsched.core.errors import ValueNotStorable, ValueTooLarge
from nbsched.core.sizes import size

FileType = Literal["json", "dataframe", "table", "ndarray", "figure", "file"]

DEFAULT_LIMIT = 1 << 30
"""Bytes of one value's file, unless NBSCHED_VALUE_LIMIT says otherwise."""


@dataclass(frozen=True, slots=True)
class ValueFile:
    """A value that lies in a file of a run's folder, not read yet; `file` is relative to that folder."""

    file: str
    type: FileType
    run: int | None = None
    """Whose folder it lies in when it is not that of the run which has the value."""

    def to_json(self) -> dict[str, Any]:
        plain = {"$file": self.file, "type": self.type}
        return plain if self.run is None else {**plain, "run": self.run}


@dataclass(frozen=True, slots=True)
class Unread:
    """A frame or an array that lies in a file, for another process to read."""

    path: Path
    type: FileType

    def read(self) -> Any:
        return KINDS[self.type].read(self.path)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that a run has stored as an image; a notebook shows it."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of value; `check` and `write` raise ValueNotStorable with the value's name."""

    suffix: str
    holds: Callable[[Any], bool]
    check: Callable[[Any, str], None]
    write: Callable[[Any, str, BinaryIO], None]
    read: Callable[[Path], Any]


def size_limit() -> int:
    """The most bytes that one value's file may have: NBSCHED_VALUE_LIMIT, as `500 MB`, `2GiB` or a number of bytes."""
    text = os.environ.get("NBSCHED_VALUE_LIMIT", "").strip()
    return size("NBSCHED_VALUE_LIMIT", text) if text else DEFAULT_LIMIT


def kind_of(value: Any) -> FileType | None:
    """The kind of file that keeps the value; None for one that no file keeps."""
    return next((name for name, kind in KINDS.items() if kind.holds(value)), None)


def write_kind(value: Any, name: str, folder: Path, type_: FileType) -> ValueFile:
    """The value is in a new file of the folder."""
    kind = KINDS[type_]
    kind.check(value, name)
    if type_ == "file":
        return _write_copy(Path(value), name, folder)
    return write_file(folder, name, type_, kind.suffix, lambda file: kind.write(value, name, file))


def write_file(
    folder: Path, name: str, type_: FileType, suffix: str, write: Callable[[BinaryIO], object]
) -> ValueFile:
    """A new file in the folder, readable by its owner only, on the disk when this returns."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(suffix, f"{_stem(name)}-", folder)
    _fill(descriptor, Path(path), name, write)
    return ValueFile(os.path.basename(path), type_)


def _write_copy(source: Path, name: str, folder: Path) -> ValueFile:
    """The file as it is now, under its own name in a folder of its own."""
    with _opened(source, name) as found:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp("", f"{_stem(name)}-", folder))
        try:
            copy = place / source.name
            descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            _fill(descriptor, copy, name, lambda file: shutil.copyfileobj(found, file, 1 << 20))
        except BaseException:
            place.rmdir()
            raise
    return ValueFile(f"{place.name}/{copy.name}", "file")


def _opened(source: Path, name: str) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        why = f"path {str(source)!r}, which cannot be read ({error.strerror})"
        raise ValueNotStorable(name, why, "make it readable, or give the path as text") from None


def _stem(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")[-40:]


def _fill(descriptor: int, path: Path, name: str, write: Callable[[BinaryIO], object]) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            _refuse_large(name, os.fstat(file.fileno()).st_size)
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def _refuse_large(name: str, size: int) -> None:
    limit = size_limit()
    if size > limit:
        raise ValueTooLarge(name, size, limit)


# Frames, tables, arrays -------------------------------------------------------------------------------


def _is(module: str, *names: str) -> Callable[[Any], bool]:
    """Whether a value is of one of the module's types; a module that nobody imported has no values."""

    def holds(value: Any) -> bool:
        found = sys.modules.get(module)
        return found is not None and type(value) in [getattr(found, name, None) for name in names]

    return holds


def _anything(value: Any, name: str) -> None: ...


def _check_frame(frame: Any, name: str) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueNotStorable(name, "DataFrame, and pyarrow is not installed (pip install 'nbsched[data]')")


def _write_frame(frame: Any, name: str, file: BinaryIO) -> None:
    try:
        frame.to_parquet(file, engine="pyarrow")
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's own errors are of these
        raise ValueNotStorable(name, f"DataFrame that Parquet cannot hold ({error})") from error


def _read_frame(path: Path) -> Any:
    import pandas

    return pandas.read_parquet(path, engine="pyarrow")


def _write_table(table: Any, name: str, file: BinaryIO) -> None:
    from pyarrow import parquet

    try:
        parquet.write_table(table, file)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueNotStorable(name, f"Table that Parquet cannot hold ({error})") from error


def _read_table(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_table(path)


def _check_array(array: Any, name: str) -> None:
    if array.dtype.hasobject:
        raise ValueNotStorable(name, "ndarray of Python objects")


def _write_array(array: Any, name: str, file: BinaryIO) -> None:
    import numpy

    numpy.save(file, array, allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy

    return numpy.load(path, allow_pickle=False)


# Figures and files ------------------------------------------------------------------------------------


def _is_figure(value: Any) -> bool:
    return isinstance(value, Figure) or callable(getattr(type(value), "savefig", None))


def _write_figure(figure: Any, name: str, file: BinaryIO) -> None:
    if isinstance(figure, Figure):
        file.write(figure.path.read_bytes())
        return
    try:
        figure.savefig(file, format="png")
    except Exception as error:  # a figure may hold what its user has written
        why = f"{type(figure).__name__} that cannot be drawn ({type(error).__name__}: {error})"
        raise ValueNotStorable(name, why) from error


def _check_file(path: Path, name: str) -> None:
    if path.is_dir():
        why = f"path of a folder, {str(path)!r}"
        raise ValueNotStorable(name, why, "give a file of it, such as an archive, or its path as text")
    if not path.is_file():
        why = f"path {str(path)!r}, where there is no file"
        raise ValueNotStorable(name, why, "write the file first, or give the path as text")
    _refuse_large(name, path.stat().st_size)


def _never(value: Any, name: str, file: BinaryIO) -> None:
    raise NotImplementedError


KINDS: Mapping[FileType, FileKind] = {
    "dataframe": FileKind(".parquet", _is("pandas", "DataFrame"), _check_frame, _write_frame, _read_frame),
    "table": FileKind(".parquet", _is("pyarrow", "Table"), _anything, _write_table, _read_table),
    "ndarray": FileKind(".npy", _is("numpy", "ndarray", "memmap"), _check_array, _write_array, _read_array),
    "figure": FileKind(".png", _is_figure, _anything, _write_figure, Figure),
    "file": FileKind("", lambda value: isinstance(value, Path), _check_file, _never, Path),
}
