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
from nbsched.core.wire import decode, encode, located

INLINE_LIMIT = 64 * 1024
"""Bytes of JSON; what is larger goes to a file."""

FileType = Literal["json", "dataframe", "ndarray"]
_SUFFIX: Mapping[FileType, str] = {"json": ".json", "dataframe": ".parquet", "ndarray": ".npy"}
_SMALL = 10**15


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
    return decode(
        stored,
        lambda tagged: _tagged(tagged, partial(load_value, folder=folder), partial(_read, folder=folder)),
    )


def refer(stored: Any) -> Any:
    """The value whose JSON form this is, with what lies in files left there, as ValueFile."""
    return decode(stored, lambda tagged: _tagged(tagged, refer, lambda file: file))


def elements(stored: Any, folder: Path) -> list[Any] | None:
    """The JSON forms of a list's elements, the files in them located; None when this is the form of no list."""
    if isinstance(stored, list):
        return stored
    if not isinstance(stored, dict):
        return None
    if "$joined" in stored:
        return [one for part in stored["$joined"] for one in elements(part, folder) or ()]
    if stored.get("type") != "json" or "$file" not in stored:
        return None
    file = _value_file(stored)
    whole = json.loads(_path(file, folder).read_bytes())
    return elements(whole if file.run is None else located(whole, file.run), folder)


def _tagged(
    tagged: Mapping[str, Any], read: Callable[[Any], Any], read_file: Callable[[ValueFile], Any]
) -> Any:
    """One list of several, of which those left in their files stay one element each; or what lies in a file."""
    if "$joined" not in tagged:
        return read_file(_value_file(tagged))
    parts = [read(part) for part in tagged["$joined"]]
    return [one for part in parts for one in (part if isinstance(part, list) else [part])]


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
    if not {"$file", "type"} <= tagged.keys() <= {"$file", "type", "run"} or tagged["type"] not in _SUFFIX:
        raise StoreError(
            f"the stored value {tagged!r} is of no known form: a newer nbsched may have written it"
        )
    return ValueFile(tagged["$file"], tagged["type"], tagged.get("run"))


def _path(value: ValueFile, folder: Path) -> Path:
    folder = folder if value.run is None else folder.parent / str(int(value.run))
    path = (folder / value.file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise StoreError(f"the stored value names the file {value.file!r}, which is outside its run's folder")
    return path


def _read(value: ValueFile, folder: Path) -> Any:
    path = _path(value, folder)
    try:
        return _READ[value.type](path, path.parent)
    except FileNotFoundError:
        raise StoreError(f"the value's file {path} is gone: run the step again to have it back") from None


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
