"""Cron expressions as text: what is accepted, what is refused and why, and the calendar each means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NoReturn, get_args

from nbsched.core.cron import Calendar, DayRule
from nbsched.core.errors import TriggerError

SecondsField = Literal["first", "last"]

ALIASES = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip


@lru_cache(maxsize=4096)
def parse(expr: str, seconds: SecondsField | None = None) -> Calendar:
    """The calendar of an expression or alias; one that can never match is refused too.

    TriggerError names the field, the position (from 1) and the remedy.
    """
    minute, hour, day, _, weekday, _ = columns = _columns(expr, seconds)
    minutes, hours, days, months, weekdays, seconds_ = _values(columns)
    calendar = Calendar(
        seconds=seconds_,
        minutes=minutes,
        hours=hours,
        months=months,
        days=_day_rule(day, weekday, frozenset(days), frozenset(weekdays)),
        follows_clock=minute.star or hour.star,
    )
    if not calendar.possible:
        raise TriggerError(
            f"cron expression {expr!r} never matches: no month it names has such a day; change day or month"
        )
    return calendar


def canonical(expr: str) -> str:
    """The same expression with one blank between its fields."""
    return " ".join(_WORD.findall(expr.strip()))


# Fields and their elements ----------------------------------------------------------------------------


def _numbered(first: int, names: str) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names.split(), first)}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: Mapping[str, int] = field(default_factory=dict)


_SECOND = _Field("second", 0, 59)
_DAY = _Field("day-of-month", 1, 31)
_WEEKDAY = _Field("day-of-week", 0, 7, _numbered(0, "SUN MON TUE WED THU FRI SAT"))
_MONTH = _Field("month", 1, 12, _numbered(1, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"))
_FIELDS = (_Field("minute", 0, 59), _Field("hour", 0, 23), _DAY, _MONTH, _WEEKDAY)
_NAMES = ", ".join(each.name for each in _FIELDS)

_WORD = re.compile(r"[^ \t]+")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class _Element:
    """One comma-separated element, and where it stands, for what is said when it is refused."""

    expr: str
    field: _Field
    text: str
    position: int

    def refuse(self, reason: str) -> NoReturn:
        where = f"{self.field.name} {self.text!r} at position {self.position}"
        raise TriggerError(f"cron expression {self.expr!r}: {where} {reason}")

    @property
    def special(self) -> bool:
        """It means a day by its place in the month: `L`, `LW`, `5L`, `5#2`."""
        upper = self.text.upper()
        if self.field is _DAY:
            return upper in ("L", "LW")
        return self.field is _WEEKDAY and (upper.endswith("L") or "#" in upper)

    def plain(self) -> str:
        """The element with numbers for names, in a spelling that croniter reads as Debian does."""
        body, slash, step_text = self.text.partition("/")
        step = self._step(step_text) if slash else 1
        if body == "*":
            return _span(self.field.first, self.field.last, step) if slash else "*"
        low_text, dash, high_text = body.partition("-")
        low = self.number(low_text)
        high = self.number(high_text) if dash else self.field.last if slash else low
        if low > high:
            self.refuse(f"runs backwards: write {low_text}-{self.field.last},{self.field.first}-{high_text}")
        return _span(low, high, step)

    def number(self, text: str) -> int:
        """A value of this field, by number or name."""
        low, high, names = self.field.first, self.field.last, self.field.names
        if text.upper() in names:
            return names[text.upper()]
        if not text:
            self.refuse(f"leaves a value out: give values from {low} to {high}")
        if not _NUMBER.fullmatch(text):
            also = f" or {' '.join(names)}" if names else ""
            self.refuse(f"holds {text!r}, which is not a value: give {low} to {high}{also}")
        if not low <= int(text) <= high:
            self.refuse(f"is out of range: give {low} to {high}")
        return int(text)

    def _step(self, text: str) -> int:
        if not _NUMBER.fullmatch(text):
            self.refuse("has a step that is not a whole number: write it like */15")
        if int(text) == 0:
            self.refuse("has a step of zero: give 1 or more")
        return int(text)

    def last_weekday(self) -> int:
        """The weekday of `5L`."""
        if self.text.upper() == "L":
            self.refuse("names no weekday: write 5L for the last Friday, or L in day-of-month")
        return self.number(self.text[:-1]) % 7

    def nth_weekday(self) -> tuple[int, int]:
        """The weekday and the count of `5#2`."""
        weekday, _, nth = self.text.partition("#")
        if nth not in ("1", "2", "3", "4", "5"):
            self.refuse("counts no weekday of a month: give 1 to 5 after #, as in 5#2 for the second Friday")
        return self.number(weekday) % 7, int(nth)


def _span(low: int, high: int, step: int) -> str:
    """`a-a` and a step that leaves the range are one value; croniter reads them otherwise."""
    return f"{low}-{high}/{step}" if low + step <= high else str(low)


@dataclass(frozen=True, slots=True)
class _Column:
    """One field of an expression: its elements in order."""

    field: _Field
    elements: tuple[_Element, ...]

    @property
    def star(self) -> bool:
        """Its first character is `*`; a star later in the list does not count."""
        return self.elements[0].text.startswith("*")

    @property
    def special(self) -> tuple[_Element, ...]:
        return tuple(element for element in self.elements if element.special)

    @property
    def plain(self) -> str:
        """All other elements as croniter reads them; empty when there are none."""
        texts = [element.plain() for element in self.elements if not element.special]
        return "*" if "*" in texts else ",".join(texts)


# The whole expression ---------------------------------------------------------------------------------


def _columns(expr: str, seconds: SecondsField | None) -> tuple[_Column, ...]:
    """Minute, hour, day-of-month, month, day-of-week and second."""
    if seconds not in (None, *get_args(SecondsField)):
        raise TriggerError(f"seconds={seconds!r} is unknown: write 'first' or 'last', or leave it out")
    text = _unaliased(_ascii(expr), seconds)
    words = list(_WORD.finditer(text))
    if len(words) != (6 if seconds else 5):
        raise TriggerError(_wrong_count(expr, len(words), seconds))
    fields = {None: _FIELDS, "first": (_SECOND, *_FIELDS), "last": (*_FIELDS, _SECOND)}[seconds]
    columns = [_column(expr, word, each) for word, each in zip(words, fields, strict=True)]
    if seconds is None:
        return (*columns, _Column(_SECOND, (_Element(expr, _SECOND, "0", 0),)))
    return (*columns[1:], columns[0]) if seconds == "first" else tuple(columns)


def _ascii(expr: str) -> str:
    odd = next((character for character in expr if not character.isascii()), None)
    if odd:
        raise TriggerError(
            f"cron expression {expr!r} holds {odd!r} at position {expr.index(odd) + 1}: "
            "write it in plain ASCII digits and letters"
        )
    return expr


def _unaliased(expr: str, seconds: SecondsField | None) -> str:
    if not expr.startswith("@"):
        return expr
    if expr == "@reboot":
        raise TriggerError("'@reboot' is an event, not a time: write 'on runtime.started'")
    if expr not in ALIASES:
        raise TriggerError(f"there is no cron alias {expr!r}: write one of {' '.join(ALIASES)}")
    if seconds:
        raise TriggerError(f"cron alias {expr!r} has no seconds field: leave seconds={seconds!r} out")
    return ALIASES[expr]


def _wrong_count(expr: str, count: int, seconds: SecondsField | None) -> str:
    if seconds:
        return f"cron expression {expr!r} has {count} fields: seconds={seconds!r} needs six"
    if count == 6:
        return (
            f"cron expression {expr!r} has six fields: say where the seconds stand with seconds='first' or "
            f"'last', or give five ({_NAMES})"
        )
    missing = f", the {_FIELDS[count].name} is missing" if 0 < count < 5 else ""
    fields = f"{count or 'no'} field{'s' * (count != 1)}{missing}"
    return f"cron expression {expr!r} has {fields}: give five ({_NAMES})"


def _column(expr: str, word: re.Match[str], of: _Field) -> _Column:
    elements, position = [], word.start() + 1
    for text in word[0].split(","):
        elements.append(_Element(expr, of, text, position))
        position += len(text) + 1
    return _Column(of, tuple(elements))


def _values(columns: tuple[_Column, ...]) -> tuple[tuple[int, ...], ...]:
    """The sorted plain values of each column."""
    from croniter import croniter  # slow to import, so only when used

    texts = [column.plain for column in columns]
    read, _ = croniter.expand(" ".join(text or "*" for text in texts))
    return tuple(
        ()
        if not text
        else _every_value(column.field)
        if values == ["*"]
        else tuple(sorted({*map(int, values)}))
        for column, text, values in zip(columns, texts, read, strict=True)
    )


def _every_value(of: _Field) -> tuple[int, ...]:
    return tuple(range(7)) if of is _WEEKDAY else tuple(range(of.first, of.last + 1))


def _day_rule(day: _Column, weekday: _Column, days: frozenset[int], weekdays: frozenset[int]) -> DayRule:
    in_month = {element.text.upper() for element in day.special}
    nth = [element for element in weekday.special if "#" in element.text]
    last = [element for element in weekday.special if "#" not in element.text]
    return DayRule(
        days=days,
        last_day="L" in in_month,
        last_workday="LW" in in_month,
        weekdays=weekdays,
        last_weekdays=frozenset(element.last_weekday() for element in last),
        nth_weekdays=frozenset(element.nth_weekday() for element in nth),
        both=day.star or weekday.star,
    )
