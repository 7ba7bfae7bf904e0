"""The settings as they are shown to people: each section in a line, and no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl

from nbsched.core.settings import CelerySettings, DaskSettings, Settings

Shown = Iterator[tuple[str, str]]
"""What is told of, and what."""


def shown() -> Shown:
    """The file that was read and what it says, the environment included; UsageError when that cannot be."""
    from nbsched.engine.settings import settings_near, source_near, variables, working_folder

    folder = working_folder()
    source, settings = source_near(folder), settings_near(folder)
    absent = f"no nbsched.toml and no [tool.nbsched] in {folder} or above"
    yield "settings", f"{source.name if source else absent}: {_line(_general(settings))}"
    yield from _sections(settings)
    if names := [name for name, _ in variables()]:
        yield "settings from the environment", ", ".join(names)


def _general(settings: Settings) -> Mapping[str, Any]:
    return {"executor": settings.executor, "files": settings.files, "resources": settings.resources}


def _sections(settings: Settings) -> Shown:
    """Those that say something, or that the default executor reads."""
    plain = {"dask": DaskSettings(files=settings.files), "celery": CelerySettings(files=settings.files)}
    for name, empty in plain.items():
        section = getattr(settings, name)
        if section != empty or settings.executor == name:
            yield (
                f"settings [{name}]",
                _line({one.name: getattr(section, one.name) for one in fields(section)}),
            )


def _line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items() if value not in (None, {}))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={one}" for name, one in value.items())
    if isinstance(value, int):
        return f"{value:,}"
    return ";".join(map(without_secrets, re.split(r";(?=[\w+.-]+://)", value)))


def without_secrets(url: str) -> str:
    """The URL with *** for its password and for all that its query says; text that is no URL as it is."""
    scheme, mark, rest = url.partition("://")
    address, question, query = rest.partition("?")
    if not mark:
        return url
    if "@" in query:  # it may as well be the end of a password
        return f"{scheme}://***"
    user, at, host = address.rpartition("@")
    name, colon, _ = user.partition(":")
    hidden = f"{name}:***" if colon else "***"
    asked = "&".join(f"{name}=***" for name, _ in parse_qsl(query, keep_blank_values=True))
    return f"{scheme}://{hidden + at if at else ''}{host}{question}{asked}"
