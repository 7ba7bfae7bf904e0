"""What can be waited for: events, instants, the ends of other work, files, functions, and a person's answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nbsched.core import ports
from nbsched.core.durations import duration, duration_text
from nbsched.core.errors import DefinitionError, ParameterError, UnknownName
from nbsched.core.model import Approval, Error, Event, Wait
from nbsched.core.parameters import TYPE, bind_params
from nbsched.core.policy import split_policy
from nbsched.core.rawtext import RawText
from nbsched.core.steps import StepHandle, step_name
from nbsched.core.triggers import After, AnyOf, At, Trigger, parse_trigger, trigger_of
from nbsched.core.wire import encode
from nbsched.core.work import FunctionTask, placed, task

MATCHES = ("next", "latest", "same_interval")
TYPES = ("bool", "int", "float", "str", "list", "dict", "date", "datetime")
LEAST_POKE = timedelta(milliseconds=100)
_YES = frozenset({"yes", "y", "true", "on", "1", "approve"})
_NO = frozenset({"no", "n", "false", "off", "0", "reject"})


@dataclass(frozen=True, slots=True)
class Files:
    """The files that an absolute pattern names, once none of them has changed for as long as `settle`."""

    pattern: str
    settle: str


# Making them ------------------------------------------------------------------------------------------


def file(pattern: Any, *, settle: Any = "1s") -> Files:
    """Files to wait for: one at least, from the folder that this is written in; `**` is any folders."""
    if not str(pattern).strip():
        raise DefinitionError(f"{pattern!r} is no file pattern: write it like 'data/*.csv'")
    return Files(ports.surroundings().beside(str(pattern)), duration_text(duration(settle, "settle")))


def wait_for(
    awaited: Any, *, timeout: Any, poke: Any = "30s", match: Any = "next", name: str | None = None,
    params: Mapping[str, Any] | None = None, **policy: Any,
) -> Any:  # fmt: skip
    """A sensor: it has succeeded once the event, the instant, the end, the files or the function's yes is there.

    It fails, reason `timeout`, after `timeout`; `poke` is how often files and functions are looked at.
    """
    given = _awaited(awaited)
    owner = f"wait_for {described(given)}"
    options, steps_only = split_policy(owner, _limited(policy, timeout))
    if match not in MATCHES:
        raise DefinitionError(f"{owner}: {UnknownName('match', match, MATCHES)}")
    if match != "next" and not (given.trigger and isinstance(trigger_of(given.trigger), After)):
        raise DefinitionError(f"{owner}: match={match!r} is for the end of other work: give nb.after(name)")
    if params and given.ref is None:
        raise DefinitionError(f"{owner}: params= are for a function: leave them out")
    work = replace(
        given, name=given.name if name is None else name, params=dict(params or {}), policy=options,
        poke=_poke(owner, poke), match=match,
    )  # fmt: skip
    return placed(work, name, steps_only)


def _limited(policy: Mapping[str, Any], timeout: Any) -> dict[str, Any]:
    return {**policy, **({} if timeout is None else {"timeout": timeout})}


def _poke(owner: str, poke: Any) -> str:
    found = duration(poke, "poke")
    if found < LEAST_POKE:
        raise DefinitionError(
            f"{owner}: poke {poke!r} is too often: give {duration_text(LEAST_POKE)} or more"
        )
    return duration_text(found)


def _awaited(awaited: Any) -> Wait:
    if isinstance(awaited, str):
        awaited = read_awaited(awaited)
    if isinstance(awaited, Files):
        return Wait(name=_stem(awaited.pattern), files=awaited.pattern, settle=awaited.settle)
    if isinstance(awaited, Trigger):
        return Wait(name=step_name(str(awaited)), trigger=awaited.stored)
    if isinstance(awaited, StepHandle):
        raise DefinitionError(f"{awaited!r} is waited for by an edge: write it with >> before the step")
    if callable(awaited):
        known = awaited if isinstance(awaited, FunctionTask) else task(awaited)
        return Wait(name=known.name, ref=known.work().ref)
    raise DefinitionError(
        f"{awaited!r} cannot be waited for: give nb.on(event), nb.after(name), nb.file(pattern), an instant "
        "or a function"
    )


def read_awaited(text: str) -> Trigger | Files:
    """What the text of magics and command line means: a trigger, or `file PATTERN`."""
    word, _, rest = text.strip().partition(" ")
    return file(rest.strip()) if word == "file" and rest.strip() else parse_trigger(text)


def _stem(pattern: str) -> str:
    return step_name(pattern.replace("\\", "/").rsplit("/", 1)[-1])


def approve(
    message: str, *, timeout: Any = None, type: Any = bool, name: str | None = None, **policy: Any
) -> Any:
    """A step that waits for a person's answer: a type, or one of a list of choices; its result is the answer."""
    if not isinstance(message, str) or not message.strip():
        raise DefinitionError(f"approve {message!r} asks nothing: give the question as text")
    options, steps_only = split_policy(f"approve {message!r}", _limited(policy, timeout))
    kind, choices = _asked(message, type)
    work = Approval(
        name="approve" if name is None else name, policy=options, message=message, type=kind, choices=choices
    )
    return placed(work, name, steps_only)


