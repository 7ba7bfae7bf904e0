"""Values of runs as JSON, and as files where they are large, frames or arrays; nothing is ever pickled."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from nbsched.core.errors import StoreError, ValueNotStorable
from nbsched.core.redaction import Redaction
from nbsched.core.wire import decode, encode

INLINE_LIMIT = 64 * 1024
"""Bytes of JSON; what is larger goes to a file."""

FileType = Literal["json", "dataframe", "ndarray"]
_SUFFIX: Mapping[FileType, str] = {"json": ".json", "dataframe": ".parquet", "ndarray": ".npy"}
_SMALL = 10**15


@dataclass(frozen=True, slots=True)
class ValueFile:
    """A value that lies in a file of its run's folder, not read yet; `file` is relative to that folder."""

    file: str
    type: FileType

    def to_json(self) -> dict[str, str]:
        return {"$file": self.file, "type": self.type}


def is_flat(value: Any) -> bool:
    """Whether the value is its own short JSON form, told without looking into it."""
    kind = type(value)
    return value is None or kind is bool or (kind is int and -_SMALL < value < _SMALL)


def store_values(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The values as JSON, large ones written into the folder; ValueNotStorable names what cannot be."""
    return {name: store_value(value, name, folder) for name, value in values.items()}


def load_values(stored: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The values that `store_values` was given, as themselves; StoreError when a file is gone."""
    return {name: load_value(value, folder) for name, value in stored.items()}


def store_value(value: Any, name: str, folder: Path) -> Any:
    """One value's JSON form."""
    if is_flat(value):
        return value
    return _shrunk(*_json(value, name, partial(_store_foreign, folder)), name, folder)


def shrink(plain: Any, name: str, folder: Path) -> Any:
    """The JSON form as it is, or, when it is large, that of a file which holds it."""
    return _shrunk(plain, json.dumps(plain), name, folder)


def _shrunk(plain: Any, text: str, name: str, folder: Path) -> Any:
    if len(text) <= INLINE_LIMIT:
        return plain
    return _write(folder, name, "json", lambda file: file.write(text.encode())).to_json()


def load_value(stored: Any, folder: Path) -> Any:
    """The value whose JSON form this is."""
    return decode(stored, lambda tagged: _read(_value_file(tagged), folder))


def refer(stored: Any) -> Any:
    """The value whose JSON form this is, with what lies in files left there, as ValueFile."""
    return decode(stored, _value_file)


def keep(value: Any, name: str, folder: Path) -> Any:
    """The value as it is now, whatever is done to it later; what goes to files as ValueFile."""
    if is_flat(value):
        return value
    return refer(store_value(value, name, folder))


def check_storable(value: Any, name: str) -> None:
    """Nothing is written; ValueNotStorable as `store_value` would raise it for the value's type."""
    _json(value, name, _check_foreign)


def redact_file(path: Path, redaction: Redaction) -> None:
    """What is text in the file holds no secret; a file that is not there stays so."""
    with suppress(FileNotFoundError):
        text = path.read_text("utf-8", errors="surrogateescape")
        clean = redaction.text(text)
        if clean != text:
            path.write_text(clean, "utf-8", errors="surrogateescape")


def _json(value: Any, name: str, foreign: Callable[[Any, str], Any]) -> tuple[Any, str]:
    try:
        plain = encode(value, name, foreign)
        return plain, json.dumps(plain, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise ValueNotStorable(
            name, f"{type(value).__name__} that holds itself or is nested too deep"
        ) from None
    except ValueError as error:  # an int of more digits than Python writes
        raise ValueNotStorable(name, f"{type(value).__name__} that JSON cannot hold ({error})") from None


def _is(value: Any, module: str, *names: str) -> bool:
    """Whether the value is of one of the module's types; a module that nobody imported has no values."""
    found = sys.modules.get(module)
    return found is not None and type(value) in [getattr(found, name) for name in names]


def _store_foreign(folder: Path, value: Any, name: str) -> Any:
    if isinstance(value, ValueFile):
        return value.to_json()
    if _is(value, "pandas", "DataFrame"):
        return _write_frame(value, name, folder).to_json()
    if _is(value, "numpy", "ndarray", "memmap"):
        return _write_array(value, name, folder).to_json()
    return encode(_scalar(value, name), name)


def _check_foreign(value: Any, name: str) -> Any:
    if isinstance(value, ValueFile) or _is(value, "pandas", "DataFrame"):
        return None
    if _is(value, "numpy", "ndarray", "memmap"):
        return _check_array(value, name)
    return encode(_scalar(value, name), name)


def _scalar(value: Any, name: str) -> Any:
    """A numpy scalar, or a subclass of float, as Python has it."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
            value = value.astype(f"{value.dtype.kind}8[us]")
        plain = value.item()
    else:
        plain = float(value) if isinstance(value, float) else value
    if type(plain) is type(value) or plain is None:
        raise ValueNotStorable(name, type(value).__name__)
    return plain


def _write_frame(frame: Any, name: str, folder: Path) -> ValueFile:
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueNotStorable(name, "DataFrame, and pyarrow is not installed (pip install 'nbsched[data]')")
    try:
        return _write(folder, name, "dataframe", lambda file: frame.to_parquet(file, engine="pyarrow"))
    except (TypeError, ValueError, NotImplementedError) as error:  # pyarrow's own errors are of these
        raise ValueNotStorable(name, f"DataFrame that Parquet cannot hold ({error})") from error


def _write_array(array: Any, name: str, folder: Path) -> ValueFile:
    import numpy

    _check_array(array, name)
    return _write(folder, name, "ndarray", lambda file: numpy.save(file, array, allow_pickle=False))


def _check_array(array: Any, name: str) -> None:
    if array.dtype.hasobject:
        raise ValueNotStorable(name, "ndarray of Python objects")


def _write(folder: Path, name: str, kind: FileType, write: Callable[[BinaryIO], object]) -> ValueFile:
    """A new file in the folder, readable by its owner only, on the disk when this returns."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = re.sub(r"\W+", "_", name).strip("_")[-40:]
    descriptor, path = tempfile.mkstemp(_SUFFIX[kind], f"{stem}-", folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(path)
        raise
    return ValueFile(os.path.basename(path), kind)


def _value_file(tagged: Mapping[str, Any]) -> ValueFile:
    if tagged.keys() != {"$file", "type"} or tagged["type"] not in _SUFFIX:
        raise StoreError(
            f"the stored value {tagged!r} is of no known form: a newer nbsched may have written it"
        )
    return ValueFile(tagged["$file"], tagged["type"])


def _read(value: ValueFile, folder: Path) -> Any:
    path, own = (folder / value.file).resolve(), folder.resolve()
    if not (path.is_relative_to(own) or _is_of_a_run_beside(path, own)):
        raise StoreError(f"the stored value names the file {value.file!r}, which is outside its run's folder")
    try:
        return _READ[value.type](path, path.parent)
    except FileNotFoundError:
        raise StoreError(f"the value's file {path} is gone: run the step again to have it back") from None


def _is_of_a_run_beside(path: Path, folder: Path) -> bool:
    """What a run waited for has files in the folder of the run that gave it."""
    return path.parent.parent == folder.parent and path.parent.name.isdecimal()


def _read_json(path: Path, folder: Path) -> Any:
    return load_value(json.loads(path.read_bytes()), folder)


def _read_frame(path: Path, folder: Path) -> Any:
    import pandas

    return pandas.read_parquet(path, engine="pyarrow")


def _read_array(path: Path, folder: Path) -> Any:
    import numpy

    return numpy.load(path, allow_pickle=False)


_READ: Mapping[FileType, Callable[[Path, Path], Any]] = {
    "json": _read_json,
    "dataframe": _read_frame,
    "ndarray": _read_array,
}
