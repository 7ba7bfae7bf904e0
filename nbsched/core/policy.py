"""The policy: how often work is tried, how long it may take, when it gives way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from nbsched.core.durations import duration, duration_text
from nbsched.core.errors import DefinitionError, UnknownName, UsageError
from nbsched.core.limits import PERIODS_MS

PRIORITIES = {"high": -10, "normal": 0, "low": 10}
RULES = (
    "all_success", "all_done", "all_failed", "one_success", "one_failed", "one_done", "none_failed",
    "none_failed_min_one_success", "none_skipped", "all_skipped", "always",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits `wait`, then `factor` times longer each time, at most `max_wait`; `jitter` is a share."""

    wait: Any = timedelta(seconds=1)
    factor: float = 2
    max_wait: Any = timedelta(minutes=10)
    jitter: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "wait", duration(self.wait, "backoff wait"))
        object.__setattr__(self, "max_wait", duration(self.max_wait, "backoff max_wait"))
        if not isinstance(self.factor, (int, float)) or not self.factor >= 1:
            raise UsageError(f"backoff factor {self.factor!r} shortens the waits: give 1 or more")
        if not isinstance(self.jitter, (int, float)) or not 0 <= self.jitter <= 1:
            raise UsageError(f"backoff jitter {self.jitter!r} is not a share: give a number from 0 to 1")

    def delay(self, attempt: int, spread: float) -> timedelta:
        """The wait after the given attempt (from 1); `spread` in [-1, 1] chooses within the jitter."""
        longest: timedelta = self.max_wait
        exponent = min(attempt - 1, 64)
        wait = min(self.wait.total_seconds() * self.factor**exponent, longest.total_seconds())
        return timedelta(seconds=min(max(wait * (1 + self.jitter * spread), 0), longest.total_seconds()))

    def to_json(self) -> dict[str, Any]:
        return {"wait": duration_text(self.wait), "factor": self.factor,
                "max_wait": duration_text(self.max_wait), "jitter": self.jitter}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every option of a work with its default."""

    retries: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    retry_on: tuple[str, ...] = ()
    fatal: tuple[str, ...] = ()
    rerun: bool = True
    timeout: timedelta | None = None
    cell_timeout: timedelta | None = None
    grace: timedelta = timedelta(seconds=5)
    priority: int = 0
    executor: str = "local"
    launch: str = "auto"
    """How the process of a notebook, cell or function comes to be."""
    resources: Mapping[str, float] = field(default_factory=dict)
    max_running: int | None = None
    rate: str | None = None
    depends_on_previous: bool = False
    rule: str = "all_success"
    cache: bool | timedelta = False
    """Whether a run is spared whose result is known already, or how old that may be."""
    inputs: tuple[str, ...] = ()
    """Files and patterns of files that the work reads, absolute."""
    outputs: tuple[str, ...] = ()
    key: str | None = None
    tags: tuple[str, ...] = ()
    expires: timedelta | None = None
    deadline: timedelta | None = None
    keep: str | int | None = None
    secrets: tuple[str, ...] = ()
    on_success: Any = None
    on_failure: Any = None
    on_retry: Any = None
    on_late: Any = None
    on_recovery: Any = None

    @classmethod
    def of(cls, *layers: Mapping[str, Any]) -> Policy:
        """The policy of the normalised layers, later ones first in right."""
        merged: dict[str, Any] = {}
        for layer in layers:
            merged.update(layer)
        known = {name: value for name, value in merged.items() if name in _NAMES}
        return cls(**{name: _READ.get(name, _same)(value) for name, value in known.items()})


_NAMES = frozenset(item.name for item in fields(Policy))
EXECUTORS = ("local", "dask", "celery")
LAUNCHES = ("auto", "fork", "pool", "cold")
STEP_ONLY = frozenset({"when", "setup", "teardown"})
FILES = frozenset({"inputs", "outputs"})
INHERITED = frozenset({
    "retries", "backoff", "retry_on", "fatal", "rerun", "cell_timeout", "grace", "priority", "executor", "launch",
    "resources", "cache", "secrets",
})  # fmt: skip
"""The options of a pipeline that are its steps' defaults; the others speak of the pipeline itself."""


def _same(value: Any) -> Any:
    return value


def _seconds(value: Any) -> Any:
    return None if value is None else duration(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "backoff": lambda value: Backoff(**value),
    "cache": lambda value: duration(value) if isinstance(value, str) else value,
    "inputs": tuple,
    "outputs": tuple,
    "retry_on": tuple,
    "fatal": tuple,
    "tags": tuple,
    "secrets": tuple,
    "timeout": _seconds,
    "cell_timeout": _seconds,
    "grace": _seconds,
    "expires": _seconds,
    "deadline": _seconds,
}