def _asked(message: str, kind: Any) -> tuple[str, tuple[Any, ...]]:
    if isinstance(kind, (list, tuple)):
        if not kind or not all(isinstance(choice, (str, int, float)) for choice in kind):
            raise DefinitionError(f"approve {message!r}: {kind!r} are no choices: give texts or numbers")
        return "choice", tuple(encode(choice, "choice") for choice in kind)
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", None)
    if name not in TYPES:
        remedy = f"use {', '.join(TYPES)}, or a list of choices"
        raise DefinitionError(
            f"approve {message!r}: {UnknownName('type', name or repr(kind), TYPES, remedy)}"
        )
    return str(name), ()


# What they mean ---------------------------------------------------------------------------------------


def described(work: Wait | Approval) -> str:
    """What it waits for, in a few words."""
    if isinstance(work, Approval):
        return work.message
    if work.files is not None:
        return f"files {work.files}"
    return work.trigger or f"{(work.ref or '').rpartition(':')[2].partition('#')[0]}()"


def first_instant(trigger: Trigger, now: datetime) -> datetime | None:
    """The first instant of the trigger for who begins to wait now: one `at` that is past is now."""
    if isinstance(trigger, At):
        return max(trigger.when, now)
    if isinstance(trigger, AnyOf):
        return min(filter(None, (first_instant(part, now) for part in trigger.parts)), default=None)
    return trigger.next(now)


def meets(work: Wait, event: Event, *, key: str | None, scheduled_at: str) -> bool:
    """Whether the event is what a sensor waits for, of a run with this key and scheduled instant (ISO text)."""
    if event.key not in (None, key) or work.trigger is None:
        return False
    if work.match == "same_interval" and event.data.get("scheduled_at") != scheduled_at:
        return False
    return trigger_of(work.trigger).matches(event.name, event.data)


def answer(asked: Approval, value: Any) -> Any:
    """The value as the approval's answer; ParameterError says what is asked for when it is none."""
    found = _read(asked, value) if isinstance(value, RawText) else value
    if asked.type == "choice":
        same = [choice for choice in asked.choices if choice == found and type(choice) is type(found)]
        if same:
            return same[0]
    else:
        try:
            return bind_params({"answer": {TYPE: asked.type}}, {"answer": found})["answer"]
        except ParameterError:
            pass
    raise ParameterError(f"{asked.message!r} asks for {_kind(asked)}, not {value!r}: answer with one")


def _kind(asked: Approval) -> str:
    if asked.type == "choice":
        return f"one of {', '.join(map(repr, asked.choices))}"
    return "yes or no (True or False)" if asked.type == "bool" else f"a value of type {asked.type}"


def _read(asked: Approval, text: RawText) -> Any:
    """What the text means for this approval; the text itself where it means nothing."""
    plain = str.__str__(text).strip()
    if asked.type == "choice":
        return next((choice for choice in asked.choices if str(choice) == plain), plain)
    if asked.type == "bool":
        return True if plain.lower() in _YES else False if plain.lower() in _NO else plain
    return plain if asked.type not in _READERS else _tried(_READERS[asked.type], plain)


def _tried(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return text


_READERS: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "list": json.loads,
    "dict": json.loads,
}


def too_long(work: Wait | Approval, timeout: timedelta | None) -> Error:
    """What has gone wrong when its time is over."""
    within = f" within {duration_text(timeout)}" if timeout is not None else ""
    what = (
        f"nobody answered {work.message!r}"
        if isinstance(work, Approval)
        else f"{described(work)} did not come"
    )
    return Error("TimeoutError", f"{what}{within}")
