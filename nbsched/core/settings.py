"""What `nbsched.toml`, `[tool.nbsched]` in pyproject.toml and the environment say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbsched.core.errors import UnknownName, UsageError
from nbsched.core.executors import LOCAL
from nbsched.core.policy import normalise, whole_number
from nbsched.core.sizes import size

DEFAULT_LIMIT = 64_000_000
"""Bytes of what one attempt brings back from a worker with which it shares no files."""


@dataclass(frozen=True, slots=True)
class DaskSettings:
    """How Dask's workers are reached."""

    address: str | None = None
    """Of its scheduler; None: Dask's own setting, else workers on this machine."""
    workers: int | None = None
    """So many of them on this machine, without an address."""
    files: str | None = None
    """A folder or fsspec URL that the workers share with this host; None: files come back with the outcome."""
    limit: int = DEFAULT_LIMIT
    """Bytes that may come back so."""


@dataclass(frozen=True, slots=True)
class CelerySettings:
    """How Celery's workers are reached."""

    broker: str | None = None
    queue: str = "nbsched"
    """For work that asks for no resource."""
    queues: Mapping[str, str] = field(default_factory=dict)
    """By resource; work that asks for another goes to the queue of the resource's name."""
    files: str | None = None
    """A folder or fsspec URL that the workers share with this host; None: files come back with the outcome."""
    limit: int = DEFAULT_LIMIT
    """Bytes that may come back so."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all work unless it says otherwise."""

    executor: str = LOCAL
    resources: Mapping[str, float] = field(default_factory=dict)
    """What a host offers that is not told."""
    files: str | None = None
    dask: DaskSettings = field(default_factory=DaskSettings)
    celery: CelerySettings = field(default_factory=CelerySettings)


def settings_of(data: Mapping[str, Any], environment: Mapping[str, str], where: str) -> Settings:
    """What the file named `where` says, and over it the environment; UsageError names what is wrong."""
    try:
        found = _read(_SETTINGS, data, "")
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    sections = {name: dict(found.pop(name, {})) for name in ("dask", "celery")}
    if "files" in found:
        sections = {name: {"files": found["files"], **section} for name, section in sections.items()}
    for variable, (read, places) in VARIABLES.items():
        if text := environment.get(variable, "").strip():
            for section, name in places:
                sections.get(section, found)[name] = read(variable, text)
    if broker := environment.get(FOREIGN_BROKER, "").strip():
        sections["celery"].setdefault("broker", broker)
    return Settings(
        **found, dask=DaskSettings(**sections["dask"]), celery=CelerySettings(**sections["celery"])
    )


def located(settings: Settings, place: Callable[[str], str]) -> Settings:
    """The settings with their folders where `place` says that each path leads; URLs are left alone."""

    def there(files: str | None) -> str | None:
        return files if files is None or "://" in files else place(files)

    return replace(
        settings,
        files=there(settings.files),
        dask=replace(settings.dask, files=there(settings.dask.files)),
        celery=replace(settings.celery, files=there(settings.celery.files)),
    )


# How each is read -------------------------------------------------------------------------------------

_Read = Callable[[str, Any], Any]


def _read(known: Mapping[str, _Read], given: Mapping[str, Any], section: str) -> dict[str, Any]:
    for name in given:
        if name not in known:
            raise UnknownName(f"[{section}] setting" if section else "setting", name, known)
    return {name: known[name](f"{section}.{name}".lstrip("."), value) for name, value in given.items()}


def _section(known: Mapping[str, _Read]) -> _Read:
    def read(name: str, value: Any) -> dict[str, Any]:
        return _read(known, _table(name, value), name)

    return read


def _table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(f"{name} {value!r} is not a table: write what belongs to it under [{name}]")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} {value!r} is not a text: write it in quotes")
    return value.strip()


def _texts(name: str, value: Any) -> dict[str, str]:
    return {key: _text(f"{name}.{key}", one) for key, one in _table(name, value).items()}


def _workers(name: str, value: Any) -> int:
    return whole_number(name, value, 1)


def _workers_text(name: str, value: str) -> int:
    return _workers(name, int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value)


def _executor(name: str, value: Any) -> str:
    return str(_option("executor", name, value))


def _resources(name: str, value: Any) -> Mapping[str, float]:
    found: Mapping[str, float] = _option("resources", name, _table(name, value))
    return found


def _option(option: str, name: str, value: Any) -> Any:
    """As the option of that name is read; in the environment it has another name, which is told."""
    try:
        return normalise({option: value})[option]
    except UsageError as error:
        raise error if name == option else UsageError(f"{name}: {error}") from None


_DASK: Mapping[str, _Read] = {"address": _text, "workers": _workers, "files": _text, "limit": size}
_CELERY: Mapping[str, _Read] = {
    "broker": _text, "queue": _text, "queues": _texts, "files": _text, "limit": size,
}  # fmt: skip
_SETTINGS: Mapping[str, _Read] = {
    "executor": _executor, "resources": _resources, "files": _text, "dask": _section(_DASK),
    "celery": _section(_CELERY),
}  # fmt: skip

VARIABLES: Mapping[str, tuple[_Read, Sequence[tuple[str, str]]]] = {
    "NBSCHED_EXECUTOR": (_executor, [("", "executor")]),
    "NBSCHED_DASK_ADDRESS": (_text, [("dask", "address")]),
    "NBSCHED_DASK_WORKERS": (_workers_text, [("dask", "workers")]),
    "NBSCHED_CELERY_BROKER": (_text, [("celery", "broker")]),
    "NBSCHED_CELERY_QUEUE": (_text, [("celery", "queue")]),
    "NBSCHED_FILES": (_text, [("", "files"), ("dask", "files"), ("celery", "files")]),
    "NBSCHED_FILES_LIMIT": (size, [("dask", "limit"), ("celery", "limit")]),
}
"""Variables of the environment: how each is read, and the sections (none: the top) and names it stands for."""
FOREIGN_BROKER = "CELERY_BROKER_URL"
"""Celery's own variable, which counts where neither ours nor the file name a broker."""
