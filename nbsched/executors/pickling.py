"""Functions by value for a child of ours, whose code still says which file it is from."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import CodeType
from typing import Any

import cloudpickle


def dumps(value: Any) -> bytes:
    """The value as bytes for `pickle.loads`."""
    with io.BytesIO() as file:
        _Pickler(file).dump(value)
        return file.getvalue()


def _reduce_code(code: CodeType) -> tuple[Any, ...]:
    make, args = cloudpickle.Pickler.dispatch_table[CodeType](code)
    return with_filename, (code.co_filename, make, args)


def with_filename(filename: str, make: Callable[..., CodeType], args: tuple[Any, ...]) -> CodeType:
    """The code, from that file: cloudpickle forgets it since 3.1.3, and with it the lines of a traceback."""
    return make(*args).replace(co_filename=filename)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    dispatch_table = cloudpickle.Pickler.dispatch_table.new_child({CodeType: _reduce_code})