def normalise(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options in their one JSON-able form (callables of `on_*` stay); UsageError names a bad one."""
    for name in given:
        if name in STEP_ONLY:
            raise UsageError(f"{name}= is for the steps of a pipeline: write it inside one")
        if name not in _NAMES:
            raise UnknownName("option", name, sorted(_NAMES | STEP_ONLY))
    return {name: _WRITE[name](name, value) for name, value in given.items()}


def policy_of(owner: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options in their one form; DefinitionError names the owner and the option that is wrong."""
    for name in STEP_ONLY & given.keys():
        raise DefinitionError(f"{owner}: {name}= is for the steps of a pipeline: give it there")
    try:
        return normalise(given)
    except UsageError as error:
        raise DefinitionError(f"{owner}: {error}") from None


def split_policy(owner: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy in its one form, and what is for steps only, as it was given."""
    steps_only = {name: value for name, value in given.items() if name in STEP_ONLY}
    policy = {name: value for name, value in given.items() if name not in STEP_ONLY}
    return policy_of(owner, policy), steps_only


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """The value; UsageError names it when it is not a whole number of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name} {value!r} is not a whole number of {least} or more: give one")
    return value


def _whole(least: int) -> Callable[[str, Any], Any]:
    return lambda name, value: whole_number(name, value, least)


def _optional(write: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, value: None if value is None else write(name, value)


def _span(name: str, value: Any) -> str:
    return duration_text(duration(value, name))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{name} {value!r} is neither True nor False: give one of them")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{name} {value!r} is not a text: write it in quotes")
    return value


def _texts(name: str, value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Iterable):
        raise UsageError(f"{name} {value!r} is not a list of texts: write it like ['a', 'b']")
    return [_text(name, item) for item in items]


def _cache(name: str, value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    try:
        return _span(name, value)
    except UsageError:
        raise UsageError(
            f"{name} {value!r} is neither True nor False nor how old a result may be, such as '1d'"
        ) from None


def _paths(name: str, value: Any) -> list[str]:
    items = [value] if isinstance(value, str) or hasattr(value, "__fspath__") else value
    if not isinstance(items, Iterable):
        raise UsageError(f"{name} {value!r} is not a list of paths")
    return [_text(name, str(item) if hasattr(item, "__fspath__") else item) for item in items]


def located(options: dict[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """The options with their files where `place` says that each path leads."""
    found = {name: [place(path) for path in options[name]] for name in FILES & options.keys()}
    return {**options, **found} if found else options


def exception_name(kind: type[BaseException]) -> str:
    """The name by which `retry_on` and `fatal` know the exception: qualified but for built-in ones."""
    prefix = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{prefix}{kind.__qualname__}"


def _exceptions(name: str, value: Any) -> list[str]:
    items = [value] if isinstance(value, (str, type)) else value
    if not isinstance(items, Iterable):
        raise UsageError(
            f"{name} {value!r} is not a list of exception types or names: write it like [OSError]"
        )
    return [_exception(name, item) for item in items]


def _exception(name: str, item: Any) -> str:
    if isinstance(item, type) and issubclass(item, BaseException):
        return exception_name(item)
    return _text(name, item)


def _backoff(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Backoff):
        return value.to_json()
    if isinstance(value, Mapping):
        try:
            return Backoff(**value).to_json()
        except TypeError:
            parts = ", ".join(item.name for item in fields(Backoff))
            raise UsageError(f"backoff {dict(value)!r} has an unknown part: use {parts}") from None
    return Backoff(wait=value).to_json()


def priority(name: str, value: Any) -> int:
    """A priority as its number: lower runs first."""
    if isinstance(value, str) and value in PRIORITIES:
        return PRIORITIES[value]
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{name} {value!r} is not a whole number, 'high', 'normal' or 'low': give one")
    return value


def _resources(name: str, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise UsageError(f'{name} {value!r} is not a mapping of names to amounts such as {{"gpu": 1}}')
    for label, amount in value.items():
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not amount > 0:
            raise UsageError(
                f"{name}: the amount {amount!r} of {label!r} is not a number above zero: give one"
            )
    return dict(value)


def _rule(name: str, value: Any) -> str:
    if value not in RULES:
        raise UnknownName("join rule", value, RULES)
    return str(value)


def _launch(name: str, value: Any) -> str:
    if value not in LAUNCHES:
        raise UnknownName(name, value, LAUNCHES)
    return str(value)


def _rate(name: str, value: Any) -> str:
    count, _, period = _text(name, value).partition("/")
    if not count.strip().isdecimal() or int(count) < 1 or period.strip() not in PERIODS_MS:
        raise UsageError(f"{name} {value!r} is not a count per period: write '10/m' with s, m, h or d")
    return f"{int(count)}/{period.strip()}"


def _keep(name: str, value: Any) -> str | int:
    return _span(name, value) if isinstance(value, str) else int(_whole(0)(name, value))


def _hook(name: str, value: Any) -> Any:
    if value is None or callable(value) or isinstance(value, (str, Mapping)):
        return value
    raise UsageError(
        f"{name} {value!r} is neither a function, an event name nor a notification URL: give one"
    )


def _executor(name: str, value: Any) -> str:
    if value not in EXECUTORS:
        raise UnknownName(name, value, EXECUTORS)
    return str(value)


_WRITE: Mapping[str, Callable[[str, Any], Any]] = {
    "retries": _whole(0),
    "backoff": _backoff,
    "retry_on": _exceptions,
    "fatal": _exceptions,
    "rerun": _flag,
    "timeout": _optional(_span),
    "cell_timeout": _optional(_span),
    "grace": _span,
    "priority": priority,
    "executor": _executor,
    "launch": _launch,
    "resources": _resources,
    "max_running": _optional(_whole(1)),
    "rate": _optional(_rate),
    "depends_on_previous": _flag,
    "rule": _rule,
    "cache": _cache,
    "inputs": _paths,
    "outputs": _paths,
    "key": _optional(_text),
    "tags": _texts,
    "expires": _optional(_span),
    "deadline": _optional(_span),
    "keep": _optional(_keep),
    "secrets": _texts,
    "on_success": _hook,
    "on_failure": _hook,
    "on_retry": _hook,
    "on_late": _hook,
    "on_recovery": _hook,
}
