"""Values of runs as JSON, and as files where JSON will not do; nothing is ever pickled."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nbsched.core.errors import StoreError, ValueNotStorable
from nbsched.core.redaction import Redaction
from nbsched.core.wire import decode, encode, located
from nbsched.executors.valuefiles import KINDS, Unread, ValueFile, kind_of, write_file, write_kind

INLINE_LIMIT = 64 * 1024
"""Bytes of JSON; what is larger goes to a file."""

_SMALL = 10**15


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
    return write_file(folder, name, "json", ".json", lambda file: file.write(text.encode())).to_json()


def load_value(stored: Any, folder: Path) -> Any:
    """The value whose JSON form this is."""
    return decode(
        stored,
        lambda tagged: _tagged(tagged, partial(load_value, folder=folder), partial(_read, folder=folder)),
    )


LARGE = frozenset({"dataframe", "table", "ndarray"})
"""Kinds of files that take a library and much memory to read."""


def left_in_files(stored: Any, folder: Path) -> Any:
    """The value whose JSON form this is, with its frames and arrays left where they are, as Unread."""

    def leave(file: ValueFile) -> Any:
        return (
            _read(file, folder, left_in_files)
            if file.type not in LARGE
            else Unread(_there(file, folder), file.type)
        )

    return decode(stored, lambda tagged: _tagged(tagged, partial(left_in_files, folder=folder), leave))


def read_left(value: Any) -> Any:
    """The value with what `left_in_files` has left there."""
    if isinstance(value, Unread):
        return value.read()
    if isinstance(value, Mapping):
        return {key: read_left(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(read_left, value))
    return value


def refer(stored: Any) -> Any:
    """The value whose JSON form this is, with what lies in files left there, as ValueFile."""
    return decode(stored, lambda tagged: _tagged(tagged, refer, lambda file: file))


def marked(stored: Any, folder: Path, mark: Callable[[Path], str]) -> Any:
    """The value whose JSON form this is, with the marks of the frames' and arrays' files in their place."""

    def read(file: ValueFile) -> Any:
        path = _path(file, folder)
        if file.type == "json":
            return marked(json.loads(path.read_bytes()), path.parent, mark)
        return {"type": file.type, "content": mark(path)}

    return decode(stored, lambda tagged: _tagged(tagged, lambda part: marked(part, folder, mark), read))


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


def _store_foreign(folder: Path, value: Any, name: str) -> Any:
    if isinstance(value, ValueFile):
        return value.to_json()
    kind = kind_of(value)
    return write_kind(value, name, folder, kind).to_json() if kind else encode(_scalar(value, name), name)


def _check_foreign(value: Any, name: str) -> Any:
    if isinstance(value, ValueFile):
        return None
    kind = kind_of(value)
    return KINDS[kind].check(value, name) if kind else encode(_scalar(value, name), name)


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


def _value_file(tagged: Mapping[str, Any]) -> ValueFile:
    if not {"$file", "type"} <= tagged.keys() <= {"$file", "type", "run"} or tagged["type"] not in (
        *KINDS,
        "json",
    ):
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


def _there(value: ValueFile, folder: Path) -> Path:
    path = _path(value, folder)
    if not path.exists():
        raise StoreError(f"the value's file {path} is gone: run the step again to have it back")
    return path


def _read(value: ValueFile, folder: Path, load: Callable[[Any, Path], Any] = load_value) -> Any:
    path = _there(value, folder)
    if value.type == "json":
        return load(json.loads(path.read_bytes()), path.parent)
    return KINDS[value.type].read(path)
