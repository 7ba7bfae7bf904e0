"""What can be given, each by its name: its JSON Schema, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from nbsched.core.policy import Backoff, Policy
from nbsched.core.states import State
from nbsched.options import CHOICES, POLICY_HELP, SCHEDULE_HELP
from nbsched.server.routes import Schema
from nbsched.server.schemas import DURATION, schema_of

MOST = 10_000
"""So many rows are listed by one answer."""
LARGEST = 2**31 - 1


def text(about: str, **more: Any) -> Schema:
    """A text that is not empty."""
    return {"type": "string", "minLength": 1, "description": about, **more}


def whole(about: str, least: int = 0, most: int = LARGEST) -> Schema:
    """A whole number between the two."""
    return {"type": "integer", "minimum": least, "maximum": most, "description": about}


def flag(about: str) -> Schema:
    return {"type": "boolean", "description": about}


def one_of(values: Any, about: str) -> Schema:
    return {"enum": [str(value) for value in values], "description": about}


def anything(about: str) -> Schema:
    return {"description": about}


RUN = whole("the run's number", most=2**63 - 1)
PARTS: Mapping[str, Schema] = {"id": RUN, "other": RUN, "name": text("its name")}
"""The parts of paths."""

PATH = text("a notebook, or a Python file that defines a pipeline, from the server's folder on",
            examples=["report.ipynb"])  # fmt: skip
PIPELINE = text("which pipeline, where the file defines several")
PARAMS = {"type": "object", "description": "parameters by name; ISO text where a date is declared"}
TRIGGER = text("when: '0 2 * * *', @daily, 'every 5m', 'on data.ready'",
               examples=["0 2 * * *", "every 5m", "on data.ready"])  # fmt: skip
ZONE = text("the IANA name of a zone; without one the machine's", examples=["Europe/Berlin"])
_WHEN = [{"format": "date-time"}, {"format": "date"}]
START = text("an instant with offset, or a date in the schedule's zone", anyOf=_WHEN)
END = text("no instant from here on", anyOf=_WHEN)
LIMIT = whole("at most so many", most=MOST)
STATE = one_of(State, "only runs in this state")
NUMBER = "a whole number, or high, normal or low"


def _policy(name: str, hint: Any) -> Schema:
    if name in _OWN:
        found = _OWN[name]
    elif name in CHOICES:
        found = {"enum": list(CHOICES[name])}
    else:
        found = schema_of(hint, {})
    bounds = {"minimum": -LARGEST, "maximum": LARGEST} if "integer" in str(found.get("type")) else {}
    return {**found, **bounds, "description": POLICY_HELP[name]}


_HOOK: Schema = {"type": ["string", "null"]}
_OWN: Mapping[str, Schema] = {
    "priority": {"type": ["integer", "string"]},
    "backoff": {
        "type": ["string", "number", "object"],
        "properties": {"wait": DURATION, "factor": {"type": "number"}, "max_wait": DURATION,
                       "jitter": {"type": "number"}},
        "additionalProperties": False,
    },
    **dict.fromkeys(("on_success", "on_failure", "on_retry", "on_late", "on_recovery"), _HOOK),
}  # fmt: skip
_HINTS = get_type_hints(Policy)
assert {item.name for item in fields(Backoff)} == _OWN["backoff"]["properties"].keys()
POLICY: Mapping[str, Schema] = {item.name: _policy(item.name, _HINTS[item.name]) for item in fields(Policy)}
"""The options of the policy."""

_INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
_KINDS: Mapping[str, Schema] = {
    "catchup": DURATION, "jitter": {"type": ["string", "number", "null"]}, "start": _INSTANT, "end": _INSTANT,
    "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST},
}  # fmt: skip
SCHEDULE: Mapping[str, Schema] = {
    "name": text("what the schedule is called; without it as its work"),
    **{name: {**(_KINDS[name] if name in _KINDS else {"enum": list(CHOICES[name])}), "description": about}
       for name, about in SCHEDULE_HELP.items()},
}  # fmt: skip
"""The options of `nb.schedule`."""
