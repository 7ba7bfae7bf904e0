"""Works as JSON and back: what the store keeps so that any host can carry a run out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import lru_cache
from typing import Any

from nbsched.core.model import Approval, Cell, Function, Map, Notebook, Pipeline, Shell, Step, Wait, Work
from nbsched.core.wire import decode, encode

KINDS: Mapping[str, type[Work]] = {
    "cell": Cell,
    "notebook": Notebook,
    "function": Function,
    "shell": Shell,
    "wait": Wait,
    "approval": Approval,
    "map": Map,
    "pipeline": Pipeline,
}
_KIND_OF = {kind: name for name, kind in KINDS.items()}


def kind_of(work: Work) -> str:
    return _KIND_OF[type(work)]


def work_to_json(work: Work) -> dict[str, Any]:
    """The work as JSON; fields at their default are left out."""
    return {"kind": kind_of(work), **_fields_to_json(work)}


def _fields_to_json(noun: Work | Step) -> dict[str, Any]:
    return {
        name: _write(name, value)
        for name, default in _DEFAULTS[type(noun)].items()
        if (value := getattr(noun, name)) != default
    }


def _write(name: str, value: Any) -> Any:
    if isinstance(value, Work):
        return work_to_json(value)
    if name == "steps":
        return [_fields_to_json(step) for step in value]
    return encode(value, name)


_DEFAULTS = {
    kind: {item.name: item.default if item.default_factory is MISSING else item.default_factory()
           for item in fields(kind)}
    for kind in (*KINDS.values(), Step)
}  # fmt: skip


def work_from_json(data: Mapping[str, Any]) -> Work:
    """The work that `work_to_json` was given."""
    given = {name: decode(value) for name, value in data.items() if name not in _APART}
    given |= {name: tuple(given[name]) for name in ("args", "choices") if name in given}
    if data["kind"] == "pipeline":
        given["steps"] = tuple(_step_from_json(step) for step in data.get("steps", ()))
    if data["kind"] == "map":
        given["work"] = work_from_json({"name": given["name"], **data["work"]})
    return KINDS[data["kind"]](**given)


_APART = frozenset({"kind", "steps", "place", "work"})


@lru_cache(maxsize=4096)
def work_of(text: str) -> Work:
    """The work of a run's row, which has its name and policy in columns of their own."""
    return work_from_json({"name": "", **json.loads(text)})


def _step_from_json(data: Mapping[str, Any]) -> Step:
    plain = {name: value for name, value in data.items() if name not in ("work", "needs")}
    return Step(work=work_from_json(data["work"]), needs=tuple(data.get("needs", ())), **plain)
