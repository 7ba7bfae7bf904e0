"""Functions for the engine's tests: found again by this file, so that any runtime of any process can run them."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Any

import nbsched as nb

calls: list[Any] = []
gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
begun: defaultdict[str, threading.Event] = defaultdict(threading.Event)
most_at_once: Counter[str] = Counter()


def ok(value: Any = 1) -> Any:
    calls.append(value)
    return value


def instant() -> str:
    """Its own nominal instant, and what led to it."""
    context = nb.context()
    calls.append(context.scheduled_at)
    return context.scheduled_at.isoformat()


def about(value: Any = None) -> dict[str, Any]:
    context = nb.context()
    calls.append(context)
    return {"attempt": context.attempt, "event": context.event, "key": context.key, "run": context.run_id}


def bad(text: str = "no") -> None:
    calls.append(text)
    raise ValueError(text)


def bad_until(attempt: int) -> int:
    found = nb.context().attempt
    calls.append(found)
    if found < attempt:
        raise OSError(f"attempt {found}")
    return found


def held(name: str) -> str:
    """Ends when its gate is opened, or when it is interrupted."""
    calls.append(name)
    begun[name].set()
    while not gates[name].wait(0.02):
        pass
    return name


def fails_once(*values: Any) -> list[Any]:
    """Fails the first time it is called in a test."""
    calls.append("fails once")
    if calls.count("fails once") == 1:
        raise ValueError("once")
    return [value if isinstance(value, int) else type(value).__name__ for value in values]


def held_if(name: str) -> str:
    return held(name) if name else ""


def sleeps_in_c() -> None:
    import os
    import time

    print(os.getpid(), flush=True)
    while True:
        try:
            time.sleep(600)  # noqa: TID251 code that cannot be interrupted is the point
        except KeyboardInterrupt:
            continue


def nested(depth: int) -> int:
    return depth and 1 + nb.run(nested, {"depth": depth - 1}).wait(20, check=True).result


async def nested_async(depth: int) -> int:
    return depth and 1 + (await nb.run(nested_async, {"depth": depth - 1})).result


def stubborn() -> None:
    """Ends when its gate is opened, however often it is interrupted."""
    most_at_once["now"] += 1
    most_at_once["stubborn"] = max(most_at_once["stubborn"], most_at_once["now"])
    begun["stubborn"].set()
    while True:
        try:
            while not gates["stubborn"].wait(0.02):
                pass
            break
        except KeyboardInterrupt:
            continue
    most_at_once["now"] -= 1


def emits(**values: Any) -> Any:
    nb.emit(**values)
    return values


def skips() -> None:
    nb.skip("not today")


def fails() -> None:
    calls.append("fails")
    nb.fail("never again")


def later() -> str:
    calls.append("later")
    if nb.context().attempt == 1:
        nb.retry_later("10m")
    return "done"


def raises_keyboard_interrupt() -> None:
    raise KeyboardInterrupt


def gives(what: str) -> Any:
    import numpy
    import pandas

    return {
        "frame": lambda: pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        "array": lambda: numpy.arange(6).reshape(2, 3),
        "nan": lambda: float("nan"),
        "large": lambda: "x" * 100_000,
        "lock": threading.Lock,
        "nested": lambda: {"fine": 1, "lock": threading.Lock()},
    }[what]()


def length(value: Any) -> int:
    return len(value)


def kind(value: Any) -> str:
    return type(value).__name__


moments: dict[str, Any] = {}
"""What steps do to their runs, by name."""


def acts(does: str, failures: int, moment: str | None, seconds: float) -> str:
    """A step of the reference model; it counts its failures by what its store says of it."""
    context = nb.context()
    calls.append(context.step)
    if moment and context.attempt == 1:
        moments[moment](context.run_id)
    threading.Event().wait(seconds)
    if moments["failures"](context.run_id) < failures:
        raise OSError("once more")
    if does == "skips":
        nb.skip("not today")
    if does == "gives up":
        nb.fail("never")
    return does


async def acts_async(does: str, failures: int, moment: str | None, seconds: float) -> str:
    return acts(does, failures, moment, seconds)


def answers(*given: Any) -> Any:
    """One after the other, the last for ever after."""
    calls.append("looked")
    return given[min(calls.count("looked"), len(given)) - 1]


def ready_when(name: str) -> Any:
    """Whether the gate is open."""
    calls.append("looked")
    return {"gate": name} if gates[name].is_set() else None


async def ready_async() -> list[int]:
    calls.append("looked")
    return [1, 2] if calls.count("looked") > 1 else []


def hears(run: nb.Run) -> None:
    calls.append(("hears", run.id, str(run.state)))


async def hears_async(run: nb.Run) -> None:
    calls.append(("hears_async", run.id, str(run.state)))


def hears_for_ever() -> None:
    calls.append(("hears_for_ever", 0, ""))
    gates["for ever"].wait()


def power(base: float, exponent: int = 1) -> float:
    return base**exponent


def total(values: list[float]) -> float:
    return sum(values)


def inverse(value: float) -> float:
    return 1 / value


def kinds(values: list[Any]) -> list[str]:
    return [type(value).__name__ for value in values]


def skips_odd(value: int) -> int:
    if value % 2:
        nb.skip("odd")
    return value


_at_once = threading.Lock()


def counted(value: Any) -> Any:
    """Notes how many of it run at once."""
    with _at_once:
        most_at_once["now"] += 1
        most_at_once["counted"] = max(most_at_once["counted"], most_at_once["now"])
    gates["never"].wait(0.01)
    with _at_once:
        most_at_once["now"] -= 1
    return value


def fails_once_on(value: int, bad: int) -> int:
    """Fails the first time it is called with the bad value in a test."""
    calls.append(value)
    if value == bad and not gates["mended"].is_set():
        gates["mended"].set()
        raise ValueError("once")
    return value


def times(value: float, factor: float) -> float:
    return value * factor


def plus(value: float, more: float) -> float:
    return value + more


def lasts(seconds: int) -> str:
    """Active for that long of a virtual clock, on which work itself takes no time."""
    if seconds and nb.context().attempt == 1:
        nb.retry_later(seconds)
    return "done"
