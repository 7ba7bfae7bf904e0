"""Every error nbsched raises on purpose.

NbschedError
├── UsageError            what was asked for cannot be
│   ├── TriggerError      a trigger's text or argument
│   ├── DefinitionError   a work, step, pipeline or schedule
│   │   └── WorkerMismatch  a worker lacks what the work needs
│   ├── ParameterError    a parameter's name, type or value
│   ├── ExpressionError   the text of a `when` or `where`
│   ├── UnknownName       no such schedule, pipeline, step or run
│   └── InvalidState      the run's state does not allow it
├── ValueNotStorable      a result of no kind that can be stored
│   └── ValueTooLarge     its file would have too many bytes
├── StoreError            the SQLite file cannot be used
├── RunFailed             a run ended without success (`wait(check=True)`)
└── Signal                raised inside running work to end it
    ├── Skip
    ├── Fail
    └── RetryLater
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import timedelta

_MOST_NAMES = 12


class NbschedError(Exception):
    """One sentence: the name, the reason and the remedy."""


class UsageError(NbschedError, ValueError):
    """What was asked for cannot be; nothing stored has changed."""


class TriggerError(UsageError):
    """A trigger cannot be read, or can never fire."""


class DefinitionError(UsageError):
    """A work, step, pipeline or schedule is not well formed."""


class WorkerMismatch(DefinitionError):
    """A worker is not the same as the side that sends it work, in what the work needs."""


class ParameterError(UsageError):
    """A parameter is unknown, missing or of the wrong type."""


class ExpressionError(UsageError):
    """An expression is not in the small safe language, or names what it cannot see."""


class InvalidState(UsageError):
    """The run's state does not allow what was asked."""


class UnknownName(UsageError, KeyError):
    """No such thing; `matches` holds the nearest names there are."""

    def __init__(self, kind: str, name: object, known: Iterable[str] = (), remedy: str = "") -> None:
        self.kind, self.name, self.known, self.remedy = kind, name, tuple(known), remedy
        self.matches = tuple(difflib.get_close_matches(str(name), self.known, n=3))
        super().__init__(kind, name, self.known, remedy)

    def __str__(self) -> str:
        near = " or ".join(repr(match) for match in self.matches)
        hint = f"did you mean {near}?" if near else self.remedy or self._there_is()
        return f"no {self.kind} {self.name!r}: {hint}"

    def _there_is(self) -> str:
        if not self.known:
            return f"there is no {self.kind} yet"
        more = " and others" if len(self.known) > _MOST_NAMES else ""
        return f"there is {', '.join(map(repr, self.known[:_MOST_NAMES]))}{more}"


class ValueNotStorable(NbschedError, TypeError):
    """A value is of no kind that can be stored."""

    def __init__(self, name: str, found: str, remedy: str = "") -> None:
        self.name, self.found, self.remedy = name, found, remedy
        super().__init__(name, found, remedy)

    def __str__(self) -> str:
        article = "an" if self.found[:1].lower() in "aeiou" else "a"
        remedy = (
            self.remedy
            or "give JSON, a DataFrame, an array, a figure, or save it to a file and give its Path"
        )
        return f"{_value(self.name)} is {article} {self.found}, which cannot be stored: {remedy}"


class ValueTooLarge(ValueNotStorable):
    """A value's file would have more bytes than one value may."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(name, f"file of {_bytes(size)}")
        self.size, self.limit = size, limit
        self.args = (name, size, limit)

    def __str__(self) -> str:
        return (
            f"{_value(self.name)} has {_bytes(self.size)}, and one value may have {_bytes(self.limit)}: give less, "
            "give the path of its file as text, or set NBSCHED_VALUE_LIMIT"
        )


def _value(name: str) -> str:
    return name if name.startswith("the ") else f"the value {name!r}"


def _bytes(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.4g} {unit}"
        size /= 1000
    return f"{size:.4g} GB"


class StoreError(NbschedError):
    """The store's file cannot be read or written."""


class RunFailed(NbschedError):
    """A run that was waited for with `check=True` did not succeed."""

    def __init__(self, run_id: int, name: str, state: str, reason: str | None, error: str | None) -> None:
        self.run_id, self.name, self.state, self.reason, self.error = run_id, name, state, reason, error
        super().__init__(run_id, name, state, reason, error)

    def __str__(self) -> str:
        why = self.error or self.reason or "no reason was recorded"
        return f"run {self.run_id} of {self.name!r} {self.state}: {why}"


class Signal(NbschedError):
    """Raised inside running work to end it in a chosen way."""


class Skip(Signal):
    """Ends the run as skipped."""


class Fail(Signal):
    """Ends the run as failed; it is never retried."""


class RetryLater(Signal):
    """Ends the attempt; the run is queued again after `delay`."""

    def __init__(self, delay: timedelta, reason: str = "") -> None:
        self.delay, self.reason = delay, reason
        super().__init__(delay, reason)

    def __str__(self) -> str:
        return self.reason or f"asked to be retried in {self.delay}"
